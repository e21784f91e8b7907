"""The contact points of the body: their offsets on a skeleton and their positions in a motion."""

from __future__ import annotations

import numpy as np

from mocap.model import kinematics, rotation
from mocap.model.body import BODY
from mocap.model.motion import Motion
from mocap.model.rotation import Array, Flags
from mocap.model.skeleton import Skeleton

CONTACT_KEYPOINTS = {name: contact.keypoint for name, contact in BODY.contacts.items()}


def contact_offsets(skeleton: Skeleton) -> dict[str, tuple[str, Array]]:
    """The joint of each contact point, and the offset (3,) in that joint's frame, metres, by the point's name."""
    return {
        name: (contact.joint, skeleton.end_of_chain(contact.joint) / contact.divisor)
        for name, contact in BODY.contacts.items()
    }


def contact_points(motion: Motion) -> dict[str, Array]:
    """World positions (T, 3) in metres of the contact points, by name."""
    skeleton = motion.skeleton
    world = kinematics.world_rotations(skeleton, motion.local_wxyz)
    joints = kinematics.forward_kinematics(skeleton, motion.root_world, world)
    points = {}
    for name, (joint, offset) in contact_offsets(skeleton).items():
        j = skeleton.index(joint)
        points[name] = joints[:, j] + rotation.rotate(world[:, j], offset)
    return points


def flags_of(spans: dict[str, list[tuple[int, int]]], frames: int) -> Flags:
    """Contact spans [start, end) by point as flags (T, N)."""
    flags = np.zeros((frames, len(CONTACT_KEYPOINTS)), dtype=bool)
    for i, point in enumerate(CONTACT_KEYPOINTS):
        for start, end in spans.get(point, []):
            flags[start:end, i] = True
    return flags
