"""Smoothing a range of what was imported, and mirroring."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from figures import GOLDEN, figure
from mocap_blender.pure.take import read_take

TAKE = str(GOLDEN / "walk.json")
ARM = 'pose.bones["rig:LeftArm"].rotation_quaternion'


def curve(armature, component: int = 1):
    """The F-curve of an arm, in any version of Blender."""
    action = armature.animation_data.action
    if hasattr(action, "layers"):
        bag = action.layers[0].strips[0].channelbag(armature.animation_data.action_slot)
        return bag.fcurves.find(ARM, index=component)
    return action.fcurves.find(ARM, index=component)


def values(armature) -> np.ndarray:
    return np.array([point.co[1] for point in curve(armature).keyframe_points])


def test_a_shake_in_the_range_goes_and_the_rest_keeps_every_key(addon, scene):
    armature = figure()
    bpy.ops.mocap.import_take(filepath=TAKE)
    for frame in range(40, 50):
        curve(armature).keyframe_points[frame].co[1] += 0.05 * (-1) ** frame
    shaken = values(armature)
    assert bpy.ops.mocap.smooth_range(start=30, end=60) == {"FINISHED"}
    smoothed = values(armature)
    assert np.array_equal(np.r_[smoothed[:29], smoothed[60:]], np.r_[shaken[:29], shaken[60:]])
    assert np.abs(np.diff(smoothed[38:52], 2)).max() < 0.3 * np.abs(np.diff(shaken[38:52], 2)).max()


def test_a_mirrored_take_moves_the_other_arm(addon, scene):
    heads = []
    for mirror in (False, True):
        armature = figure()
        bpy.ops.mocap.import_take(filepath=TAKE, mirror=mirror, foot_lock=False)
        scene.frame_set(45)
        side = "Right" if mirror else "Left"
        head = armature.pose.bones[f"rig:{side}Hand"].head.copy()
        heads.append(head)
    assert (heads[0].x, heads[0].y, heads[0].z) == pytest.approx((-heads[1].x, heads[1].y, heads[1].z), abs=1e-3)


def foot_path(armature, frames: range) -> np.ndarray:
    places = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        places.append(list(armature.pose.bones["rig:LeftFoot"].head))
    return np.array(places)


def slide(armature) -> float:
    """How far the left foot goes over the floor, in metres a frame, while it stands."""
    spans = read_take(TAKE).people[0].contacts["LeftHeel"]
    steps = [np.linalg.norm(np.diff(foot_path(armature, range(1 + a, 1 + b))[:, :2], axis=0), axis=1) for a, b in spans]
    return float(np.concatenate(steps).mean())


def test_feet_that_were_smoothed_off_their_places_are_held_again(addon, scene):
    armature = figure()
    bpy.ops.mocap.import_take(filepath=TAKE)
    held = slide(armature)
    bpy.ops.mocap.smooth_range(start=1, end=90, seconds=0.25)
    loose = slide(armature)
    assert loose > 2 * held + 0.002
    assert bpy.ops.mocap.relock_feet() == {"FINISHED"}
    assert slide(armature) < 0.3 * loose


def test_feet_are_held_again_in_the_preview_range_only(addon, scene):
    armature = figure()
    bpy.ops.mocap.import_take(filepath=TAKE)
    bpy.ops.mocap.smooth_range(start=1, end=90, seconds=0.6)
    before = foot_path(armature, range(1, 91))
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 30, 60
    bpy.ops.mocap.relock_feet()
    moved = np.linalg.norm(foot_path(armature, range(1, 91)) - before, axis=1)
    assert moved[30:59].max() > 0.002
    assert np.r_[moved[:29], moved[60:]].max() < 1e-5


def test_feet_of_a_figure_in_place_are_not_held_again(addon, scene):
    figure()
    bpy.ops.mocap.import_take(filepath=TAKE, in_place=True)
    with pytest.raises(RuntimeError, match="in place"):
        bpy.ops.mocap.relock_feet()


@pytest.mark.parametrize("case", ["nothing", "no keys", "empty range"])
def test_what_cannot_be_smoothed_is_said_in_one_line(addon, scene, case):
    if case != "nothing":
        figure()
    if case == "empty range":
        bpy.ops.mocap.import_take(filepath=TAKE)
    with pytest.raises(RuntimeError, match=r"select the armature|has no keys|the range is empty"):
        bpy.ops.mocap.smooth_range(start=30, end=20 if case == "empty range" else 60)
