"""The golden take on figures of every kind, judged by what Blender evaluates."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import bpy
import numpy as np
import pytest
from figures import GOLDEN, figure
from judged import evaluated, limb_angles, slides, turned_by_frame
from mathutils import Matrix
from mocap_blender import retargeting
from mocap_blender.armature import bones_of
from mocap_blender.pure.mapping import BoneMap, map_bones
from mocap_blender.pure.retarget import figure_axes
from mocap_blender.pure.take import SourceMotion, TakeFile, read_take

REPOSITORY = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("MOCAP_DATA", REPOSITORY.parent / "shared" / "data"))
CHARACTERS = ("male_mixamo", "female_game_engine", "male_cmu_mb", "kaykit_knight")
MEAN_DEGREES, WORST_DEGREES = 2.0, 6.0
FLIP_DEGREES, CALM_DEGREES = 60, 30
UP_LAST = [0, 2, 1]


def check(armature, take: TakeFile, *, foot_lock: bool) -> None:
    """Asserts what a retargeted take has to keep: limb directions without the foot pass, standing feet with it."""
    bones, motion = bones_of(armature), take.people[0]
    bone_map = map_bones(bones)
    retargeting.retarget_take(armature, take, motion, bone_map, retargeting.Options(foot_lock=foot_lock))
    places, turns = evaluated(armature, bone_map, range(1, take.frames + 1))
    axes = figure_axes({joint: bones[name].head for joint, name in bone_map.bones.items()}, bones, bone_map.bones)
    if foot_lock:
        check_feet(places, motion, axes, armature)
    else:
        angles = limb_angles(places, motion, axes)
        assert angles.mean() <= MEAN_DEGREES
        assert angles.max() <= WORST_DEGREES
    source = motion.world_rotations()
    for joint in set(turns) & set(motion.names):
        calm = turned_by_frame(source[:, motion.names.index(joint)]) < CALM_DEGREES
        assert not np.any(calm & (turned_by_frame(turns[joint]) > FLIP_DEGREES)), joint


def check_feet(places: dict, motion: SourceMotion, axes: np.ndarray, armature) -> None:
    source = motion.world_positions()
    for side in ("Left", "Right"):
        spans = motion.contacts[f"{side}Heel"]
        theirs = slides((places[f"{side}Foot"] @ axes)[:, UP_LAST], spans).mean()
        ours = slides(source[:, motion.names.index(f"{side}Foot")][:, UP_LAST], spans).mean()
        assert theirs <= 1.2 * ours + 0.001


def turned_and_grown() -> Matrix:
    """What an FBX import leaves on an armature object."""
    return Matrix.Rotation(np.pi / 2, 4, "X") @ Matrix.Scale(0.01, 4)


@pytest.mark.parametrize("foot_lock", [False, True])
@pytest.mark.parametrize("kind", ["plain", "with a root", "an FBX's axes and size"])
def test_limbs_point_as_the_take_s_and_planted_feet_stay(scene, kind, foot_lock):
    armature = figure(root=kind == "with a root")
    if kind == "an FBX's axes and size":
        armature.data.transform(turned_and_grown().inverted())
        armature.matrix_world = turned_and_grown()
    check(armature, read_take(GOLDEN / "walk.json"), foot_lock=foot_lock)


@pytest.mark.parametrize("foot_lock", [False, True])
@pytest.mark.parametrize("metarig", ["armature_basic_human_metarig_add", "armature_human_metarig_add"])
def test_rigify_s_controls_move_its_limbs(scene, metarig, foot_lock):
    import addon_utils

    addon_utils.enable("rigify", default_set=True)
    getattr(bpy.ops.object, metarig)()
    drawn = bpy.context.object
    bpy.ops.pose.rigify_generate()
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE" and thing is not drawn)
    check(armature, read_take(GOLDEN / "walk.json"), foot_lock=foot_lock)
    assert armature.pose.bones["thigh_parent.L"]["IK_FK"] == 1.0


@pytest.mark.skipif(not DATA.is_dir(), reason="the characters of ../shared/data are not here")
@pytest.mark.parametrize("foot_lock", [False, True])
@pytest.mark.parametrize("character", CHARACTERS)
def test_real_characters_move_as_the_take(scene, character, foot_lock):
    bpy.ops.import_scene.gltf(filepath=str(DATA / "characters" / f"{character}.glb"))
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")
    armature.animation_data_clear()
    for bone in armature.pose.bones:
        bone.matrix_basis.identity()
    check(armature, read_take(GOLDEN / "walk.json"), foot_lock=foot_lock)


def long_take(frames: int) -> TakeFile:
    """The golden take, walked again and again, with fingers, 52 joints in all."""
    take = read_take(GOLDEN / "walk.json")
    person = take.people[0]
    names = person.names + [f"finger{i}" for i in range(52 - len(person.names))]
    rows = np.arange(frames) % len(person.root)
    local = np.zeros((frames, 52, 4))
    local[..., 0] = 1.0
    local[:, : len(person.names)] = person.local[rows]
    parents = np.concatenate([person.parents, np.full(52 - len(person.names), person.names.index("LeftHand"))])
    fields = {
        "names": names,
        "parents": parents,
        "offsets": np.concatenate([person.offsets, np.tile([0.02, 0.0, 0.0], (52 - len(person.names), 1))]),
        "root": person.root[rows],
        "local": local,
        "confidence": np.ones((frames, 52)),
    }
    walker = SourceMotion(**{**person.__dict__, **fields})
    return TakeFile("long", take.fps, frames, [walker])


def test_keys_in_bulk_are_many_times_faster_than_one_by_one(scene):
    take = long_take(10_000)
    armature = retargeting.new_armature(bpy.context, long_take(2), long_take(2).people[0], retargeting.Options())
    bone_map = BoneMap({name: name for name in take.people[0].names}, "take", 1.0)
    begin = time.perf_counter()
    retargeting.retarget_take(armature, take, take.people[0], bone_map, retargeting.Options(foot_lock=True))
    bulk_s = time.perf_counter() - begin
    begin = time.perf_counter()
    for frame in range(20):
        for bone in armature.pose.bones:
            bone.keyframe_insert("rotation_quaternion", frame=20_000 + frame)
    single_s = (time.perf_counter() - begin) * take.frames / 20
    sys.stderr.write(f"\n10,000 frames of 52 bones: {bulk_s:.1f} s in bulk, {single_s:.0f} s one by one\n")
    assert bulk_s < 0.2 * single_s
