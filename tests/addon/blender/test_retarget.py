"""The golden take on figures of every kind, judged by what Blender evaluates."""

from __future__ import annotations

import sys
import time

import bpy
import numpy as np
import pytest
from figures import GOLDEN, figure
from judged import check
from mathutils import Matrix
from mocap_blender import retargeting
from mocap_blender.pure.mapping import BoneMap
from mocap_blender.pure.take import SourceMotion, TakeFile, read_take


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
