# SPDX-License-Identifier: GPL-3.0-or-later
"""File › Import › Mocap take."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import bpy
from bpy_extras.io_utils import ImportHelper

from . import markers, played, preview, retargeting
from .pure.errors import AddonError, RetargetError
from .pure.take import TakeFile, mirrored, read_take
from .settings import fill, map_of

_people: list[tuple[str, str, str]] = []  # Blender does not keep the strings of an enumeration alive


@cache
def _names_of(path: str, changed_ns: int) -> tuple[str, ...]:
    """The people of a take; kept, since the file browser asks again at every redraw."""
    try:
        return tuple(f"Person {person.person}" for person in read_take(path).people)
    except AddonError:
        return ()


def _people_of(operator, context) -> list[tuple[str, str, str]]:
    global _people
    path = Path(operator.filepath)
    names = _names_of(str(path), path.stat().st_mtime_ns) if path.is_file() else ()
    _people = [(str(i), name, "") for i, name in enumerate(names or ("Person 1",))]
    return _people


class MOCAP_OT_import(bpy.types.Operator, ImportHelper):
    """Put a take of mocap (.json or .bvh) on the selected armature, or on a new one"""

    bl_idname = "mocap.import_take"
    bl_label = "Import Mocap Take"
    bl_options = {"REGISTER", "UNDO", "PRESET"}  # noqa: RUF012, Blender's own form

    filename_ext = ".json"
    filter_glob: bpy.props.StringProperty(default="*.json;*.bvh", options={"HIDDEN"})
    person: bpy.props.EnumProperty(name="Person", description="Whose motion, if the take has several", items=_people_of)
    target: bpy.props.EnumProperty(
        name="Onto",
        items=(
            ("ACTIVE", "Selected armature", "The motion goes onto your character"),
            ("NEW", "New armature", "The take's own skeleton"),
        ),
        default="ACTIVE",
    )
    start_frame: bpy.props.IntProperty(name="Start frame", default=1)
    scale_by_legs: bpy.props.BoolProperty(
        name="Scale by leg length", default=True, description="Steps are as long as the character's legs allow"
    )
    foot_lock: bpy.props.BoolProperty(
        name="Hold planted feet", default=True, description="Feet that stand stay where they stand, on the floor"
    )
    in_place: bpy.props.BoolProperty(name="In place", description="The character stays over its origin")
    extract_root: bpy.props.BoolProperty(
        name="Root onto the floor", description="The way over the floor goes to the topmost bone, for games"
    )
    mirror: bpy.props.BoolProperty(name="Mirror", description="What the left side did, the right side does")
    preview: bpy.props.BoolProperty(
        name="Preview on constraints",
        description="Try the motion on without touching any key; then Bake or Discard it in the sidebar",
    )
    to_nla: bpy.props.BoolProperty(name="NLA strip", description="Push the action down into a strip of its own")
    set_scene: bpy.props.BoolProperty(name="Set frame rate and range", default=True)
    with_markers: bpy.props.BoolProperty(
        name="Markers", default=True, description="Mark what was not seen or is doubtful, and where feet stand"
    )

    def execute(self, context):
        """Reads, then changes the scene; what cannot be done is said before anything is changed."""
        try:
            take = read_take(self.filepath)
            action = self._put(context, take)
        except AddonError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for warning in take.warnings:
            self.report({"WARNING"}, warning)
        self.report({"INFO"}, f"{action.name}: {take.frames} frames at {float(take.fps):.6g} a second")
        return {"FINISHED"}

    def _put(self, context, take: TakeFile):
        person = take.people[min(int(self.person or 0), len(take.people) - 1)]
        if self.mirror:
            person = mirrored(person)
        options = retargeting.Options(
            start_frame=self.start_frame,
            in_place=self.in_place,
            extract_root=self.extract_root,
            scale_by_legs=self.scale_by_legs,
            foot_lock=self.foot_lock,
            to_nla=self.to_nla,
        )
        if self.target == "NEW":
            armature = retargeting.new_armature(context, take, person, options)
            action = _action_of(armature)
        else:
            armature = chosen_armature(context)
            action = self._put_on(context, armature, take, person, options)
        played.remember(armature, self, person)
        if self.set_scene:
            retargeting.set_scene_time(context.scene, take, self.start_frame)
        if self.with_markers:
            markers.mark(context.scene, person, self.start_frame)
        return action

    def _put_on(self, context, armature, take: TakeFile, person, options: retargeting.Options):
        bone_map = map_of(armature)
        if not bone_map.bones:
            raise RetargetError(f"'{armature.name}' looks like no figure with arms and legs; set its bones by hand")
        if self.preview:
            action = _action_of(preview.begin(context, armature, take, person, bone_map, options))
        else:
            action = retargeting.retarget_take(armature, take, person, bone_map, options)
            preview.discard(armature)
        if not armature.mocap_map.rows:
            fill(armature, bone_map)
        return action


def _action_of(armature):
    data = armature.animation_data
    return data.action or data.nla_tracks[-1].strips[-1].action


def chosen_armature(context):
    """The active armature, or the one selected. Raises RetargetError."""
    candidates = [context.view_layer.objects.active, *context.selected_objects]
    armature = next((thing for thing in candidates if thing is not None and thing.type == "ARMATURE"), None)
    retargeting.check_target(armature)
    return armature


def _menu(self, context) -> None:
    self.layout.operator(MOCAP_OT_import.bl_idname, text="Mocap take (.json, .bvh)")


CLASSES = (MOCAP_OT_import,)


def register() -> None:
    """Adds the line to File › Import."""
    bpy.types.TOPBAR_MT_file_import.append(_menu)


def unregister() -> None:
    """Removes it."""
    bpy.types.TOPBAR_MT_file_import.remove(_menu)
