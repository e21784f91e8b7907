"""The invariants of a motion: nothing missing, unit rotations, no jumps of sign."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from strategies import motions

from mocap.model.motion import Motion
from mocap.model.rotation import IDENTITY_WXYZ, Array
from mocap.model.skeleton import humanoid

FRAMES, JOINTS = 4, len(humanoid())


def resting() -> Motion:
    return Motion(
        humanoid(1.75),
        np.zeros((FRAMES, 3)),
        np.tile(IDENTITY_WXYZ, (FRAMES, JOINTS, 1)),
        Fraction(30),
        np.ones((FRAMES, JOINTS)),
    )


def changed(values: Array, index: object, value: object) -> Array:
    copy = values.copy()
    copy[index] = value
    return copy


REST = resting()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"root_world": np.zeros((FRAMES, 2))}, "expected root"),
        ({"root_world": np.zeros((FRAMES + 1, 3))}, "expected root"),
        ({"local_wxyz": REST.local_wxyz[:, 1:]}, "expected root"),
        ({"confidence": np.ones((FRAMES, JOINTS - 1))}, "expected confidence"),
        ({"confidence": np.full((FRAMES, JOINTS), np.nan)}, "0..1"),
        ({"confidence": np.full((FRAMES, JOINTS), 1.1)}, "0..1"),
        ({"root_world": changed(REST.root_world, (1, 1), np.nan)}, "no missing values"),
        ({"local_wxyz": changed(REST.local_wxyz, (1, 1), np.inf)}, "no missing values"),
        ({"local_wxyz": 1.001 * REST.local_wxyz}, "unit quaternions"),
        ({"local_wxyz": changed(REST.local_wxyz, 2, -IDENTITY_WXYZ)}, "make_continuous"),
        ({"fps": Fraction(0)}, "fps"),
        ({"fps": Fraction(-30)}, "fps"),
    ],
)
def test_a_broken_motion_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(REST, **change)


def test_a_motion_knows_its_frames() -> None:
    assert len(REST) == FRAMES


def test_a_motion_cannot_be_changed_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        REST.fps = Fraction(25)  # type: ignore[misc]


@given(motions())
def test_a_motion_of_whole_turns_of_sign_is_still_a_motion(motion: Motion) -> None:
    assert len(replace(motion, local_wxyz=-motion.local_wxyz)) == len(motion)
