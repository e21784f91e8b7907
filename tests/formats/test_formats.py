"""The suffix of a file picks its reader and its writer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from takes import GOLDEN, swinging_motion

from mocap.io import reader_for, writer_for
from mocap.model import kinematics
from mocap.model.errors import MocapError


@pytest.mark.parametrize("name", ["tiny_take.bvh", "tiny_take.json"])
def test_both_golden_files_give_one_motion_by_person(name: str) -> None:
    motions = reader_for(GOLDEN / name)(GOLDEN / name)
    assert list(motions) == [1]
    assert motions[1].skeleton.names == swinging_motion(1).skeleton.names


def test_a_take_becomes_a_bvh_by_its_suffix(tmp_path: Path) -> None:
    motion = reader_for("tiny_take.json")(GOLDEN / "tiny_take.json")[1]
    writer_for("TAKE.BVH")(motion, tmp_path / "TAKE.BVH")
    back = reader_for("TAKE.BVH")(tmp_path / "TAKE.BVH")[1]
    moved = kinematics.joint_positions(back) - kinematics.joint_positions(motion)
    np.testing.assert_allclose(moved, 0, atol=1e-5)


def test_an_unknown_suffix_lists_the_known_ones() -> None:
    with pytest.raises(MocapError, match=r"cannot write take\.fbx: unknown suffix '\.fbx'; use one of: \.bvh"):
        writer_for("take.fbx")
    with pytest.raises(MocapError, match=r"cannot read take: unknown suffix ''; use one of: \.bvh, \.json"):
        reader_for("take")
