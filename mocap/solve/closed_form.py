"""3D keypoints become a motion: a T-pose skeleton with the person's bone lengths, and the rotation of every joint.

Everything is closed form and per frame, except the twist of limbs, which is steadied over time because a straight
limb does not show it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from mocap.model import kinematics, rotation
from mocap.model.errors import MocapError
from mocap.model.keypoints import Keypoints3D
from mocap.model.motion import Motion
from mocap.model.rotation import Array
from mocap.model.skeleton import Skeleton
from mocap.solve import joint_limits
from mocap.solve.clean import filters

FOOT_HINT_WEIGHT = 0.4  # of where a foot points, in the twist of its thigh
TWIST_SIGMA_S = 0.12  # a limb straight for a quarter of a second keeps the twist it had
PRIOR_WEIGHT = 0.15  # pull of "no twist" against a clear sight of the hinge
CLEAR_BEND_DEGREES = (10.0, 35.0)  # below: a hinge's plane is noise; above: it is trusted fully
REACH_SLACK = 0.05  # of a limb's reach; less is noise, and would make straight limbs bend and tremble
LIKELY_BEND_M = 0.01  # pull of knees forwards and elbows backwards against the place where they are seen
LEAST_TRUNK_M2, LEAST_TRUNK_SINE = 1e-6, 1e-4  # width times height, and slant: less is a point or a line
FOREARM_TWIST_SHARE = 0.5  # of the hand's turn, so that skin between elbow and wrist does not wring

# Where the joints of the skeleton are seen; the root is placed by these.
SEEN_JOINTS = {
    "UpperArm": "shoulder",
    "LowerArm": "elbow",
    "Hand": "wrist",
    "UpperLeg": "hip",
    "LowerLeg": "knee",
    "Foot": "ankle",
}
# A face in the head's frame at rest, metres from the middle of the ears: adult means, rounded to half a centimetre.
FACE = {
    "left_ear": (0.075, 0.0, 0.0),
    "right_ear": (-0.075, 0.0, 0.0),
    "left_eye": (0.032, 0.025, 0.085),
    "right_eye": (-0.032, 0.025, 0.085),
    "nose": (0.0, -0.015, 0.115),
    "left_mouth": (0.025, -0.06, 0.09),
    "right_mouth": (-0.025, -0.06, 0.09),
}
_SIDES = (("left", "Left", 1.0), ("right", "Right", -1.0))


@dataclass(frozen=True, eq=False)
class _Points:
    """Keypoints by name, world frame, every frame filled."""

    keypoints: Keypoints3D

    def has(self, *names: str) -> bool:
        return all(name in self.keypoints.layout.names for name in names)

    def __getitem__(self, name: str) -> Array:
        return self.keypoints.xyz[:, self.keypoints.layout.index(name)]

    def middle(self, part: str) -> Array:
        return 0.5 * (self[f"left_{part}"] + self[f"right_{part}"])


def solve(keypoints: Keypoints3D, skeleton: Skeleton) -> Motion:
    """The motion of ``skeleton`` that follows the keypoints; frames without any hold the nearest pose.

    keypoints: world frame, metres. Confidence of a joint is that of the keypoints it is solved from, 0 where held.
    """
    body = _Body(_filled(keypoints), skeleton)
    world = np.stack([rotation.matrix_to_wxyz(body.frames[name]) for name in skeleton.names], axis=1)
    local = joint_limits.clamp_to_limits(skeleton, kinematics.local_rotations(skeleton, world))
    local = rotation.make_continuous(local / np.linalg.norm(local, axis=-1, keepdims=True))
    confidence = _joint_confidence(keypoints, skeleton)
    return Motion(skeleton, root_world=body.root, local_wxyz=local, fps=keypoints.fps, confidence=confidence)


def _filled(keypoints: Keypoints3D) -> _Points:
    """The keypoints with every frame filled, those too whose trunk has no front: hips and shoulders on one line.

    Raises MocapError where no frame has one.
    """
    xyz = filters.hold_nearest(keypoints.xyz)
    known = np.isfinite(xyz[..., 0]).astype(float)  # what no frame shows stays away: a neck that lifters do not know
    points = _Points(replace(keypoints, xyz=xyz, confidence=known))
    has_front = _has_front(points)
    if has_front.all():
        return points
    if not has_front.any():
        raise MocapError("no frame shows a body with hips and shoulders: nothing to solve; process the video again")
    xyz = filters.hold_nearest(np.where(has_front[:, None, None], xyz, np.nan))
    return _Points(replace(points.keypoints, xyz=xyz))


def _has_front(points: _Points) -> Array:
    """Frames (T,) in which hips and shoulders span a trunk."""
    spine = points.middle("shoulder") - points.middle("hip")
    across = np.stack([points[f"left_{part}"] - points[f"right_{part}"] for part in ("hip", "shoulder")])
    area = np.linalg.norm(np.cross(across, spine), axis=-1)
    square = np.linalg.norm(across, axis=-1) * np.linalg.norm(spine, axis=-1)
    return np.asarray(np.all((area > LEAST_TRUNK_SINE * square) & (square > LEAST_TRUNK_M2), axis=0))


def _joint_confidence(keypoints: Keypoints3D, skeleton: Skeleton) -> Array:
    """Confidence (T, J): of the joint's own keypoint where it has one, else of hips and shoulders; 0 where unseen."""
    confidence = keypoints.confidence
    column = {name: confidence[:, k] for k, name in enumerate(keypoints.layout.names)}
    trunk = np.mean([column[f"{side}_{part}"] for side in ("left", "right") for part in ("hip", "shoulder")], axis=0)
    by_joint = {
        big + joint: column[f"{small}_{part}"] for joint, part in SEEN_JOINTS.items() for small, big, _ in _SIDES
    }
    for small, big, _ in _SIDES:
        by_joint[f"{big}Toes"] = column.get(f"{small}_foot_index", np.zeros_like(trunk))
    by_joint["Head"] = column.get("nose", trunk)
    return np.stack([by_joint.get(name, trunk) for name in skeleton.names], axis=1)


