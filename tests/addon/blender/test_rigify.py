"""Rigify's generated rigs: their controls are animated, their deforming bones judged.

In a file, and so in CI a process, of its own: what Rigify leaves behind crashes Blender 4.2 later on.
"""

from __future__ import annotations

import sys

import pytest
from characters import RIGIFY, rigify
from figures import GOLDEN
from judged import check
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
@pytest.mark.parametrize("take", TAKES)
def test_real_takes_keep_limbs_and_feet(scene, real_take, name, take):
    armature = rigify(name)  # generating takes most of the time, so both ways go onto one rig
    for foot_lock in (False, True):
        sys.stderr.write(f"{name}, {take}: {check(armature, real_take(take), foot_lock=foot_lock)}\n")
