"""What Blender itself makes of a retargeted take, against the source."""

from __future__ import annotations

import bpy
import numpy as np
from mocap_blender import retargeting
from mocap_blender.armature import bones_of
from mocap_blender.pure import quaternions
from mocap_blender.pure.alignment import figure_axes
from mocap_blender.pure.mapping import map_bones
from mocap_blender.pure.take import SourceMotion, TakeFile

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


MEAN_DEGREES, WORST_DEGREES = 2.0, 6.0
FLIP_DEGREES, CALM_DEGREES = 60, 30
UP_LAST = [0, 2, 1]


def check(armature, take: TakeFile, *, foot_lock: bool) -> str:
    """Asserts what a retargeted take has to keep: limb directions without the foot pass, standing feet with it.

    Returns the figures in one line.
    """
    bones, motion = bones_of(armature), take.people[0]
    bone_map = map_bones(bones)
    retargeting.retarget_take(armature, take, motion, bone_map, retargeting.Options(foot_lock=foot_lock))
    places, turns = evaluated(armature, bone_map, range(1, take.frames + 1))
    axes = figure_axes({joint: bones[name].head for joint, name in bone_map.bones.items()})
    angles = limb_angles(places, motion, axes)
    said = f"limbs {angles.mean():.2f} mean {angles.max():.2f} worst degrees"
    if foot_lock:
        said += f", {check_feet(places, motion, axes)}"
    else:
        assert angles.mean() <= MEAN_DEGREES, said
        assert angles.max() <= WORST_DEGREES, said
    check_flips(turns, motion)
    return said


def check_feet(places: dict, motion: SourceMotion, axes: np.ndarray) -> str:
    """Asserts that standing feet slide at most 1.2 times as much as the source's, and a millimetre a frame."""
    source, said = motion.world_positions(), []
    for side in ("Left", "Right"):
        spans = motion.contacts.get(f"{side}Heel", [])
        theirs = slides((places[f"{side}Foot"] @ axes)[:, UP_LAST], spans)
        ours = slides(source[:, motion.names.index(f"{side}Foot")][:, UP_LAST], spans)
        if len(ours):
            said.append(f"{side.lower()} foot slides {1000 * theirs.mean():.2f} mm of {1000 * ours.mean():.2f}")
            assert theirs.mean() <= 1.2 * ours.mean() + 0.001, said
    return ", ".join(said) or "no foot stands"


def check_flips(turns: dict, motion: SourceMotion) -> None:
    """Asserts that no bone turns over between two frames in which the source is calm."""
    source = motion.world_rotations()
    for joint in set(turns) & set(motion.names):
        calm = turned_by_frame(source[:, motion.names.index(joint)]) < CALM_DEGREES
        assert not np.any(calm & (turned_by_frame(turns[joint]) > FLIP_DEGREES)), joint
