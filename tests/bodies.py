"""Bodies whose truth is known: motions by formula, and the BLAZEPOSE_33 keypoints that they would show."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from mocap.model import kinematics, rotation
from mocap.model.body import BODY
from mocap.model.camera import Camera
from mocap.model.keypoints import BLAZEPOSE_33, Keypoints2D, Keypoints3D
from mocap.model.motion import Motion
from mocap.model.skeleton import Skeleton, humanoid

FPS = Fraction(30)


def walking_motion(frames: int = 90, height_m: float = 1.75, fps: Fraction = FPS) -> Motion:
    """A body that swings arms and legs, bends, looks around and drifts forwards: every joint moves within its range."""
    skeleton = humanoid(height_m)
    t = np.arange(frames) / float(fps)
    swing = np.sin(2 * np.pi * 0.8 * t)
    angles = {
        "Hips": (5 * swing, 20 * np.sin(0.9 * t), 0 * t),
        "Spine": (4 + 2 * swing, 3 * swing, 0 * t),
        "Chest": (4 + 2 * swing, 3 * swing, 0 * t),
        "UpperChest": (4 + 2 * swing, 3 * swing, 0 * t),
        "Neck": (0 * t, 10 * np.sin(t), 0 * t),
        "Head": (0 * t, 10 * np.sin(t), 0 * t),
    }
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        angles[f"{side}UpperArm"] = (0 * t, 0 * t, -sign * (65 + 10 * swing))
        angles[f"{side}LowerArm"] = (0 * t, -sign * (50 + 20 * swing), 0 * t)
        angles[f"{side}Hand"] = (0 * t, 0 * t, 8 * swing)
        angles[f"{side}UpperLeg"] = (-25 - sign * 20 * swing, 0 * t, 0 * t)
        angles[f"{side}LowerLeg"] = (45 + sign * 15 * swing, 0 * t, 0 * t)
        angles[f"{side}Foot"] = (
            -24 + 5 * swing,
            0 * t,
            0 * t,
        )  # toes a little up: under the floor they would be lifted
    local = np.tile(rotation.IDENTITY_WXYZ, (frames, len(skeleton), 1))
    for name, xyz_degrees in angles.items():
        local[:, skeleton.index(name)] = rotation.rotvec_to_wxyz(np.radians(np.stack(xyz_degrees, axis=-1)))
    root = np.stack([0.1 * np.sin(t), skeleton.offsets[0, 1] - 0.06 + 0.02 * swing, 0.3 * t], axis=-1)
    return Motion(skeleton, root, rotation.make_continuous(local), fps, np.ones((frames, len(skeleton))))


def squatting_motion(frames: int = 90, fps: Fraction = FPS) -> Motion:
    """A body that bends its knees and turns its arms while both soles lie still on the floor."""
    skeleton = humanoid(1.75)
    t = np.arange(frames) / float(fps)
    bend = np.radians(25 - 20 * np.cos(2 * np.pi * 0.5 * t))
    thigh, shin = (abs(skeleton.offsets[skeleton.index(f"Left{joint}"), 1]) for joint in ("LowerLeg", "Foot"))
    lower = np.arcsin(np.sin(bend) * thigh / shin)  # keeps the hips over the ankles
    local = np.tile(rotation.IDENTITY_WXYZ, (frames, len(skeleton), 1))
    x_axis, z_axis = np.eye(3)[0], np.eye(3)[2]
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        for joint, angle in (("UpperLeg", -bend), ("LowerLeg", bend + lower), ("Foot", -lower)):
            local[:, skeleton.index(side + joint)] = rotation.rotvec_to_wxyz(angle[:, None] * x_axis)
        arm = -sign * np.radians(60 + 15 * np.sin(2 * np.pi * 0.7 * t))
        local[:, skeleton.index(f"{side}UpperArm")] = rotation.rotvec_to_wxyz(arm[:, None] * z_axis)
    drop = thigh * (1 - np.cos(bend)) + shin * (1 - np.cos(lower))
    root = skeleton.offsets[0] - drop[:, None] * np.eye(3)[1]
    return Motion(skeleton, root, rotation.make_continuous(local), fps, np.ones((frames, len(skeleton))))


def standing(height_m: float = 1.75, lifted_m: float = 0.4, frames: int = 40) -> Motion:
    """A body in rest pose whose soles are at a height."""
    skeleton = humanoid(height_m)
    local = np.tile(rotation.IDENTITY_WXYZ, (frames, len(skeleton), 1))
    root = np.tile(skeleton.offsets[0] + [0, lifted_m, 0], (frames, 1))
    return Motion(skeleton, root, local, FPS, np.ones((frames, len(skeleton))))


def _markers(skeleton: Skeleton) -> dict[str, tuple[str, np.ndarray]]:
    """Keypoint name to (joint, place in the joint's frame)."""
    ears = np.array([0.0, 0.25, 0.0]) * np.linalg.norm(skeleton.ends["Head"])
    places = {name: ("Head", ears + np.array(place)) for name, place in BODY.by_name["Head"].template.items()}
    for eye in ("left_eye", "right_eye"):
        for corner, shift in (("inner", -0.01), ("outer", 0.01)):
            outwards = shift if eye.startswith("left") else -shift
            places[f"{eye}_{corner}"] = ("Head", places[eye][1] + np.array([outwards, 0.0, 0.0]))
    for small, big, sign in (("left", "Left", 1.0), ("right", "Right", -1.0)):
        parts = {"shoulder": "UpperArm", "elbow": "LowerArm", "wrist": "Hand", "hip": "UpperLeg", "knee": "LowerLeg"}
        for part, joint in {**parts, "ankle": "Foot"}.items():
            places[f"{small}_{part}"] = (big + joint, np.zeros(3))
        for finger, z in (("index", 0.03), ("pinky", -0.03), ("thumb", 0.05)):
            places[f"{small}_{finger}"] = (f"{big}Hand", np.array([sign * 0.08, 0.0, z]))
        toes = skeleton.offsets[skeleton.index(f"{big}Toes")] + skeleton.ends[f"{big}Toes"]
        places[f"{small}_foot_index"] = (f"{big}Foot", toes)
        places[f"{small}_heel"] = (f"{big}Foot", np.array([0.0, toes[1], -0.3 * toes[2]]))
    return places


def keypoints_of(motion: Motion) -> Keypoints3D:
    """The keypoints (T, 33, 3) in metres, world frame, that a perfect observer would see."""
    world = kinematics.world_rotations(motion.skeleton, motion.local_wxyz)
    joints = kinematics.joint_positions(motion)
    places = _markers(motion.skeleton)
    columns = []
    for name in BLAZEPOSE_33.names:
        joint, place = places[name]
        j = motion.skeleton.index(joint)
        columns.append(joints[:, j] + rotation.rotate(world[:, j], place))
    xyz = np.stack(columns, axis=1)
    return Keypoints3D(BLAZEPOSE_33, xyz, np.ones(xyz.shape[:2]), motion.fps)


def picture_of(points: Keypoints3D, camera: Camera) -> Keypoints2D:
    """The keypoints as that camera sees them, pixels."""
    return Keypoints2D(points.layout, camera.project(points.xyz), points.confidence, points.fps)


def network_guess(points: Keypoints3D, camera: Camera) -> Keypoints3D:
    """A perfect network's 3D: metres about the hips' middle, along the axes of a camera that looks at the hips."""
    seen = camera.to_camera(points.xyz)
    hips = 0.5 * (seen[:, BLAZEPOSE_33.index("left_hip")] + seen[:, BLAZEPOSE_33.index("right_hip")])
    body = seen - hips[:, None]
    rays = camera.rays(camera.project(points.xyz))
    turn = rotation.shortest_arc(rays.mean(axis=1), np.array([0.0, 0.0, 1.0]))
    return Keypoints3D(points.layout, rotation.rotate(turn[:, None], body), points.confidence, points.fps)
