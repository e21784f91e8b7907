"""Outside judges: Blender's own importer, and a BVH library, put every joint where our kinematics says."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bvh_kinds import READ
from takes import random_motion, swinging_motion

from mocap.io.bvh import read_bvh, write_bvh
from mocap.model import kinematics
from mocap.model.motion import Motion
from mocap.model.rotation import Array
from mocap.model.take import Take

TENTH_MM = 1e-4
MOTIONS = {"wild": random_motion(40, seed=7), "swinging": swinging_motion(24), "still": random_motion(1, seed=3)}


@pytest.fixture(scope="module")
def bpy(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Blender as a module, with its settings in a folder of its own; skips where it is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLENDER_USER_RESOURCES", str(tmp_path_factory.mktemp("blender")))
        return pytest.importorskip("bpy", reason="Blender's module bpy is not installed")


def imported(bpy: Any, path: Path) -> Any:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert bpy.ops.import_anim.bvh(filepath=str(path), update_scene_duration=True, update_scene_fps=True) == {
        "FINISHED"
    }
    return bpy.context.object


def head_positions(bpy: Any, armature: Any, motion: Motion) -> Array:
    """Where Blender has the joints (T, J, 3): its scene is Z up, (x, y, z) of ours is (x, −z, y) there."""
    positions = np.empty((len(motion), len(motion.skeleton), 3))
    for frame in range(len(motion)):
        bpy.context.scene.frame_set(frame + 1)
        for j, name in enumerate(motion.skeleton.names):
            x, y, z = armature.matrix_world @ armature.pose.bones[name].head
            positions[frame, j] = x, z, -y
    return positions


@pytest.mark.blender
@pytest.mark.parametrize("motion", MOTIONS.values(), ids=MOTIONS)
def test_blender_puts_every_joint_within_a_tenth_of_a_millimetre(bpy: Any, tmp_path: Path, motion: Motion) -> None:
    write_bvh(motion, tmp_path / "take.bvh")
    armature = imported(bpy, tmp_path / "take.bvh")
    apart = head_positions(bpy, armature, motion) - kinematics.joint_positions(motion)
    assert np.linalg.norm(apart, axis=-1).max() < TENTH_MM


# What Blender's importer refuses, and one that it misreads: frames are lines for it
NOT_BLENDERS = ("UTF-16 with its mark", "UTF-16 without a mark", "byte order mark", "Shift-JIS", "Latin-1",
                "brace on the joint's line")  # fmt: skip
BLENDERS = [name for name in READ if name not in (*NOT_BLENDERS, "a frame over two lines")]


@pytest.mark.blender
@pytest.mark.parametrize("name", BLENDERS)
def test_our_reader_and_blenders_put_the_joints_of_others_files_alike(bpy: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / "others.bvh"
    path.write_bytes(READ[name].content())
    motion = read_bvh(path)
    armature = imported(bpy, path)
    assert len(armature.pose.bones) == len(motion.skeleton)
    apart = head_positions(bpy, armature, motion) - kinematics.joint_positions(motion)
    assert np.linalg.norm(apart, axis=-1).max() < TENTH_MM


@pytest.mark.blender
@pytest.mark.parametrize("name", NOT_BLENDERS)
def test_blender_refuses_some_files_that_our_reader_reads(bpy: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / "others.bvh"
    path.write_bytes(READ[name].content())
    with pytest.raises(RuntimeError):
        imported(bpy, path)


@pytest.mark.blender
def test_blender_takes_length_and_rate_from_the_file(bpy: Any, tmp_path: Path) -> None:
    motion = swinging_motion(24)
    write_bvh(motion, tmp_path / "take.bvh")
    action = imported(bpy, tmp_path / "take.bvh").animation_data.action
    scene = bpy.context.scene
    assert tuple(action.frame_range) == (1, 24)
    assert scene.render.fps / scene.render.fps_base == pytest.approx(30000 / 1001, abs=1e-5)


@pytest.mark.blender
def test_blender_gives_the_leaves_the_length_of_their_end_sites(bpy: Any, tmp_path: Path) -> None:
    motion = swinging_motion(2)
    write_bvh(motion, tmp_path / "take.bvh")
    bones = imported(bpy, tmp_path / "take.bvh").data.bones
    for leaf, end in motion.skeleton.ends.items():
        assert bones[leaf].length == pytest.approx(math.hypot(*end), abs=TENTH_MM)


@pytest.mark.parametrize("motion", MOTIONS.values(), ids=MOTIONS)
def test_a_bvh_library_puts_every_joint_there_too(tmp_path: Path, motion: Motion) -> None:
    bvhio = pytest.importorskip("bvhio")
    write_bvh(motion, tmp_path / "take.bvh")
    root = bvhio.readAsHierarchy(str(tmp_path / "take.bvh"))
    joints = {joint.Name: joint for joint, _, _ in root.layout()}
    expected = kinematics.joint_positions(motion)
    for frame in range(len(motion)):
        root.loadPose(frame)
        positions = np.array([list(joints[name].PositionWorld) for name in motion.skeleton.names])
        assert np.abs(positions - expected[frame]).max() < TENTH_MM


CLIPS = {
    "videos/outdoor_walk_run.mp4": 230,
    "videos/sit_stand_raise_arms.mp4": 187,
    "videos/two_people.mp4": 100,
    "pose2sim_s00/cam01.mp4": 100,
    "pose2sim_s00/cam03.mp4": 100,
}


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.blender
@pytest.mark.parametrize("clip", CLIPS)
def test_blender_plays_the_takes_of_real_clips(
    bpy: Any, tmp_path: Path, clip: str, real_takes: Callable[[str], Take]
) -> None:
    motion = real_takes(clip).people[0].motion
    assert motion is not None
    write_bvh(motion, tmp_path / "take.bvh")
    armature = imported(bpy, tmp_path / "take.bvh")
    assert tuple(armature.animation_data.action.frame_range) == (1, CLIPS[clip])
    apart = head_positions(bpy, armature, motion) - kinematics.joint_positions(motion)
    assert np.linalg.norm(apart, axis=-1).max() < TENTH_MM


@pytest.mark.real
@pytest.mark.slow
def test_the_empty_end_of_a_clip_is_reported_and_not_invented(real_takes: Callable[[str], Take]) -> None:
    person = real_takes("videos/outdoor_walk_run.mp4").people[0]
    assert person.gaps[-1].end == 230
    assert person.gaps[-1].start >= 220
    assert person.motion is not None
    assert not person.motion.confidence[person.gaps[-1].start :].any()
    assert np.ptp(person.motion.root_world[person.gaps[-1].start :], axis=0).max() < 1e-9
