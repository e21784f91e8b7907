# SPDX-License-Identifier: GPL-3.0-or-later
"""A take tried on a character by constraints, its own keys untouched; baked into keys, or taken off again."""

from __future__ import annotations

import json
from dataclasses import replace

import bpy
import numpy as np

from . import keys, retargeting
from .pure.errors import AddonError, RetargetError

NAME = "mocap preview"
CONSTRAINTS = {"rotation_quaternion": "COPY_ROTATION", "location": "COPY_LOCATION"}


def begin(context, armature, take, person, bone_map, options: retargeting.Options):
    """Makes a second, hidden armature object that plays the take, and constraints that follow it; returns it."""
    retargeting.check_target(armature)
    ghost = bpy.data.objects.new(f"{armature.name} {NAME}", armature.data)
    context.scene.collection.objects.link(ghost)
    ghost.matrix_world = armature.matrix_world
    context.view_layer.update()  # without a pose, giving it an action crashes Blender
    try:
        retargeting.retarget_take(ghost, take, person, bone_map, replace(options, to_nla=False))
    except AddonError:
        bpy.data.objects.remove(ghost)
        raise
    discard(armature)
    ghost.hide_set(True)
    ghost.hide_render = True
    ghost["mocap_frames"] = [options.start_frame, options.start_frame + take.frames - 1]
    for bone, channel in _keyed(ghost):
        constraint = armature.pose.bones[bone].constraints.new(CONSTRAINTS[channel])
        constraint.name, constraint.target, constraint.subtarget = NAME, ghost, bone
        constraint.owner_space = constraint.target_space = "LOCAL"
    if bone_map.kind == "rigify":
        switches = retargeting.rigify_switches(armature)
        before = [[bone, switch, armature.pose.bones[bone][switch]] for bone, switch, _ in switches]
        ghost["mocap_switches"] = json.dumps(before)  # Blender's own lists hold one kind of value
        retargeting.set_switches(armature, switches)
    return ghost


def ghost_of(armature):
    """The object that an armature's constraints follow, or None."""
    found = (c.target for bone in armature.pose.bones for c in bone.constraints if c.name.startswith(NAME))
    return next((ghost for ghost in found if ghost is not None), None)


def discard(armature) -> None:
    """Takes a preview off; what was there before is there again."""
    ghost = ghost_of(armature)
    for bone, switch, value in json.loads(ghost.get("mocap_switches", "[]")) if ghost is not None else ():
        armature.pose.bones[bone][switch] = value
    _remove(armature, ghost)


def _remove(armature, ghost) -> None:
    for bone in armature.pose.bones:
        for constraint in [constraint for constraint in bone.constraints if constraint.name.startswith(NAME)]:
            bone.constraints.remove(constraint)
    if ghost is not None:
        bpy.data.objects.remove(ghost)


def _keyed(ghost) -> list[tuple[str, str]]:
    """Bones and channels that have keys."""
    paths = (path for path in keys.groups(ghost) if path.startswith('pose.bones["'))
    return [(path.split('"')[1], path.rsplit(".", 1)[1]) for path in paths]


def bake(context, armature):
    """Turns what the constraints show into keys of a new action; returns it. Raises RetargetError without a preview."""
    ghost = ghost_of(armature)
    if ghost is None:
        raise RetargetError(f"'{armature.name}' has no preview; import a take with 'Preview on constraints' first")
    start, end = ghost["mocap_frames"]
    frames = np.arange(start, end + 1, dtype=float)
    name, is_whole = ghost.animation_data.action.name, _is_whole(armature)
    keyed = _keyed(ghost)
    if is_whole:
        values = {path: keys.read(curves)[1] for path, curves in keys.groups(ghost).items()}
    else:
        values = _seen(context, armature, keyed, frames)
    taken = ghost.animation_data.action
    switches = ghost.get("mocap_switches", ())
    _remove(armature, ghost)
    bpy.data.actions.remove(taken)
    action, curves = keys.new_action(name, armature)
    for path, rows in values.items():
        keys.write(curves, path, frames, rows)
    for bone, _ in keyed:
        armature.pose.bones[bone].rotation_mode = "QUATERNION"
    if switches:
        retargeting.key_switches(armature, curves, frames[:1])
    return action


def _is_whole(armature) -> bool:
    """Whether nobody has weakened or muted a constraint."""
    followed = [c for bone in armature.pose.bones for c in bone.constraints if c.name.startswith(NAME)]
    return all(constraint.influence == 1.0 and not constraint.mute for constraint in followed)


def _seen(context, armature, keyed: list, frames: np.ndarray) -> dict[str, np.ndarray]:
    """Data path to values (T, n) of the bones' channels as they are shown, frame by frame."""
    values = {}
    for bone, channel in keyed:
        width = 4 if channel == "rotation_quaternion" else 3
        values[f"{armature.pose.bones[bone].path_from_id()}.{channel}"] = np.empty((len(frames), width))
    now = context.scene.frame_current
    for t, frame in enumerate(frames):
        context.scene.frame_set(int(frame))
        posed = armature.evaluated_get(context.evaluated_depsgraph_get())
        for (bone, channel), rows in zip(keyed, values.values()):
            shown = posed.pose.bones[bone]
            own = posed.convert_space(pose_bone=shown, matrix=shown.matrix, from_space="POSE", to_space="LOCAL")
            rows[t] = own.to_quaternion() if channel == "rotation_quaternion" else own.to_translation()
    context.scene.frame_set(now)
    return values


class _PreviewOperator:
    """What the operators have in common."""

    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012, Blender's own form

    @classmethod
    def poll(cls, context):
        """Only where there is a preview."""
        thing = context.active_object
        return thing is not None and thing.type == "ARMATURE" and ghost_of(thing) is not None


class MOCAP_OT_bake(_PreviewOperator, bpy.types.Operator):
    """Turn the preview into keys, as it is seen, and take the constraints off"""

    bl_idname = "mocap.bake"
    bl_label = "Bake"

    def execute(self, context):
        """Makes the action."""
        try:
            action = bake(context, context.active_object)
        except AddonError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"baked to the action {action.name}")
        return {"FINISHED"}


class MOCAP_OT_discard(_PreviewOperator, bpy.types.Operator):
    """Take the preview off the character, which is then as it was"""

    bl_idname = "mocap.discard_preview"
    bl_label = "Discard"

    def execute(self, context):
        """Removes constraints and the hidden armature."""
        ghost = ghost_of(context.active_object)
        action = ghost.animation_data.action
        discard(context.active_object)
        bpy.data.actions.remove(action)
        return {"FINISHED"}


CLASSES = (MOCAP_OT_bake, MOCAP_OT_discard)