class _Body:
    """Orientation (T, 3, 3) of every joint in the world, built from the trunk outwards, and the root's path (T, 3).

    Each limb bone is aimed from where the skeleton's joint is to where its end is seen, so that hands and feet end
    where they are seen although bone lengths are fixed.
    """

    def __init__(self, points: _Points, skeleton: Skeleton) -> None:
        self._points, self._skeleton, self._fps = points, skeleton, float(points.keypoints.fps)
        self.frames: dict[str, Array] = {}
        self._solve_trunk()
        self._solve_head()
        self.root = self._place_root()
        for small, big, sign in _SIDES:
            self._solve_arm(small, big, sign)
            self._solve_leg(small, big)

    def _position(self, joint: str) -> Array:
        """Where a joint (T, 3) is, once the frames above it are known."""
        j = self._skeleton.index(joint)
        parent = self._skeleton.parents[j]
        if parent < 0:
            return self.root
        name = self._skeleton.names[parent]
        return self._position(name) + self.frames[name] @ self._skeleton.offsets[j]

    def _solve_trunk(self) -> None:
        p = self._points
        spine = p.middle("shoulder") - p.middle("hip")
        hips = rotation.frame_from_axes(p["left_hip"] - p["right_hip"], spine, axes="xy")
        chest = rotation.frame_from_axes(spine, p["left_shoulder"] - p["right_shoulder"], axes="yx")
        low, high = rotation.matrix_to_wxyz(hips), rotation.matrix_to_wxyz(chest)
        self.frames["Hips"], self.frames["UpperChest"] = hips, chest
        for name, share in (("Spine", 1 / 3), ("Chest", 2 / 3)):
            self.frames[name] = rotation.wxyz_to_matrix(rotation.slerp(low, high, np.full(len(low), share)))

    def _solve_head(self) -> None:
        chest = self.frames["UpperChest"]
        names = [name for name in FACE if self._points.has(name)]
        if len(names) < 4:
            self.frames["Neck"] = self.frames["Head"] = chest
            return
        seen = np.stack([self._points[name] for name in names], axis=1)
        head = align_rotations(np.array([FACE[name] for name in names]), seen)
        low, high = rotation.matrix_to_wxyz(chest), rotation.matrix_to_wxyz(head)
        self.frames["Head"] = head
        self.frames["Neck"] = rotation.wxyz_to_matrix(rotation.slerp(low, high, np.full(len(low), 0.5)))

    def _place_root(self) -> Array:
        """Root positions (T, 3) that put hips and shoulders, in the mean, where they are seen."""
        self.root = np.zeros_like(self._points["left_hip"])
        for big in ("Left", "Right"):
            self.frames[f"{big}Shoulder"] = self.frames["UpperChest"]
        joints = {"hip": "UpperLeg", "shoulder": "UpperArm"}
        pairs = [(f"{small}_{part}", big + joint) for part, joint in joints.items() for small, big, _ in _SIDES]
        return np.asarray(np.mean([self._points[seen] - self._position(joint) for seen, joint in pairs], axis=0))

    def _solve_arm(self, small: str, big: str, sign: float) -> None:
        p, along = self._points, np.array([sign, 0.0, 0.0])
        clavicle = p[f"{small}_shoulder"] - self._position(f"{big}Shoulder")
        shoulder = joint_limits.clamp_swing(self.frames["UpperChest"], along, clavicle, f"{big}Shoulder")
        self.frames[f"{big}Shoulder"] = shoulder
        backwards = -self.frames["UpperChest"][..., 2]
        upper, lower = self._bend_limb(big, ("UpperArm", "LowerArm", "Hand"), small, backwards)
        upper_frame = self._steady_twist(shoulder, along, upper, [(lower, _clear_bend(upper, lower))])
        self.frames[f"{big}UpperArm"] = upper_frame
        self.frames[f"{big}LowerArm"] = untwisted = _swing(upper_frame, along, lower)
        if p.has(f"{small}_index", f"{small}_pinky"):
            self._solve_hand(small, big, along, untwisted)
        else:
            self.frames[f"{big}Hand"] = untwisted

    def _bend_limb(self, big: str, joints: tuple[str, str, str], small: str, likely: Array) -> tuple[Array, Array]:
        """Both bones (T, 3) of an arm or leg, from the skeleton's own joint towards where its end is seen.

        A limb bends in the plane in which its middle is seen, or, hardly bent, towards ``likely`` (T, 3). Its reach
        is the one that the seen bend gives; where the end is seen clearly nearer or farther, the bend gives way, since
        lengths and places in the picture are surer than depth.
        """
        first, middle, end = (self._points[f"{small}_{SEEN_JOINTS[joint]}"] for joint in joints)
        start = self._position(big + joints[0])
        a, b = (np.linalg.norm(self._skeleton.offsets[self._skeleton.index(big + joint)]) for joint in joints[1:])
        cosine = _cosine(middle - first, end - middle)
        reach = np.sqrt(a * a + b * b + 2 * a * b * cosine)
        excess = np.linalg.norm(end - start, axis=-1) / reach - 1.0
        reach = np.clip(
            reach * (1.0 + np.sign(excess) * np.maximum(np.abs(excess) - REACH_SLACK, 0.0)),
            0.2 * (a + b),
            0.999 * (a + b),
        )
        towards = _unit(end - start)
        seen = _perpendicular(middle - start, towards)
        steady = gaussian_filter1d(seen + LIKELY_BEND_M * likely, TWIST_SIGMA_S * self._fps, axis=0, mode="nearest")
        clear = _clear_bend(middle - first, end - middle)[:, None]
        bend = _unit(_perpendicular(clear * _unit(seen) + (1.0 - clear) * _unit(steady), towards))
        along = (a * a - b * b + reach * reach) / (2 * reach)  # of the middle joint, by the law of cosines
        upper = along[:, None] * towards + np.sqrt(np.maximum(a * a - along * along, 0.0))[:, None] * bend
        return upper, reach[:, None] * towards - upper

    def _solve_hand(self, small: str, big: str, along: Array, untwisted: Array) -> None:
        p = self._points
        across = p[f"{small}_index"] - p[f"{small}_pinky"]  # palm down at rest: the thumb's side is in front, +Z
        thumb_side = [(across, np.full(len(across), 1.0))]
        turned = self._steady_twist(untwisted, along, untwisted @ along, thumb_side)
        low, high = rotation.matrix_to_wxyz(untwisted), rotation.matrix_to_wxyz(turned)
        half = rotation.slerp(low, high, np.full(len(turned), FOREARM_TWIST_SHARE))
        self.frames[f"{big}LowerArm"] = rotation.wxyz_to_matrix(half)
        knuckles = 0.5 * (p[f"{small}_index"] + p[f"{small}_pinky"]) - p[f"{small}_wrist"]
        self.frames[f"{big}Hand"] = self._steady_twist(turned, along, knuckles, thumb_side)

    def _solve_leg(self, small: str, big: str) -> None:
        p, along = self._points, np.array([0.0, -1.0, 0.0])
        forwards = self.frames["Hips"][..., 2]
        thigh, shin = self._bend_limb(big, ("UpperLeg", "LowerLeg", "Foot"), small, forwards)
        hints = [(-shin, _clear_bend(thigh, shin))]
        has_foot = p.has(f"{small}_heel", f"{small}_foot_index")
        if has_foot:
            pointing = p[f"{small}_foot_index"] - p[f"{small}_heel"]
            hints.append((pointing, np.full(len(pointing), FOOT_HINT_WEIGHT)))
        thigh_frame = self._steady_twist(self.frames["Hips"], along, thigh, hints)
        self.frames[f"{big}UpperLeg"] = thigh_frame
        shin_frame = rotation.frame_from_axes(-shin, thigh_frame[..., 0], axes="yx")
        self.frames[f"{big}LowerLeg"] = shin_frame
        foot_frame = self._foot(small, big, shin_frame) if has_foot else shin_frame
        self.frames[f"{big}Foot"] = self.frames[f"{big}Toes"] = foot_frame

    def _foot(self, small: str, big: str, shin_frame: Array) -> Array:
        """The foot's frame: its toe lies where it is seen from the ankle, its sole turns as little as it can."""
        toes = self._skeleton.index(f"{big}Toes")
        rest = self._skeleton.offsets[toes] + self._skeleton.ends[f"{big}Toes"]
        seen = self._points[f"{small}_foot_index"] - self._position(f"{big}Foot")
        at_rest = rotation.frame_from_axes(rest, np.array([1.0, 0.0, 0.0]), axes="zx")
        return np.asarray(rotation.frame_from_axes(seen, shin_frame[..., 0], axes="zx") @ at_rest.T)

    def _steady_twist(self, parent: Array, along: Array, bone: Array, hints: list[tuple[Array, Array]]) -> Array:
        """Orientation (T, 3, 3) of a bone seen along ``bone`` whose local +Z points to the hints, steadied over time.

        along: the bone's rest direction (3,). hints: directions (T, 3) with weights (T,); how far each stands off the
        bone weighs too. Angles are averaged as complex numbers, so that turning past 180° is nothing special.
        """
        frame = _swing(parent, along, bone)
        forward = frame[..., 2]
        sideways = np.cross(_unit(bone), forward)
        pull = np.full(len(bone), PRIOR_WEIGHT, complex)
        for direction, weight in hints:
            unit = _unit(direction)
            pull += weight * (np.sum(unit * forward, axis=-1) + 1j * np.sum(unit * sideways, axis=-1))
        sigma = TWIST_SIGMA_S * self._fps
        mean = gaussian_filter1d(pull.real, sigma, mode="nearest") + 1j * gaussian_filter1d(
            pull.imag, sigma, mode="nearest"
        )
        twist = _unit(bone) * np.angle(mean)[:, None]
        return rotation.wxyz_to_matrix(rotation.rotvec_to_wxyz(twist)) @ frame


