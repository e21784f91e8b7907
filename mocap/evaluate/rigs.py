"""Rigs: the joint names of several conventions for the 14 points that are compared."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from mocap.evaluate.metrics import EVALUATION_POINTS
from mocap.model import kinematics
from mocap.model.errors import MocapError
from mocap.model.motion import Motion
from mocap.model.rotation import Array
from mocap.model.skeleton import Skeleton


class Rig(NamedTuple):
    """A convention of joint names.

    Parameters
    ----------
    name : of the convention.
    sides : the words for left and right.
    parts : a pattern of joint names for each part of the body. The pattern of the big toe names the joint of the toes;
        its tip is the end of the chain that begins there.
    """

    name: str
    sides: tuple[str, str]
    parts: dict[str, str]


_PARTS = tuple(dict.fromkeys(point.partition("_")[2] for point in EVALUATION_POINTS))


def _rig(name: str, sides: str, patterns: str) -> Rig:
    left, right = sides.split()
    return Rig(name, (left, right), dict(zip(_PARTS, patterns.split())))


OURS = _rig("Unity/VRM", "Left Right", "{}UpperArm {}LowerArm {}Hand {}UpperLeg {}LowerLeg {}Foot {}Toes")
RIGS = (
    OURS,
    _rig("Mixamo/CMU", "Left Right", "{}Arm {}ForeArm {}Hand {}UpLeg {}Leg {}Foot {}ToeBase"),
    _rig("CMU by cgspeed", "Left Right", "{}Shoulder {}Elbow {}Wrist {}Hip {}Knee {}Ankle {}Toe"),
    _rig(
        "iClone",
        "L R",
        "CC_Base_{}_Upperarm CC_Base_{}_Forearm CC_Base_{}_Hand CC_Base_{}_Thigh CC_Base_{}_Calf CC_Base_{}_Foot "
        "CC_Base_{}_BigToe1",
    ),
)
_PREFIX = re.compile(r"^mixamorig\d*[:_]")


def rig_of(skeleton: Skeleton) -> Rig:
    """Find the rig of a skeleton by its joint names. Raises MocapError with the joints missing for the nearest rig."""
    names = {_plain(name) for name in skeleton.names}
    missing = {rig.name: sorted(set(joint_names(rig).values()) - names) for rig in RIGS}
    nearest = min(RIGS, key=lambda rig: len(missing[rig.name]))
    if missing[nearest.name]:
        raise MocapError(
            f"the skeleton is of no known rig ({', '.join(missing)}); "
            f"for {nearest.name} it lacks {', '.join(missing[nearest.name])}"
        )
    return nearest


def joint_names(rig: Rig) -> dict[str, str]:
    """The rig's joint for each of the 14 points."""
    named = {}
    for point in EVALUATION_POINTS:
        side, part = point.split("_", 1)
        named[point] = rig.parts[part].format(rig.sides[side == "right"])
    return named


def points_of(motion: Motion) -> tuple[Array, Rig]:
    """The 14 points of a motion on any known rig.

    Parameters
    ----------
    motion : T frames.

    Returns
    -------
    Points (T, 14, 3) in metres, world frame, in the order of EVALUATION_POINTS, and the rig.

    Raises
    ------
    MocapError
        For a skeleton of no known rig.
    """
    rig, skeleton = rig_of(motion.skeleton), motion.skeleton
    joints = {_plain(name): skeleton.index(name) for name in skeleton.names}
    positions, ends = kinematics.joint_positions(motion), kinematics.end_positions(motion)
    columns = []
    for point, name in joint_names(rig).items():
        joint = joints[name]
        if point.endswith("big_toe"):
            joint = _end_of_chain(skeleton, joint)
            columns.append(ends.get(skeleton.names[joint], positions[:, joint]))
        else:
            columns.append(positions[:, joint])
    return np.stack(columns, axis=1), rig


def _end_of_chain(skeleton: Skeleton, joint: int) -> int:
    while children := skeleton.children(joint):
        joint = children[0]
    return joint


def _plain(name: str) -> str:
    return _PREFIX.sub("", name)
