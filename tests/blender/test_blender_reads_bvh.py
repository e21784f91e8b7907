"""Outside judges: Blender's own importer, and a BVH library, put every joint where our kinematics says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from takes import random_motion, swinging_motion

from mocap import kinematics
from mocap.formats.bvh import write_bvh
from mocap.motion import Motion
from mocap.rotation import Array

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
