# SPDX-License-Identifier: GPL-3.0-or-later
"""The clip behind the character: the take's camera in the scene, with the video as its background."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from . import played
from .import_operator import chosen_armature
from .pure.errors import AddonError, TakeError

NAME = "mocap camera"
SENSOR_MM = 36.0
# Takes have Y up and cameras that look along +Z with y down; Blender has Z up and cameras that look along −Z with y up
WORLD = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])
AXES = np.diag([1.0, -1.0, -1.0, 1.0])


class MOCAP_OT_camera_background(bpy.types.Operator):
    """Look through the camera that filmed the take, with its video behind the character"""

    bl_idname = "mocap.camera_background"
    bl_label = "Camera with video"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012, Blender's own form

    def execute(self, context):
        """Makes the camera of the selected armature's take, or makes it anew."""
        try:
            armature = chosen_armature(context)
            path, take = played.take_of(armature)
            if take.camera is None:
                raise TakeError(f"{path.name} does not tell where its camera was; import the .json of the take")
        except AddonError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        camera = place_camera(context.scene, take.camera)
        video = path.with_name(take.video)
        if take.camera.get("path"):
            self.report(
                {"WARNING"}, "the camera turned while it filmed; the video cannot lie behind one that stands still"
            )
        elif video.is_file():
            show_video(camera, video, played.start_of(armature))
        else:
            self.report({"WARNING"}, f"{take.video} does not lie beside {path.name}, so the background stays empty")
        return {"FINISHED"}


def place_camera(scene, described: dict):
    """The scene's camera as the take describes it: K in pixels, T_world_camera, size."""
    camera = bpy.data.objects.get(NAME) or bpy.data.objects.new(NAME, bpy.data.cameras.new(NAME))
    if camera.name not in scene.collection.objects:
        scene.collection.objects.link(camera)
    K, (width, height) = np.array(described["K"]), described["size"]
    longer = max(width, height)
    camera.data.sensor_fit, camera.data.sensor_width = "AUTO", SENSOR_MM
    camera.data.lens = SENSOR_MM * K[0, 0] / longer
    camera.data.shift_x = (0.5 * width - K[0, 2]) / longer
    camera.data.shift_y = (K[1, 2] - 0.5 * height) / longer
    camera.matrix_world = Matrix(WORLD @ np.array(described["T_world_camera"]) @ AXES)
    scene.camera = camera
    scene.render.resolution_x, scene.render.resolution_y = width, height
    return camera


def show_video(camera, video: Path, start_frame: int) -> None:
    """Puts a clip behind everything that the camera sees."""
    camera.data.show_background_images = True
    camera.data.background_images.clear()
    background = camera.data.background_images.new()
    background.source = "MOVIE_CLIP"
    background.clip = bpy.data.movieclips.load(str(video), check_existing=True)
    background.clip.frame_start = start_frame
    background.clip_user.frame_current = start_frame
    background.alpha = 1.0


CLASSES = (MOCAP_OT_camera_background,)
