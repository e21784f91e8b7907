"""Smoothing a range of what was imported, and mirroring."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from figures import GOLDEN, figure

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


@pytest.mark.parametrize("case", ["nothing", "no keys", "empty range"])
def test_what_cannot_be_smoothed_is_said_in_one_line(addon, scene, case):
    if case != "nothing":
        figure()
    if case == "empty range":
        bpy.ops.mocap.import_take(filepath=TAKE)
    with pytest.raises(RuntimeError, match=r"select the armature|has no keys|the range is empty"):
        bpy.ops.mocap.smooth_range(start=30, end=20 if case == "empty range" else 60)
