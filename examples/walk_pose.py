"""How the trunk, the arms and the legs stand at one moment of the example's motion."""

from __future__ import annotations

import numpy as np
from walk_body import JOINTS, PARENTS, Array, Body
from walk_motion import (
    FIRST_STRIKE_S,
    SPEED,
    SQUAT,
    SQUAT_BACK_M,
    SQUAT_DEPTH_M,
    STEP_S,
    WAVE,
    Foot,
    Path,
    ease,
    footprints,
    frame_of,
    keyed,
    turn_x,
    turn_y,
    turn_z,
)

WAVE_HZ = 1.7
STAND_KNEE_M = 0.008  # a standing leg is that much shorter than a locked one
WALK_DROP_M, WALK_BOB_M = 0.040, 0.017


class Figure:
    """The body in motion: world rotations from rest, and the hips' place, at any time."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.path = Path()
        self.stances = footprints(self.path)
        self.feet = {side: Foot(body, side, self.stances[side]) for side in ("Left", "Right")}

    def at(self, t: float) -> tuple[Array, Array]:
        """Rotations (J, 3, 3) and the hips' place (3,)."""
        turns: dict[str, Array] = {}
        root = trunk(self, turns, t)
        arms(self, turns, t)
        legs(self, turns, root, t)
        return np.array([turns[name] for name in JOINTS]), root

    def gait(self, t: float) -> tuple[float, float]:
        """How much the body walks (0..1) and the cycle's phase (rad), 0 at a left heel strike."""
        walking = min(1.0, float(keyed(SPEED, t)) / 0.9)
        return ease(walking), float(np.pi * (t - FIRST_STRIKE_S - STEP_S) / STEP_S)

    def rest_offset(self, joint: str) -> Array:
        """The joint's rest place from its parent's (3,)."""
        return np.asarray(self.body.joint(joint) - self.body.joint(PARENTS[joint] or ""))


def trunk(figure: Figure, turns: dict[str, Array], t: float) -> Array:
    """Sets the trunk's and head's rotations; the hips' place (3,) comes back."""
    walking, phase = figure.gait(t)
    squat = float(keyed(SQUAT, t))
    yaw = turn_y(float(figure.path.heading(t)))
    twist = np.radians(6) * walking * np.cos(phase - 0.2)
    tilt = np.radians(3.5) * walking * np.cos(phase - 1.6)
    lean = np.radians(3.0) * walking + np.radians(1.0)
    pelvis = yaw @ turn_y(-twist) @ turn_z(tilt) @ turn_x(lean + squat * np.radians(24))
    chest = yaw @ turn_y(0.9 * twist) @ turn_z(-0.5 * tilt) @ turn_x(lean + squat * np.radians(36))
    for name, share in (("Hips", 0.0), ("Spine", 0.25), ("Spine1", 0.6), ("Spine2", 1.0)):
        turns[name] = _between(pelvis, chest, share)
    ahead = turn_y(float(figure.path.heading(min(t + 0.25, 9.7)))) @ turn_x(np.radians(2 + 14 * squat))
    nod = turn_x(np.radians(1.5) * np.sin(2.1 * t)) @ turn_y(np.radians(2.5) * np.sin(1.3 * t + 1))
    turns["Neck"] = _between(chest, ahead, 0.5)
    turns["Head"] = ahead @ nod
    return _root(figure, t, yaw)


def _root(figure: Figure, t: float, yaw: Array) -> Array:
    walking, phase = figure.gait(t)
    squat = float(keyed(SQUAT, t))
    wave = float(keyed(WAVE, t))
    leg = np.linalg.norm(figure.rest_offset("LeftLeg")) + np.linalg.norm(figure.rest_offset("LeftFoot"))
    hips_over_legs = -figure.rest_offset("LeftUpLeg")[1]
    stand = figure.feet["Left"].height + leg + hips_over_legs - STAND_KNEE_M
    height = stand - walking * (WALK_DROP_M - WALK_BOB_M * np.cos(2 * phase - 3.4)) - squat * SQUAT_DEPTH_M
    sway = 0.02 * walking * np.cos(phase - 1.75) + 0.012 * wave + 0.004 * (1 - walking) * np.sin(1.9 * t)
    return figure.path.place(t) + yaw @ np.array([sway, height, -SQUAT_BACK_M * squat])


def _between(a: Array, b: Array, share: float) -> Array:
    """The rotation that lies ``share`` of the way from a to b (they are near each other: blend and orthonormalise)."""
    u, _, vt = np.linalg.svd((1 - share) * a + share * b)
    return np.asarray(u @ vt)


