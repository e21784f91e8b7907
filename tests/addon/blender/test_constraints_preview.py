"""A take on constraints: what is seen is what a plain import gives, and it can be baked or taken off."""

from __future__ import annotations

import bpy
import pytest
from figures import GOLDEN, figure

TAKE = str(GOLDEN / "walk.json")
BONES = ("rig:Hips", "rig:LeftArm", "rig:RightFoot", "rig:Head")


def shown(armature, frame: int = 40) -> list:
    bpy.context.scene.frame_set(frame)
    posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return [value for bone in BONES for row in posed.pose.bones[bone].matrix for value in row]


def constraints(armature) -> list:
    return [constraint for bone in armature.pose.bones for constraint in bone.constraints]


def test_the_preview_shows_what_an_import_would_and_touches_no_key(addon, scene):
    plain = figure()
    bpy.ops.mocap.import_take(filepath=TAKE)
    wanted = shown(plain)
    armature = figure()
    assert bpy.ops.mocap.import_take(filepath=TAKE, preview=True) == {"FINISHED"}
    assert shown(armature) == pytest.approx(wanted, abs=2e-3)
    assert armature.animation_data is None


def test_baking_keeps_what_was_seen_and_takes_the_constraints_off(addon, scene):
    armature = figure()
    bpy.ops.mocap.import_take(filepath=TAKE, preview=True)
    seen = shown(armature)
    assert bpy.ops.mocap.bake() == {"FINISHED"}
    assert constraints(armature) == []
    assert len(bpy.data.objects) == 1
    assert armature.animation_data.action.name == "walk"
    assert shown(armature) == pytest.approx(seen, abs=2e-3)


def test_a_weakened_constraint_is_baked_as_it_is_seen(addon, scene):
    armature = figure()
    bpy.ops.mocap.import_take(filepath=TAKE, preview=True)
    whole = shown(armature)
    for constraint in armature.pose.bones["rig:LeftArm"].constraints:
        constraint.influence = 0.4
    seen = shown(armature)
    assert seen != pytest.approx(whole, abs=2e-3)
    bpy.ops.mocap.bake()
    assert shown(armature) == pytest.approx(seen, abs=2e-3)


def test_a_discarded_preview_leaves_the_character_as_it_was(addon, scene):
    armature = figure()
    before = shown(armature)
    bpy.ops.mocap.import_take(filepath=TAKE, preview=True)
    assert bpy.ops.mocap.discard_preview() == {"FINISHED"}
    assert shown(armature) == before
    assert (len(bpy.data.objects), len(bpy.data.actions), constraints(armature)) == (1, 0, [])


def test_a_second_preview_takes_the_place_of_the_first(addon, scene):
    armature = figure()
    bpy.ops.mocap.import_take(filepath=TAKE, preview=True)
    number = len(constraints(armature))
    bpy.ops.mocap.import_take(filepath=TAKE, preview=True, mirror=True)
    assert len(constraints(armature)) == number
    assert len(bpy.data.objects) == 2
