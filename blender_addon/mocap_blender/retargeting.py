# SPDX-License-Identifier: GPL-3.0-or-later
"""A take on an armature of Blender, as an action with keys."""

from __future__ import annotations

from dataclasses import dataclass, replace

import bpy
import numpy as np

from . import keys
from .armature import bones_of
from .pure import feet, retarget
from .pure.bones import Bones, ancestors_of
from .pure.errors import RetargetError
from .pure.mapping import BoneMap, problems
from .pure.take import SourceMotion, TakeFile

RIGIFY_SWITCHES = ("upper_arm_parent.L", "upper_arm_parent.R", "thigh_parent.L", "thigh_parent.R")


@dataclass(frozen=True)
class Options:
    """What the user chose. start_frame: scene frame of the take's frame 0."""

    start_frame: int = 1
    in_place: bool = False
    extract_root: bool = False
    scale_by_legs: bool = True
    foot_lock: bool = True
    to_nla: bool = False


def retarget_take(armature, take: TakeFile, person: SourceMotion, bone_map: BoneMap, options: Options):
    """Puts a person's motion on an armature object and returns the new action.

    Raises RetargetError before anything of the scene was changed.
    """
    check_target(armature)
    bones = bones_of(armature)
    wrong = problems(bone_map, bones)
    if wrong:
        raise RetargetError(f"the bone map does not fit '{armature.name}': {wrong[0]}")
    metre = 1 / max(armature.matrix_world.median_scale, 1e-9)
    pose = retarget.target_pose(person, bones, bone_map, scale=None if options.scale_by_legs else metre)
    if options.foot_lock:
        pose = feet.held(pose, person, float(take.fps))
    turns = retarget.local_turns(pose, bones, bone_map)
    root, location = _path(pose, bones, bone_map, options)
    action, curves = keys.new_action(take.name, armature)
    frames = np.arange(len(person.root), dtype=float) + options.start_frame
    for name, values in turns.items():
        bone = armature.pose.bones[name]
        bone.rotation_mode = "QUATERNION"
        keys.write(curves, f"{bone.path_from_id()}.rotation_quaternion", frames, values)
    hips = armature.pose.bones[bone_map.bones["Hips"]]
    keys.write(curves, f"{hips.path_from_id()}.location", frames, location)
    if root is not None:
        name, path = root
        keys.write(curves, f"{armature.pose.bones[name].path_from_id()}.location", frames, path)
    if bone_map.kind == "rigify":
        key_switches(armature, curves, frames[:1])
    if options.to_nla:
        _push_down(armature, action, options.start_frame)
    return action


def check_target(armature) -> None:
    """Raises RetargetError where an armature cannot be animated."""
    if armature is None or armature.type != "ARMATURE":
        raise RetargetError("select the armature of your character first, then import")
    if armature.library is not None:
        raise RetargetError(
            f"'{armature.name}' is linked from another file; make a library override of it, then import"
        )
    if not armature.data.bones:
        raise RetargetError(f"'{armature.name}' has no bones")


def _path(pose, bones: Bones, bone_map: BoneMap, options: Options):
    """The root bone's name and locations (or None), and the hips' bone's locations (T, 3)."""
    up = pose.frame[:, 1]
    travel = pose.hips - pose.hips[0]
    level = travel - np.outer(travel @ up, up)
    if options.in_place:
        pose = replace(pose, hips=pose.hips - level)
    hips = bone_map.bones["Hips"]
    above = ancestors_of(hips, bones)
    if not options.extract_root or options.in_place:
        return None, retarget.hips_location(pose, bones, bone_map)
    if not above:
        raise RetargetError(
            f"'{hips}' has no bone above it that could carry the path; switch off 'Root onto the floor'"
        )
    top = bones[above[-1]]
    still = replace(pose, hips=pose.hips - level)
    return (top.name, level @ top.matrix), retarget.hips_location(still, bones, bone_map)


def rigify_switches(armature) -> list[tuple[str, str, float]]:
    """Bone, property and value of a Rigify rig's switches: limbs by FK; neck and head turn with the body."""
    wanted = [(name, "IK_FK", 1.0) for name in RIGIFY_SWITCHES]
    wanted += [("torso", "neck_follow", 1.0), ("torso", "head_follow", 1.0)]
    bones = armature.pose.bones
    return [(name, switch, value) for name, switch, value in wanted if name in bones and switch in bones[name]]


def set_switches(armature, switches: list[tuple[str, str, float]]) -> None:
    """Sets switches of a Rigify rig."""
    for name, switch, value in switches:
        armature.pose.bones[name][switch] = value


def key_switches(armature, curves, frame: np.ndarray) -> None:
    """Sets and keys Rigify's switches."""
    switches = rigify_switches(armature)
    set_switches(armature, switches)
    for name, switch, value in switches:
        path = f'{armature.pose.bones[name].path_from_id()}["{switch}"]'
        keys.write_single(curves, path, frame, np.full(1, value))


def _push_down(armature, action, start: int) -> None:
    track = armature.animation_data.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, start, action)
    if hasattr(strip, "action_slot") and action.slots:
        strip.action_slot = action.slots[0]
    armature.animation_data.action = None


def set_scene_time(scene, take: TakeFile, start_frame: int) -> None:
    """The scene's rate and range are the take's; the rate is exact (30000/1001 becomes 30 / 1.001)."""
    rate = take.fps
    fps = -(-rate.numerator // rate.denominator)  # Blender wants a whole number, and what to divide it by
    scene.render.fps, scene.render.fps_base = fps, float(fps / rate)
    scene.frame_start, scene.frame_end = start_frame, start_frame + take.frames - 1


def new_armature(context, take: TakeFile, person: SourceMotion, options: Options):
    """A new armature object with the take's own skeleton, animated."""
    data = bpy.data.armatures.new(take.name)
    armature = bpy.data.objects.new(take.name, data)
    context.collection.objects.link(armature)
    before = context.view_layer.objects.active
    context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    places = person.rest_positions() @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0.0]])  # Y up to Z up
    for j, name in enumerate(person.names):
        bone = data.edit_bones.new(name)
        bone.head = places[j]
        bone.tail = _tail(person, places, j)
        if person.parents[j] >= 0:
            bone.parent = data.edit_bones[person.names[person.parents[j]]]
    bpy.ops.object.mode_set(mode="OBJECT")
    context.view_layer.objects.active = before or armature
    bone_map = BoneMap({name: name for name in person.names}, "take", 1.0)
    unlocked = Options(**{**options.__dict__, "foot_lock": False, "scale_by_legs": False, "extract_root": False})
    retarget_take(armature, take, person, bone_map, unlocked)
    return armature


def _tail(person: SourceMotion, places: np.ndarray, j: int) -> np.ndarray:
    children = np.flatnonzero(person.parents == j)
    if len(children):
        middle = places[children].mean(axis=0) if len(children) != 3 else places[children[0]]
        if np.linalg.norm(middle - places[j]) > 1e-3:
            return middle
    end = person.ends.get(person.names[j], np.array([0.0, 0.05, 0.0]))
    return places[j] + end @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0.0]])
