# SPDX-License-Identifier: GPL-3.0-or-later
"""Mending what was imported: a shaky part is smoothed, the rest stays as it is."""

from __future__ import annotations

import bpy
import numpy as np

from . import keys
from .pure import smoothing
from .pure.errors import AddonError, RetargetError

LONGEST_S = 2.0


class MOCAP_OT_smooth_range(bpy.types.Operator):
    """Smooth the selected bones, or all of them, in the preview range or between two frames"""

    bl_idname = "mocap.smooth_range"
    bl_label = "Smooth Range"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012, Blender's own form

    start: bpy.props.IntProperty(name="From frame", default=1)
    end: bpy.props.IntProperty(name="To frame", default=250)
    seconds: bpy.props.FloatProperty(
        name="Seconds", default=0.1, min=0.02, max=LONGEST_S, description="What is shorter than this is smoothed away"
    )

    def invoke(self, context, event):
        """Takes the preview range, if there is one, else the scene's range."""
        scene = context.scene
        preview = (scene.frame_preview_start, scene.frame_preview_end)
        self.start, self.end = preview if scene.use_preview_range else (scene.frame_start, scene.frame_end)
        return self.execute(context)

    def execute(self, context):
        """Changes keys only, at the frames that they are at."""
        try:
            count = self._smooth(context)
        except AddonError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"smoothed {count} bones, frames {self.start} to {self.end}")
        return {"FINISHED"}

    def _smooth(self, context) -> int:
        armature = context.active_object
        if armature is None or armature.type != "ARMATURE":
            raise RetargetError("select the armature that carries the take")
        if self.end <= self.start:
            raise RetargetError("the range is empty; set 'To frame' behind 'From frame'")
        sigma = self.seconds * context.scene.render.fps / context.scene.render.fps_base / 2
        chosen = _selected_bones(armature)
        count = 0
        for path, curves in keys.groups(armature).items():
            bone = path.split('"')[1] if path.startswith('pose.bones["') else ""
            if bone and (not chosen or bone in chosen):
                count += _smooth_channel(path, curves, self.start, self.end, sigma)
        if not count:
            raise RetargetError(f"'{armature.name}' has no keys between the frames {self.start} and {self.end}")
        return count


def _selected_bones(armature) -> set[str]:
    """The bones selected in pose mode; empty outside of it."""
    if armature.mode != "POSE":
        return set()
    return {bone.name for bone in bpy.context.selected_pose_bones or []}


def _smooth_channel(path: str, curves: list, start: int, end: int, sigma: float) -> bool:
    """Smooths one property of a bone, if it is one that can be; whether it was."""
    frames, values = keys.read(curves)
    first, last = np.searchsorted(frames, start), np.searchsorted(frames, end, side="right")
    if last - first < 3:
        return False
    if path.endswith("rotation_quaternion") and values.shape[1] == 4:
        values = smoothing.smooth_turns(values, int(first), int(last), sigma)
    elif path.endswith("location"):
        values = smoothing.smooth_places(values, int(first), int(last), sigma)
    else:
        return False
    keys.replace(curves, values)
    return True


CLASSES = (MOCAP_OT_smooth_range,)
