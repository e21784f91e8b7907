"""Takes of networks that see LSP's 14 joints only: they are solved to the end, and say what nobody saw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mocap import pipeline
from mocap.estimators.lifter import ADULT_M
from mocap.evaluate.lsp import to_lsp
from mocap.formats.take_json import read_json
from mocap.keypoints import LSP_14, Keypoints2D
from mocap.pipeline import unobserved
from mocap.reconstruct import SolveSettings
from mocap.take import Person, Take

GOLDEN = Path(__file__).parent / "addon" / "golden" / "walk.json"


def with_lsp_joints(person: Person) -> Person:
    """The person as a network of LSP's joints would have seen it."""
    seen = person.keypoints_2d
    xy = to_lsp(seen.xy, seen.layout)
    confidence = np.where(np.isfinite(xy).all(axis=-1), 0.9, 0.0)
    return replace(person, keypoints_2d=Keypoints2D(LSP_14, xy, confidence, seen.fps), keypoints_3d=None)


@pytest.fixture(scope="module")
def take() -> Take:
    known = read_json(GOLDEN)
    return replace(known, people=tuple(with_lsp_joints(person) for person in known.people))


def test_fourteen_joints_make_a_motion_whose_toes_nobody_saw(take):
    solved = pipeline.solve(take, SolveSettings())
    motion = solved.people[0].motion
    assert motion is not None
    assert len(motion) == take.frames
    names = motion.skeleton.names
    for side in ("Left", "Right"):
        assert motion.confidence[:, names.index(f"{side}Toes")].max() == 0
        assert motion.confidence[:, names.index(f"{side}LowerLeg")].mean() > 0.5
        shin = np.linalg.norm(motion.skeleton.offsets[names.index(f"{side}Foot")])
        assert 0.15 * ADULT_M < shin < 0.35 * ADULT_M


def test_what_a_layout_does_not_show_is_told():
    assert any("feet" in line for line in unobserved(LSP_14))
    assert not unobserved(read_json(GOLDEN).people[0].keypoints_2d.layout)
