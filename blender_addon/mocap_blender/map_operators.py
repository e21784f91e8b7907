# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding, saving and loading the bone map of an armature."""

from __future__ import annotations

import bpy
from bpy_extras.io_utils import ExportHelper, ImportHelper

from .armature import bones_of
from .import_operator import chosen_armature
from .pure.errors import AddonError
from .pure.mapping import map_bones, problems, read_map, write_map
from .settings import fill, map_of


class _MapOperator:
    """What the operators have in common: errors become reports."""

    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012, Blender's own form

    def execute(self, context):
        """Does it, and says in one line what could not be done."""
        try:
            self.report({"INFO"}, self.act(chosen_armature(context)))
        except (AddonError, OSError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class MOCAP_OT_find_map(_MapOperator, bpy.types.Operator):
    """Find out which bone is which, by names and by shape"""

    bl_idname = "mocap.find_map"
    bl_label = "Find bones"

    def act(self, armature) -> str:
        """Fills the rows."""
        bone_map = map_bones(bones_of(armature))
        fill(armature, bone_map)
        if not bone_map.bones:
            return f"'{armature.name}' looks like no figure with arms and legs; set its bones by hand"
        return f"{bone_map.family}: {len(bone_map.bones)} bones, {100 * bone_map.score:.0f} % of what is needed"


class MOCAP_OT_save_map(_MapOperator, bpy.types.Operator, ExportHelper):
    """Save the bone map as a file, to use it for other files or give it to others"""

    bl_idname = "mocap.save_map"
    bl_label = "Save map"
    filename_ext = ".json"

    def act(self, armature) -> str:
        """Writes the rows."""
        write_map(map_of(armature), self.filepath)
        return f"saved {self.filepath}"


class MOCAP_OT_load_map(_MapOperator, bpy.types.Operator, ImportHelper):
    """Take the bone map from a file"""

    bl_idname = "mocap.load_map"
    bl_label = "Load map"
    filename_ext = ".json"
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def act(self, armature) -> str:
        """Reads the rows; those of bones that this armature lacks are kept and named."""
        bone_map = read_map(self.filepath)
        fill(armature, bone_map)
        wrong = problems(bone_map, bones_of(armature))
        return f"{len(bone_map.bones)} bones; {wrong[0]}" if wrong else f"{len(bone_map.bones)} bones"


CLASSES = (MOCAP_OT_find_map, MOCAP_OT_save_map, MOCAP_OT_load_map)
