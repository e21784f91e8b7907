"""Rigify's generated rigs: their controls are animated, their deforming bones judged.

In a file, and so in CI a process, of its own: what Rigify leaves behind crashes Blender 4.2 later on.
"""

from __future__ import annotations

import sys

import bpy
import pytest
from characters import RIGIFY, rigify
from figures import GOLDEN
from judged import WORST_DEGREES, check, evaluated, limb_angles
from mocap_blender import preview, retargeting
from mocap_blender.armature import bones_of
from mocap_blender.pure.alignment import figure_axes
from mocap_blender.pure.mapping import map_bones
from mocap_blender.pure.take import read_take
from real_takes import TAKES


@pytest.mark.parametrize("foot_lock", [False, True])
@pytest.mark.parametrize("name", RIGIFY)
def test_controls_move_the_limbs(scene, name, foot_lock):
    armature = rigify(name)
    check(armature, read_take(GOLDEN / "walk.json"), foot_lock=foot_lock)
    assert armature.pose.bones["thigh_parent.L"]["IK_FK"] == 1.0


@pytest.mark.real
@pytest.mark.parametrize("name", RIGIFY)
def test_real_takes_keep_limbs_and_feet(scene, real_take, name):
    armature = rigify(name)  # once for all of them, since it takes long
    for take in TAKES:
        for foot_lock in (False, True):
            sys.stderr.write(f"{name}, {take}: {check(armature, real_take(take), foot_lock=foot_lock)}\n")


def test_a_preview_moves_the_controls_and_puts_the_switches_back(scene):
    armature, take = rigify("rigify_basic"), read_take(GOLDEN / "walk.json")
    bone_map = map_bones(bones_of(armature))
    armature.pose.bones["thigh_parent.L"]["IK_FK"] = 0.0
    preview.begin(bpy.context, armature, take, take.people[0], bone_map, retargeting.Options(foot_lock=False))
    places, _ = evaluated(armature, bone_map, range(1, take.frames + 1))
    axes = figure_axes({joint: bones_of(armature)[name].head for joint, name in bone_map.bones.items()})
    assert limb_angles(places, take.people[0], axes).max() <= WORST_DEGREES
    assert armature.pose.bones["thigh_parent.L"]["IK_FK"] == 1.0
    preview.discard(armature)
    assert armature.pose.bones["thigh_parent.L"]["IK_FK"] == 0.0
