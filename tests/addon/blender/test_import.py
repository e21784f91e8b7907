"""The add-on installed as a zip in Blender: it registers, imports, and leaves the scene alone when it cannot."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import bpy
import pytest
from figures import GOLDEN, figure
from mathutils import Matrix
from mocap_blender.pure.take import read_take

TAKE = GOLDEN / "walk.json"


def test_the_zip_holds_the_manifest_and_the_licence(zip_file):
    names = zipfile.ZipFile(zip_file).namelist()
    assert {"blender_manifest.toml", "LICENSE", "__init__.py", "pure/rigs/mixamo.json"} <= set(names)
    assert not [name for name in names if "__pycache__" in name]


def test_a_take_goes_onto_the_selected_armature(addon, scene):
    armature = figure()
    assert bpy.ops.mocap.import_take(filepath=str(TAKE)) == {"FINISHED"}
    assert armature.animation_data.action.name == "walk"
    assert (scene.render.fps, scene.render.fps_base) == (30, 1.0)
    assert (scene.frame_start, scene.frame_end) == (1, 90)
    assert armature.mocap_map.family == "mixamo"
    scene.frame_set(1)
    first = armature.pose.bones["rig:LeftUpLeg"].matrix.copy()
    scene.frame_set(40)
    assert (armature.pose.bones["rig:LeftUpLeg"].matrix - first).median_scale > 0


def test_a_bvh_is_the_same_motion_as_its_json(addon, scene):
    angles = []
    for name in ("walk.json", "walk.bvh"):
        armature = figure()
        bpy.ops.mocap.import_take(filepath=str(GOLDEN / name), foot_lock=False)
        scene.frame_set(30)
        angles.append(armature.pose.bones["rig:RightForeArm"].matrix.to_quaternion())
    assert angles[0].rotation_difference(angles[1]).angle < 1e-3


def test_a_bvh_as_other_programs_write_it_is_imported_and_what_was_put_right_is_a_warning(addon, scene, tmp_path):
    text = (GOLDEN / "walk.bvh").read_text()
    frame = text.splitlines()[-1]
    text = text.replace("JOINT LeftHand", "JOINT Left Hand").replace("Frames: ", "Frames:").replace("JOINT", "Joint")
    (tmp_path / "others.bvh").write_bytes(("\ufeff" + text + frame + "\n").replace("\n", "\r\n").encode())
    armature = figure()
    said = read_take(tmp_path / "others.bvh").warnings
    assert bpy.ops.mocap.import_take(filepath=str(tmp_path / "others.bvh")) == {"FINISHED"}
    assert [re.sub("line [0-9]+", "line N", warning) for warning in said] == [
        "line N: more frames follow than the 90 that are declared; they are left out"
    ]
    assert armature.animation_data.action.frame_range[1] == 90


def test_a_new_armature_has_the_take_s_joints_where_the_take_has_them(addon, scene):
    bpy.ops.mocap.import_take(filepath=str(TAKE), target="NEW")
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")
    person = json.loads(TAKE.read_text())["people"][0]["motion"]
    scene.frame_set(1 + 50)
    x, y, z = person["root_world"][50]
    assert (armature.pose.bones["Hips"].head - armature.pose.bones["Hips"].head.__class__((x, -z, y))).length < 1e-4


def test_an_odd_rate_is_exact(addon, scene, tmp_path):
    document = json.loads(TAKE.read_text())
    document["fps"] = [30000, 1001]
    (tmp_path / "odd.json").write_text(json.dumps(document))
    figure()
    bpy.ops.mocap.import_take(filepath=str(tmp_path / "odd.json"))
    assert scene.render.fps == 30
    assert scene.render.fps_base == pytest.approx(1.001, abs=1e-7)


def test_the_strip_and_the_root_are_made_when_asked_for(addon, scene):
    armature = figure(root=True)
    bpy.ops.mocap.import_take(filepath=str(TAKE), to_nla=True, extract_root=True, start_frame=11)
    assert armature.animation_data.action is None
    strip = armature.animation_data.nla_tracks[0].strips[0]
    assert (strip.frame_start, strip.frame_end) == (11, 100)
    scene.frame_set(90)
    assert armature.pose.bones["Root"].matrix.translation.xy.length > 0.1
    assert armature.pose.bones["Root"].matrix.translation.z == pytest.approx(0, abs=1e-5)


def path_of_hips(armature, frames=(1, 40, 80)) -> list:
    places = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        places.append(armature.pose.bones["rig:Hips"].head.copy())
    return places


def test_in_place_keeps_the_height_and_takes_the_way(addon, scene):
    paths = []
    for in_place in (False, True):
        armature = figure()
        bpy.ops.mocap.import_take(filepath=str(TAKE), in_place=in_place, foot_lock=False)
        paths.append(path_of_hips(armature))
    assert (paths[0][2] - paths[0][0]).xy.length > 0.1
    for there, here in zip(*paths):
        assert (here - paths[1][0]).xy.length < 1e-4
        assert here.z == pytest.approx(there.z, abs=1e-4)


def test_steps_are_as_long_as_the_legs_unless_switched_off(addon, scene):
    ways = {}
    for scale_by_legs in (True, False):
        for size in (1.0, 2.0):
            armature = figure()
            armature.data.transform(Matrix.Scale(size, 4))
            bpy.ops.mocap.import_take(filepath=str(TAKE), scale_by_legs=scale_by_legs, foot_lock=False)
            places = path_of_hips(armature)
            ways[scale_by_legs, size] = (places[2] - places[0]).xy.length
    assert ways[True, 2.0] == pytest.approx(2 * ways[True, 1.0], rel=1e-3)
    assert ways[False, 2.0] == pytest.approx(ways[False, 1.0], rel=1e-3)


def test_the_person_is_chosen_where_there_are_several(addon, scene, tmp_path):
    document = json.loads(TAKE.read_text())
    other = json.loads(json.dumps(document["people"][0]))
    other["id"] = 2
    other["motion"]["root_world"] = [[x + 3, y, z] for x, y, z in other["motion"]["root_world"]]
    document["people"].append(other)
    (tmp_path / "two.json").write_text(json.dumps(document))
    places = []
    for person in ("0", "1"):
        armature = figure()
        bpy.ops.mocap.import_take(
            filepath=str(tmp_path / "two.json"), person=person, scale_by_legs=False, foot_lock=False
        )
        places.append(path_of_hips(armature)[0])
    assert (places[1] - places[0]).x == pytest.approx(3, abs=1e-3)


def test_another_program_s_bvh_goes_onto_the_character_too(addon, scene, tmp_path):
    text = (GOLDEN / "walk.bvh").read_text()
    for ours, theirs in (("UpperArm", "Arm"), ("LowerArm", "ForeArm"), ("UpperLeg", "UpLeg"), ("LowerLeg", "Leg"),
                         ("UpperChest", "Spine2"), ("Chest", "Spine1"), ("Toes", "ToeBase")):  # fmt: skip
        text = re.sub(rf"((?:ROOT|JOINT) \w*){ours}\b", rf"\g<1>{theirs}", text)
    (tmp_path / "mixamo.bvh").write_text(text)
    turns = []
    for path in (GOLDEN / "walk.bvh", tmp_path / "mixamo.bvh"):
        armature = figure()
        bpy.ops.mocap.import_take(filepath=str(path), foot_lock=False)
        scene.frame_set(50)
        turns.append(armature.pose.bones["rig:LeftForeArm"].matrix.to_quaternion())
    assert turns[0].rotation_difference(turns[1]).angle < 1e-3


def test_markers_tell_gaps_and_standing_feet(addon, scene):
    figure()
    bpy.ops.mocap.import_take(filepath=str(TAKE))
    names = [marker.name for marker in scene.timeline_markers]
    assert "mocap: not seen" in names
    assert any(name.endswith("Heel down") for name in names)
    scene.frame_set(60)
    assert bpy.ops.mocap.next_bad_frame() == {"FINISHED"}
    assert scene.frame_current == 1


def test_a_map_is_saved_loaded_and_used(addon, scene, tmp_path):
    armature = figure()
    bpy.ops.mocap.find_map()
    armature.mocap_map.rows["Head"].bone = "rig:Neck"
    armature.mocap_map.rows["Neck"].bone = ""
    bpy.ops.mocap.save_map(filepath=str(tmp_path / "mine.json"))
    bpy.ops.mocap.find_map()
    assert armature.mocap_map.rows["Head"].bone == "rig:Head"
    bpy.ops.mocap.load_map(filepath=str(tmp_path / "mine.json"))
    assert armature.mocap_map.rows["Head"].bone == "rig:Neck"
    assert armature.mocap_map.rows["Neck"].bone == ""


def damaged(tmp_path: Path, **changes: object) -> Path:
    document = {**json.loads(TAKE.read_text()), **changes}
    (tmp_path / "take.json").write_text(json.dumps(document))
    return tmp_path / "take.json"


def cut(tmp_path: Path, name: str) -> Path:
    (tmp_path / name).write_text((GOLDEN / name).read_text()[:-500])
    return tmp_path / name


BAD_FILES = {
    "a file that is gone": (lambda path: path / "none.json", "cannot read"),
    "no JSON": (lambda path: cut(path, "walk.json"), "damaged"),
    "another kind of JSON": (lambda path: damaged(path, format="gltf"), "no take"),
    "a newer version": (lambda path: damaged(path, version="2.0"), "update the add-on"),
    "nobody": (lambda path: damaged(path, people=[]), "nobody"),
    "frames that lack": (lambda path: damaged(path, frames=91), "damaged"),
    "a damaged BVH": (lambda path: cut(path, "walk.bvh"), "it is cut short"),
}


def state(scene) -> list:
    """What an import may change, in a form that can be compared."""
    things = [(thing.name, thing.animation_data is not None) for thing in bpy.data.objects]
    return [things, len(bpy.data.actions), scene.frame_end, scene.render.fps, len(scene.timeline_markers)]


@pytest.mark.parametrize(("make", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_reported_and_changes_nothing(addon, scene, tmp_path, make, words):
    figure()
    refuses(scene, make(tmp_path), words)


def refuses(scene, path: Path, words: str) -> None:
    before = state(scene)
    with pytest.raises(RuntimeError, match=words) as caught:  # a report of ERROR reaches Python so
        bpy.ops.mocap.import_take(filepath=str(path))
    assert len(str(caught.value).strip().splitlines()) == 1
    assert state(scene) == before


def test_without_an_armature_it_says_what_to_select(addon, scene):
    refuses(scene, TAKE, "select the armature")


def test_an_armature_that_is_no_figure_is_refused(addon, scene):
    rope = figure(bones={f"rope{i}": (None if i == 0 else f"rope{i - 1}", (0, 0, i), (0, 0, i + 1)) for i in range(10)})
    assert rope is not None
    refuses(scene, TAKE, "no figure")


def test_a_map_that_does_not_fit_is_refused(addon, scene):
    armature = figure()
    bpy.ops.mocap.find_map()
    armature.mocap_map.rows["LeftFoot"].bone = "rig:RightFoot"
    refuses(scene, TAKE, "stands for")


def test_a_linked_armature_is_refused(addon, scene, tmp_path):
    bpy.data.libraries.write(str(tmp_path / "library.blend"), {figure()})
    bpy.data.objects.remove(bpy.data.objects["figure"])
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (there, here):
        here.objects = [name for name in there.objects if name == "figure"]
    linked = bpy.data.objects["figure"]
    bpy.context.collection.objects.link(linked)
    bpy.context.view_layer.objects.active = linked
    refuses(bpy.context.scene, TAKE, "linked")


def test_locked_collections_and_channels_do_not_matter(addon, scene):
    armature = figure()
    for bone in armature.pose.bones:
        bone.lock_rotation = (True, True, True)
    assert bpy.ops.mocap.import_take(filepath=str(TAKE)) == {"FINISHED"}
