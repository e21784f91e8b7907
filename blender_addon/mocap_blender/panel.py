# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab "Mocap" in the sidebar of the 3D view."""

from __future__ import annotations

import bpy

from . import preview, process_operator


class MOCAP_UL_rows(bpy.types.UIList):
    """Joints and their bones."""

    def draw_item(self, context, layout, data, item, icon, active_data, active_property, index=0, flt_flag=0):
        """One row: the joint, and a field that searches the armature's bones."""
        split = layout.split(factor=0.45)
        split.label(text=item.name, icon="CHECKMARK" if item.bone else "DOT")
        split.prop_search(item, "bone", data.id_data.data, "bones", text="")


class MOCAP_PT_panel(bpy.types.Panel):
    """Import, and the bones of the selected character."""

    bl_label = "Mocap"
    bl_idname = "MOCAP_PT_panel"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Mocap"

    def draw(self, context):
        """Import first: it is all that most people need."""
        layout = self.layout
        layout.operator("mocap.import_take", icon="IMPORT")
        self._draw_processing(context)
        layout.operator("mocap.camera_background", icon="CAMERA_DATA")
        layout.operator("mocap.next_bad_frame", icon="MARKER")
        armature = context.active_object
        if armature is None or armature.type != "ARMATURE":
            layout.label(text="Select the armature of your character", icon="INFO")
            return
        if preview.ghost_of(armature) is not None:
            row = layout.row(align=True)
            row.operator("mocap.bake", text="Bake preview", icon="KEYFRAME_HLT")
            row.operator("mocap.discard_preview", icon="X")
        layout.operator("mocap.smooth_range", icon="SMOOTHCURVE")
        layout.operator("mocap.relock_feet", icon="CON_FOLLOWTRACK")
        self._draw_map(armature)

    def _draw_processing(self, context) -> None:
        layout, manager = self.layout, context.window_manager
        if not process_operator.is_running():
            layout.operator("mocap.process_video", icon="FILE_MOVIE")
            if manager.mocap_status:
                layout.label(text=manager.mocap_status)
            return
        layout.prop(manager, "mocap_share", text=manager.mocap_status, slider=True)
        layout.operator("mocap.cancel_processing", icon="CANCEL")

    def _draw_map(self, armature) -> None:
        box, stored = self.layout.box(), armature.mocap_map
        box.operator("mocap.find_map", icon="VIEWZOOM")
        if stored.rows:
            unmapped = sum(not row.bone for row in stored.rows)
            box.label(text=f"{stored.family}: {100 * stored.score:.0f} %, {unmapped} joints without a bone")
            box.template_list("MOCAP_UL_rows", "", stored, "rows", stored, "active")
        row = box.row(align=True)
        row.operator("mocap.save_map")
        row.operator("mocap.load_map")


CLASSES = (MOCAP_UL_rows, MOCAP_PT_panel)
