"""A captured take for tests of what the lifter learns from."""

from __future__ import annotations

import numpy as np
from bodies import walking_motion

from mocap.model import kinematics, rotation
from training.motions import PARTS, POINTS, SourceTake

JOINTS = {
    "neck": "Neck", "head": "Head", "hip": "UpperLeg", "knee": "LowerLeg", "ankle": "Foot", "ball": "Toes",
    "shoulder": "UpperArm", "elbow": "LowerArm", "wrist": "Hand", "pelvis": "Hips", "chest": "UpperChest",
}  # fmt: skip


def walker() -> SourceTake:
    """The walking figure of the tests as a take."""
    motion = walking_motion(120)
    world = kinematics.world_rotations(motion.skeleton, motion.local_wxyz)
    places = kinematics.forward_kinematics(motion.skeleton, motion.root_world, world)

    def column(part: str) -> int:
        side, _, limb = part.rpartition("_")
        return motion.skeleton.index(side.capitalize() + JOINTS[limb])

    rotations = rotation.wxyz_to_matrix(world[:, [column(part) for part in PARTS]])
    return SourceTake("walk", places[:, [column(p) for p in POINTS]], rotations, np.array([[1.0, 0, 0], [-1, 0, 0]]))
