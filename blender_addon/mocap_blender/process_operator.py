# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip becomes a take without leaving Blender: the mocap program runs beside it, and the take is imported when done.

It opens no network connection, and neither does the program, so ``bpy.app.online_access`` does not matter.
"""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy_extras.io_utils import ImportHelper

from .pure import command, options
from .pure.errors import CommandError

TICK_S = 0.25
_run: command.Run | None = None


class MOCAP_AP_preferences(bpy.types.AddonPreferences):
    """Where the program is, for those who put it elsewhere."""

    bl_idname = __package__

    program: bpy.props.StringProperty(
        name="mocap program", subtype="FILE_PATH", description="Empty: the one on the PATH or in a usual place"
    )

    def draw(self, context):
        """The path, and how to install it."""
        self.layout.prop(self, "program")
        row = self.layout.row()
        row.label(text=f"To install it, in a terminal: {command.INSTALL_LINE}")
        row.operator("mocap.copy_install_line", text="", icon="COPYDOWN")


class MOCAP_OT_copy_install_line(bpy.types.Operator):
    """Copy the line that installs the mocap program"""

    bl_idname = "mocap.copy_install_line"
    bl_label = "Copy the install line"

    def execute(self, context):
        """Puts it on the clipboard."""
        context.window_manager.clipboard = command.INSTALL_LINE
        return {"FINISHED"}


class MOCAP_OT_process_video(bpy.types.Operator, ImportHelper):
    """Turn a video of a person into a take, in the background, and import it"""

    bl_idname = "mocap.process_video"
    bl_label = "Process Video"

    filename_ext = ""
    filter_glob: bpy.props.StringProperty(default="*.mp4;*.mov;*.mkv;*.webm;*.avi;*.m4v", options={"HIDDEN"})

    def execute(self, context):
        """Starts the program and a timer that listens to it."""
        global _run
        if _run is not None:
            self.report({"ERROR"}, "a video is being processed already; wait or cancel it")
            return {"CANCELLED"}
        clip = Path(self.filepath)
        try:
            program = command.find(_preferred(context))
            command.check_version(program)
            if not clip.is_file():
                raise CommandError(f"there is no clip {clip.name}")
            take = clip.with_suffix(".bvh")
            values = {field.identifier: getattr(self, field.identifier) for field in options.fields()}
            _run = command.Run(program, clip, take, options.arguments(values, take))
        except CommandError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        _say(context, "starting", 0.0)
        bpy.app.timers.register(_listen, first_interval=TICK_S)
        return {"FINISHED"}


def _property(field: options.Field):
    """A property of Blender's for an option of the program."""
    shown = {"name": field.label, "description": field.help, "default": field.default}
    if field.kind == "choice":
        return bpy.props.EnumProperty(items=[(choice, choice, "") for choice in field.choices], **shown)
    if field.kind == "float":
        return bpy.props.FloatProperty(min=field.low, max=field.high, **shown)
    return (bpy.props.BoolProperty if field.kind == "flag" else bpy.props.StringProperty)(**shown)


for _field in options.fields():
    MOCAP_OT_process_video.__annotations__[_field.identifier] = _property(_field)


class MOCAP_OT_cancel(bpy.types.Operator):
    """Stop processing the video"""

    bl_idname = "mocap.cancel_processing"
    bl_label = "Cancel"

    def execute(self, context):
        """Ends the program."""
        if _run is None:
            return {"CANCELLED"}
        _end(context, "cancelled")
        return {"FINISHED"}


def _preferred(context) -> str:
    addon = context.preferences.addons.get(__package__)
    return addon.preferences.program if addon is not None and addon.preferences is not None else ""


def _listen() -> float | None:
    """Called by Blender's timer: takes what the program said and returns when to be called again, None = never."""
    if _run is None:
        return None
    for event in _run.events():
        if event.kind == "progress":
            _say(bpy.context, event.stage, event.done / max(event.total, 1))
        elif event.kind == "error":
            _end(bpy.context, event.message)
            return None
        elif event.kind == "done":
            _end(bpy.context, "done")
            _import(next((path for path in event.outputs if path.endswith(".json")), event.outputs[0]))
            return None
    return TICK_S


def _import(path: str) -> None:
    active = bpy.context.view_layer.objects.active
    target = "ACTIVE" if active is not None and active.type == "ARMATURE" else "NEW"
    try:
        bpy.ops.mocap.import_take(filepath=path, target=target)
    except RuntimeError as error:  # how an operator's report of an error reaches Python
        _say(bpy.context, str(error).strip(), 1.0)


def _end(context, message: str) -> None:
    global _run
    if _run is not None:
        _run.cancel()
    _run = None
    _say(context, message, 1.0)


def _say(context, text: str, share: float) -> None:
    """Shows a line and a bar in the panel."""
    context.window_manager.mocap_status, context.window_manager.mocap_share = text, share
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def is_running() -> bool:
    """Whether a video is being processed."""
    return _run is not None


CLASSES = (MOCAP_AP_preferences, MOCAP_OT_copy_install_line, MOCAP_OT_process_video, MOCAP_OT_cancel)


def register() -> None:
    """Makes room for what the panel shows."""
    bpy.types.WindowManager.mocap_status = bpy.props.StringProperty()
    bpy.types.WindowManager.mocap_share = bpy.props.FloatProperty(subtype="FACTOR", min=0, max=1)


def unregister() -> None:
    """Ends what runs."""
    global _run
    if _run is not None:
        _run.cancel()
    _run = None
    if bpy.app.timers.is_registered(_listen):
        bpy.app.timers.unregister(_listen)
    del bpy.types.WindowManager.mocap_status, bpy.types.WindowManager.mocap_share
