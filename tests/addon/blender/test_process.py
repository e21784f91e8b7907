"""A clip processed from Blender, by a script that stands in for the mocap program; the take's camera."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from figures import GOLDEN, figure
from mathutils import Vector

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script with a #! line")


def stand_in(folder: Path, body: str, monkeypatch) -> None:
    path = folder / "mocap"
    path.write_text(
        f"#!{sys.executable}\nimport sys, json, shutil, time\n"
        f"if sys.argv[1] == '--version':\n    print('mocap 0.1.0')\n    sys.exit()\n{body}\n"
    )
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def listen(addon: str, limit_s: float = 20) -> None:
    """What Blender's timer does while a window is open."""
    operator = sys.modules[f"{addon}.process_operator"]
    end = time.monotonic() + limit_s
    while operator._listen() is not None:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_take_is_imported_when_the_program_is_done(addon, scene, tmp_path, monkeypatch):
    said = json.dumps({"event": "done", "outputs": [str(GOLDEN / "walk.bvh"), str(GOLDEN / "walk.json")]})
    stand_in(tmp_path, f"print('{said}')", monkeypatch)
    (tmp_path / "clip.mp4").write_bytes(b"")
    armature = figure()
    assert bpy.ops.mocap.process_video(filepath=str(tmp_path / "clip.mp4")) == {"FINISHED"}
    listen(addon)
    assert armature.animation_data.action.name == "walk"


def test_the_options_that_were_chosen_reach_the_program(addon, scene, tmp_path, monkeypatch):
    said = json.dumps({"event": "done", "outputs": [str(GOLDEN / "walk.json")]})
    heard = tmp_path / "arguments.json"
    stand_in(tmp_path, f"json.dump(sys.argv, open({str(heard)!r}, 'w'))\nprint('{said}')", monkeypatch)
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"")
    bpy.ops.mocap.process_video(filepath=str(clip), height=1.8, solve="fast", camera_pitch="-3", preview=True)
    listen(addon)
    rest = json.loads(heard.read_text())[7:]
    preview = str(tmp_path / "clip_preview.mp4")
    assert rest == ["--camera-pitch", "-3", "--height", "1.8", "--solve", "fast", "--preview", preview]


def test_no_option_hides_something_of_an_operator(addon):
    fields = sys.modules[f"{addon}.pure.options"].fields()
    assert not {field.identifier for field in fields} & set(dir(bpy.types.Operator))


def test_a_program_that_fails_changes_nothing_and_says_why(addon, scene, tmp_path, monkeypatch):
    stand_in(tmp_path, "sys.exit('error: nobody was found')", monkeypatch)
    (tmp_path / "clip.mp4").write_bytes(b"")
    armature = figure()
    bpy.ops.mocap.process_video(filepath=str(tmp_path / "clip.mp4"))
    listen(addon)
    assert armature.animation_data is None
    assert "nobody was found" in bpy.context.window_manager.mocap_status


def test_cancelling_leaves_the_scene_as_it_was(addon, scene, tmp_path, monkeypatch):
    stand_in(tmp_path, "time.sleep(600)", monkeypatch)
    (tmp_path / "clip.mp4").write_bytes(b"")
    armature = figure()
    bpy.ops.mocap.process_video(filepath=str(tmp_path / "clip.mp4"))
    assert bpy.ops.mocap.cancel_processing() == {"FINISHED"}
    listen(addon)
    assert armature.animation_data is None
    assert bpy.context.window_manager.mocap_status == "cancelled"


def test_a_missing_program_is_said_with_how_to_install_it(addon, scene, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys.modules[f"{addon}.pure.command"], "usual_places", list)
    with pytest.raises(RuntimeError, match="pipx install"):
        bpy.ops.mocap.process_video(filepath=str(tmp_path / "clip.mp4"))


def test_the_camera_sees_the_character_where_the_video_shows_it(addon, scene):
    bpy.ops.mocap.import_take(filepath=str(GOLDEN / "walk.json"), target="NEW")
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")
    bpy.context.view_layer.objects.active = armature
    bpy.ops.mocap.camera_background()
    document = json.loads((GOLDEN / "walk.json").read_text())
    T, K = np.array(document["camera"]["T_world_camera"]), np.array(document["camera"]["K"])
    root = np.array(document["people"][0]["motion"]["root_world"][40])
    seen = K @ (np.linalg.inv(T) @ [*root, 1])[:3]
    scene.frame_set(41)
    view = world_to_camera_view(scene, scene.camera, armature.matrix_world @ Vector(armature.pose.bones["Hips"].head))
    width, height = document["camera"]["size"]
    assert (view.x * width, (1 - view.y) * height) == pytest.approx(seen[:2] / seen[2], abs=0.5)
