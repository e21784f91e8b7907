"""What Blender itself makes of a retargeted take, against the source."""

from __future__ import annotations

import bpy
import numpy as np
from mocap_blender.pure import quaternions
from mocap_blender.pure.retarget import figure_axes

LIMBS = [
    (f"{side}{a}", f"{side}{b}")
    for side in ("Left", "Right")
    for a, b in (("UpperArm", "LowerArm"), ("LowerArm", "Hand"), ("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot"))
]


def evaluated(armature, bone_map, frames: range) -> tuple[dict, dict]:
    """Joint to places (T, 3) and to rotations (T, 4) in the armature's space, as Blender evaluates them.

    Of a Rigify rig the bones that deform the mesh are looked at, not the controls.
    """
    names = {joint: _deforming(armature, bone, bone_map.kind) for joint, bone in bone_map.bones.items()}
    places = {joint: np.empty((len(frames), 3)) for joint in names}
    turns = {joint: np.empty((len(frames), 4)) for joint in names}
    for t, frame in enumerate(frames):
        bpy.context.scene.frame_set(frame)
        posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        for joint, name in names.items():
            matrix = posed.pose.bones[name].matrix
            places[joint][t] = matrix.translation
            turns[joint][t] = matrix.to_quaternion()
    return places, turns


def _deforming(armature, bone: str, kind: str) -> str:
    own = "ORG-" + {"torso": "spine", "neck": "spine.004", "head": "spine.006"}.get(bone, bone.replace("_fk", ""))
    if kind == "rigify" and own.startswith("ORG-spine") and bone.startswith("spine_fk"):
        own = "ORG-" + bone.replace("spine_fk", "spine")
    return own if kind == "rigify" and own in armature.pose.bones else bone


def limb_angles(places: dict, motion, axes: np.ndarray) -> np.ndarray:
    """Angles (T, limbs) in degrees between the target's limbs and the source's, in the figure's axes."""
    source = motion.world_positions()
    columns = []
    for joint, end in LIMBS:
        if joint in places and end in places:
            theirs = (places[end] - places[joint]) @ axes
            ours = source[:, motion.names.index(end)] - source[:, motion.names.index(joint)]
            cosine = np.sum(theirs * ours, axis=1) / np.linalg.norm(theirs, axis=1) / np.linalg.norm(ours, axis=1)
            columns.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return np.stack(columns, axis=1)


def slides(path: np.ndarray, spans) -> np.ndarray:
    """Level steps of a path (T, 3), last axis up, within spans."""
    steps = [np.linalg.norm(np.diff(path[a:b, :2], axis=0), axis=1) for a, b in spans if b - a > 1]
    return np.concatenate(steps) if steps else np.zeros(0)


def turned_by_frame(turns: np.ndarray) -> np.ndarray:
    """Degrees (T − 1) that a bone turns from frame to frame."""
    step = quaternions.multiply(quaternions.inverse(turns[:-1]), turns[1:])
    return np.degrees(2 * np.arccos(np.clip(np.abs(step[:, 0]), 0, 1)))


__all__ = ["LIMBS", "evaluated", "figure_axes", "limb_angles", "slides", "turned_by_frame"]