def arms(figure: Figure, turns: dict[str, Array], t: float) -> None:
    """Sets the rotations of collar bones, arms, fore arms and hands."""
    wave, squat = float(keyed(WAVE, t)), float(keyed(SQUAT, t))
    heading = turn_y(float(figure.path.heading(t)))
    frame = _between(heading, turns["Spine2"], 0.5 * (1 - squat))
    for side, out in (("Left", 1.0), ("Right", -1.0)):
        upper, axis, flex = _swinging(figure, side, t)
        upper, axis, flex = _mix((upper, axis, flex), _forward(out), squat)
        if side == "Right":
            upper, axis, flex = _mix((upper, axis, flex), _waving(t), wave)
        lift = np.radians(24 * wave * (side == "Right") + 3 * squat)
        turns[side + "Shoulder"] = turns["Spine2"] @ turn_z(out * lift)
        _set_arm(figure, turns, side, (frame @ upper, frame @ axis, flex))


ArmPose = tuple[Array, Array, float]  # upper arm's direction, elbow's axis, elbow's flexion (rad)


def _swinging(figure: Figure, side: str, t: float) -> ArmPose:
    walking, phase = figure.gait(t)
    out = 1.0 if side == "Left" else -1.0
    swing = -out * np.cos(phase - 0.25)  # the arm goes back as its own foot strikes
    angle = np.radians(walking * (23 * swing - 3) + 1.5 * np.sin(1.7 * t + out))
    upper = turn_x(-angle) @ np.array([out * 0.16, -1.0, 0.0])
    axis = np.array([-1.0, -0.25 * out, 0.0])
    flex = np.radians(16 + walking * (12 + 12 * swing))
    return upper, axis, float(flex)


def _forward(out: float) -> ArmPose:
    return np.array([-out * 0.02, -0.06, 1.0]), np.array([-1.0, 0.0, 0.0]), float(np.radians(12))


def _waving(t: float) -> ArmPose:
    flex = np.radians(68 + 24 * np.sin(2 * np.pi * WAVE_HZ * (t - 5.1)))
    return np.array([-0.78, 0.56, 0.30]), np.array([-0.25, 0.15, -1.0]), float(flex)


def _mix(a: ArmPose, b: ArmPose, share: float) -> ArmPose:
    unit = [v / np.linalg.norm(v) for v in (a[0], b[0], a[1], b[1])]
    upper, axis = (1 - share) * unit[0] + share * unit[1], (1 - share) * unit[2] + share * unit[3]
    return upper, axis, (1 - share) * a[2] + share * b[2]


def _set_arm(figure: Figure, turns: dict[str, Array], side: str, pose: ArmPose) -> None:
    upper, axis, flex = pose
    rest_upper, rest_fore = figure.rest_offset(side + "ForeArm"), figure.rest_offset(side + "Hand")
    rest_axis = np.cross(rest_upper, rest_fore)
    target = frame_of(upper, axis)
    turns[side + "Arm"] = target @ frame_of(rest_upper, rest_axis).T
    fore = np.cos(flex) * target[:, 0] + np.sin(flex) * np.cross(target[:, 1], target[:, 0])
    turns[side + "ForeArm"] = frame_of(fore, target[:, 1]) @ frame_of(rest_fore, rest_axis).T
    turns[side + "Hand"] = turns[side + "ForeArm"]


def legs(figure: Figure, turns: dict[str, Array], root: Array, t: float) -> None:
    """Sets the rotations of thighs, shanks, feet and toes so that the ankles stand where the feet are."""
    for side in ("Left", "Right"):
        foot = figure.feet[side].at(t)
        hip = root + turns["Hips"] @ figure.rest_offset(side + "UpLeg")
        forward = foot.foot @ [0.0, 0.0, 1.0] * [1.0, 0.0, 1.0]
        forward = forward / np.linalg.norm(forward) + turns["Hips"] @ [0.0, 0.0, 0.6]
        _set_leg(figure, turns, side, foot.ankle - hip, forward)
        turns[side + "Foot"], turns[side + "ToeBase"] = foot.foot, foot.toes


def _set_leg(figure: Figure, turns: dict[str, Array], side: str, reach: Array, forward: Array) -> None:
    """Two-bone inverse kinematics by the law of cosines; the knee bends towards ``forward``."""
    rest_thigh, rest_shank = figure.rest_offset(side + "Leg"), figure.rest_offset(side + "Foot")
    a, b, c = np.linalg.norm(rest_thigh), np.linalg.norm(rest_shank), np.linalg.norm(reach)
    if c > a + b:
        raise ValueError(f"the {side.lower()} leg is {1000 * (c - a - b):.1f} mm too short for its footprint")
    at_hip = np.arccos((a * a + c * c - b * b) / (2 * a * c))
    along = reach / c
    axis = np.cross(forward, along)
    axis /= np.linalg.norm(axis)
    ahead = np.cross(along, axis)
    thigh = np.cos(at_hip) * along + np.sin(at_hip) * ahead
    shank = (reach - a * thigh) / b
    side_axis = np.array([1.0, 0.0, 0.0])
    turns[side + "UpLeg"] = frame_of(thigh, axis) @ frame_of(rest_thigh, side_axis).T
    turns[side + "Leg"] = frame_of(shank, axis) @ frame_of(rest_shank, side_axis).T
