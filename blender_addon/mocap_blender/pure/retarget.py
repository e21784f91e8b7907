# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's motion on another skeleton: world-space deltas from aligned rest poses.

All of it happens in the armature's own space, so that the object's place, turn and scale go on as they are. The
figure's own axes (left, up, forwards) at rest are laid onto the take's (+X, +Y, +Z). A bone then turns from its rest
pose as the joint turns from the T-pose; limbs are first turned from their rest direction to the T-pose's, by the
shortest way, which is how an arm of an A-pose comes up with its hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import quaternions
from .alignment import LIMB_ENDS, figure_axes, into_t_pose, leg_length
from .bones import Bones, ancestors_of
from .errors import RetargetError
from .mapping import BoneMap
from .names import parent_of
from .take import SourceMotion


@dataclass(frozen=True, eq=False)
class Pose:
    """The target in every frame, in the armature's space.

    turns: joint to quaternions (T, 4) from the rest pose. hips (T, 3): where the hips' bone is. rest: joint to its
    place (3,). frame (3, 3): columns are the figure's left, up and forwards. scale: armature units a metre.
    """

    turns: dict[str, np.ndarray]
    hips: np.ndarray
    rest: dict[str, np.ndarray]
    frame: np.ndarray
    scale: float

    def places(self) -> dict[str, np.ndarray]:
        """Places (T, 3) of the mapped joints of hips and legs; bones keep their rest lengths."""
        found = {"Hips": self.hips}
        for side in ("Left", "Right"):
            for joint, parent in ((f"{side}{a}", b if b == "Hips" else f"{side}{b}") for a, b in _LEG_PARENTS.items()):
                if joint in self.rest and parent in found:
                    bone = self.rest[joint] - self.rest[parent]
                    found[joint] = found[parent] + quaternions.rotate(self.turns[parent], bone)
        return found


_LEG_PARENTS = {"UpperLeg": "Hips", "LowerLeg": "UpperLeg", "Foot": "LowerLeg", "Toes": "Foot"}


def target_pose(motion: SourceMotion, bones: Bones, bone_map: BoneMap, *, scale: float | None = None) -> Pose:
    """The motion on the target's bones, feet not yet held. Raises RetargetError where the map has no hips and legs.

    scale: armature units a metre of the way; None: steps grow with the legs.
    """
    mapped = {joint: name for joint, name in bone_map.bones.items() if name in bones}
    missing = [
        joint for joint in ("Hips", "LeftUpperLeg", "RightUpperLeg", "LeftFoot", "RightFoot") if joint not in mapped
    ]
    if missing:
        raise RetargetError(f"the map has no bone for {', '.join(missing)}; set it in the list of bones")
    rest = {joint: bones[name].head for joint, name in mapped.items()}
    frame = figure_axes(rest)
    turns = _turns(motion, rest, frame)
    source_legs = leg_length(dict(zip(motion.names, motion.rest_positions())))
    scale = leg_length(rest) / source_legs if scale is None else scale
    source_rest = motion.rest_positions()[0]
    path = np.stack([motion.root[:, 0], motion.root[:, 1] - source_rest[1], motion.root[:, 2]], axis=-1)
    raised = leg_length(rest) - _standing_leg(rest, frame[:, 1])  # legs at rest may be apart, and then go straight
    hips = rest["Hips"] + raised * frame[:, 1] + scale * path @ frame.T
    return Pose(turns, hips, rest, frame, scale)


def _standing_leg(rest: dict[str, np.ndarray], up: np.ndarray) -> float:
    """How far the joints of the legs are above the ankles at rest."""
    return 0.5 * sum(float((rest[f"{side}UpperLeg"] - rest[f"{side}Foot"]) @ up) for side in ("Left", "Right"))


def _turns(motion: SourceMotion, rest: dict[str, np.ndarray], frame: np.ndarray) -> dict[str, np.ndarray]:
    """Quaternions (T, 4) of every mapped joint from the target's rest pose, in the armature's space."""
    world = motion.world_rotations()
    source_rest = dict(zip(motion.names, motion.rest_positions()))
    axes = quaternions.from_matrix(frame)
    straight = {
        joint: frame @ (source_rest[end] - source_rest[joint])
        for joint, end in LIMB_ENDS.items()
        if joint in source_rest and end in source_rest
    }
    aligned = into_t_pose(rest, straight)
    turns = {}
    for joint in rest:
        source = _nearest(joint, motion)
        if source is None:
            continue
        turned = world[:, motion.names.index(source)]
        q = quaternions.multiply(quaternions.multiply(axes, turned), quaternions.inverse(axes))
        if joint in aligned:
            q = quaternions.multiply(q, aligned[joint])
        turns[joint] = q
    return turns


def _nearest(joint: str, motion: SourceMotion) -> str | None:
    """The joint of the take that moves this joint: itself, or the one it hangs on; None for fingers, which rest."""
    if joint in motion.names:
        return joint
    side = "Left" if joint.startswith("Left") else "Right" if joint.startswith("Right") else ""
    above = {
        "Toes": f"{side}Foot",
        "Shoulder": "UpperChest",
        "UpperChest": "Chest",
        "Chest": "Spine",
        "Neck": "UpperChest",
    }
    parent = above.get(joint.removeprefix(side))
    return _nearest(parent, motion) if parent else None


def local_turns(pose: Pose, bones: Bones, bone_map: BoneMap) -> dict[str, np.ndarray]:
    """Bone name to the quaternions (T, 4) of Blender's pose bones: against the parent, in the bone's own axes."""
    bone_of = {joint: name for joint, name in bone_map.bones.items() if name in bones}
    joint_of = {name: joint for joint, name in bone_of.items() if joint in pose.turns}
    if bone_map.kind == "rigify" and RIGIFY_PELVIS in bones:
        joint_of[RIGIFY_PELVIS] = "Hips"
    found = {}
    for name, joint in joint_of.items():
        carrier = next((joint_of[bone] for bone in ancestors_of(name, bones) if bone in joint_of), None)
        if bone_map.kind == "rigify" and joint.startswith(("Left", "Right")):
            carrier = _joint_above(joint, bone_of)  # limbs' controls hang on helpers that follow it; the spine's do not
        if not bones[name].inherits_rotation:
            carrier = None
        found[name] = _in_own_axes(pose.turns[joint], pose.turns.get(carrier), bones[name].matrix)
    return found


# Of a generated Rigify rig the pelvis hangs on the lowest bone of the back, which hangs on 'torso': when the back
# bends, this control turns the pelvis, and the legs on it, to where the hips are.
RIGIFY_PELVIS = "spine_fk"


def _in_own_axes(turn: np.ndarray, carrier: np.ndarray | None, matrix: np.ndarray) -> np.ndarray:
    if carrier is not None:
        turn = quaternions.multiply(quaternions.inverse(carrier), turn)
    own = quaternions.from_matrix(matrix)
    return quaternions.continuous(quaternions.multiply(quaternions.multiply(quaternions.inverse(own), turn), own))


def _joint_above(joint: str, bone_of: dict[str, str]) -> str | None:
    parent = parent_of(joint)
    while parent is not None and parent not in bone_of:
        parent = parent_of(parent)
    return parent


def hips_location(pose: Pose, bones: Bones, bone_map: BoneMap) -> np.ndarray:
    """Locations (T, 3) of the hips' pose bone, in its own axes, its ancestors at rest."""
    bone = bones[bone_map.bones["Hips"]]
    return (pose.hips - bone.head) @ bone.matrix