def _swing(parent: Array, along: Array, bone: Array) -> Array:
    """Orientation (T, 3, 3) reached from the parent's by the smallest turn that points ``along`` (3,) down the bone."""
    return np.asarray(rotation.wxyz_to_matrix(rotation.shortest_arc(parent @ along, bone)) @ parent)


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


def _perpendicular(vectors: Array, axis: Array) -> Array:
    """What of vectors (T, 3) stands across unit axes (T, 3)."""
    return vectors - np.sum(vectors * axis, axis=-1, keepdims=True) * axis


def _cosine(first: Array, second: Array) -> Array:
    return np.asarray(np.clip(np.sum(_unit(first) * _unit(second), axis=-1), -1.0, 1.0))


def _clear_bend(first: Array, second: Array) -> Array:
    """How well (T,) in 0..1 two bones (T, 3) show the plane they bend in."""
    low, high = CLEAR_BEND_DEGREES
    share = np.clip((np.degrees(np.arccos(_cosine(first, second))) - low) / (high - low), 0, 1)
    return np.asarray(share**2 * (3 - 2 * share))


def align_rotations(template: Array, seen: Array) -> Array:
    """Rotations (T, 3, 3) that best turn a template (K, 3) onto points (T, K, 3), both about their means.

    Kabsch 1976; the determinant's sign is forced to +1.
    """
    a = template - template.mean(axis=0)
    b = seen - seen.mean(axis=1, keepdims=True)
    u, _, vt = np.linalg.svd(np.einsum("tki,kj->tij", b, a))
    sign = np.sign(np.linalg.det(u @ vt))
    u[..., :, 2] *= sign[:, None]
    return np.asarray(u @ vt)
