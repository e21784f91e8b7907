# SPDX-License-Identifier: GPL-3.0-or-later
"""Other programs' BVH files as takes: their joints found by name or shape, their rest pose brought into a T-pose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from . import quaternions
from .alignment import LIMB_ENDS, figure_axes, into_t_pose, leg_length
from .bones import Bone, Bones
from .bvh import Clip
from .mapping import map_bones
from .names import HUMANOID, parent_of

LEG_M = 0.85  # from hip to ankle of a person 1.7 m tall: the size of figures in units that nobody knows
LEGS_M = (0.5, 1.2)  # legs of people in metres; a hundred times that are centimetres
SPLAYED = 0.985  # cosine of 10 degrees: nobody stands so; the feet of such a rest pose are square to its shins
STANDING = 10  # per cent of the frames in which the lower ankle is lowest stand on the floor


def as_take(clip: Clip) -> Clip:
    """The clip with the joints of a take, in metres, on the floor. ValueError where its joints are no figure."""
    bones = _bones(clip)
    mapped = map_bones(bones).bones
    if not mapped:
        raise ValueError("its joints are those of no figure with arms and legs that is known")
    rest = {joint: bones[name].head for joint, name in mapped.items()}
    frame = figure_axes(rest)
    aligned = _aligned({joint: place @ frame for joint, place in rest.items()})
    joints = [joint for joint in HUMANOID if joint in mapped]
    at = [clip.names.index(mapped[joint]) for joint in joints]
    parents = np.array([_parent(joint, joints) for joint in joints])
    offsets = _offsets(joints, parents, rest, frame, aligned)
    places, world = _played(clip)
    axes = quaternions.from_matrix(frame.T)
    turns = quaternions.multiply(quaternions.multiply(axes, world[:, at]), quaternions.inverse(axes))
    for j, joint in enumerate(joints):
        turns[:, j] = quaternions.multiply(turns[:, j], quaternions.inverse(aligned.get(joint, quaternions.IDENTITY)))
    metre = _metre(leg_length(rest))
    sole = min(float(place @ frame[:, 1]) for place in _points(bones))
    ankle = min(float(rest[f"{side}Foot"] @ frame[:, 1]) for side in ("Left", "Right")) - sole
    offsets[0] = [0.0, leg_length(rest) + ankle + _hip_joints(joints, offsets), 0.0]
    root = places[:, at[0]] @ frame
    feet = [places[:, clip.names.index(mapped[f"{side}Foot"])] @ frame[:, 1] for side in ("Left", "Right")]
    root[:, 1] -= np.percentile(np.min(feet, axis=0), STANDING) - ankle
    local = turns.copy()
    for j, parent in enumerate(parents):
        if parent >= 0:
            local[:, j] = quaternions.multiply(quaternions.inverse(turns[:, parent]), turns[:, j])
    ends = {joint: np.array([0.0, 0.0, 0.1]) for joint in joints if joint.endswith("Toes")}
    return replace(
        clip,
        names=joints,
        parents=parents,
        offsets=metre * offsets,
        ends=ends,
        root=metre * root,
        local=quaternions.continuous(local),
    )


def _bones(clip: Clip) -> Bones:
    """The clip's joints at zero rotation, as bones of an armature."""
    heads = np.array(clip.offsets, dtype=float)
    for j, parent in enumerate(clip.parents):
        if parent >= 0:
            heads[j] += heads[parent]
    bones: Bones = {}
    for j, name in enumerate(clip.names):
        children = np.flatnonzero(clip.parents == j)
        tail = heads[children].mean(axis=0) if len(children) else heads[j] + clip.ends.get(name, np.zeros(3))
        parent = clip.names[clip.parents[j]] if clip.parents[j] >= 0 else None
        bones[name] = Bone(name, parent, heads[j], tail, np.eye(3))
    return bones


def _points(bones: Bones) -> list[np.ndarray]:
    return [place for bone in bones.values() for place in (bone.head, bone.tail)]


def _aligned(rest: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Turns into the T-pose, for places with X left, Y up and Z forwards."""
    straight = {}
    for joint in LIMB_ENDS:
        if joint.endswith("Arm"):
            straight[joint] = np.array([1.0 if joint.startswith("Left") else -1.0, 0.0, 0.0])
        else:
            straight[joint] = np.array([0.0, -1.0, 0.0])
    turns = into_t_pose(rest, straight)
    for side in ("Left", "Right"):
        leg = rest[f"{side}Foot"] - rest[f"{side}UpperLeg"]
        if -leg[1] < SPLAYED * np.linalg.norm(leg):
            turns |= {f"{side}{part}": turns[f"{side}LowerLeg"] for part in ("Foot", "Toes") if f"{side}{part}" in rest}
    return turns


def _parent(joint: str, joints: list[str]) -> int:
    """The place in the list of the nearest joint above; −1 for the first."""
    above = parent_of(joint)
    while above is not None and above not in joints:
        above = parent_of(above)
    return joints.index(above) if above is not None else -1


def _offsets(joints: list[str], parents: np.ndarray, rest: dict, frame: np.ndarray, aligned: dict) -> np.ndarray:
    """Offsets (J, 3) of the T-pose, in the clip's unit; the root's is 0."""
    offsets = np.zeros((len(joints), 3))
    for j, parent in enumerate(parents):
        if parent >= 0:
            step = (rest[joints[j]] - rest[joints[parent]]) @ frame
            offsets[j] = quaternions.rotate(aligned.get(joints[parent], quaternions.IDENTITY), step)
    return offsets


def _hip_joints(joints: list[str], offsets: np.ndarray) -> float:
    """How far the hips' joint is above the joints of the legs."""
    return -float(np.mean([offsets[joints.index(f"{side}UpperLeg")][1] for side in ("Left", "Right")]))


def _played(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """Places (T, J, 3) and rotations (T, J, 4) of the clip's own joints."""
    world, places = clip.local.copy(), np.empty((*clip.local.shape[:2], 3))
    places[:, 0] = clip.root
    for j, parent in enumerate(clip.parents):
        if parent >= 0:
            world[:, j] = quaternions.multiply(world[:, parent], clip.local[:, j])
            places[:, j] = places[:, parent] + quaternions.rotate(world[:, parent], clip.offsets[j])
    return places, world


def _metre(leg: float) -> float:
    """How many metres the unit has of a figure with legs this long."""
    for metre in (1.0, 0.01, 0.0254, 0.001):
        if LEGS_M[0] <= leg * metre <= LEGS_M[1]:
            return metre
    return LEG_M / leg
