"""A smoothed range joins what stays as it was; a mirrored take is the same movement on the other side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mocap_blender.pure import quaternions, smoothing
from mocap_blender.pure.take import mirrored, read_take

GOLDEN = Path(__file__).parent / "golden"


def turning(frames: int, noise: float, seed: int = 0) -> np.ndarray:
    """Quaternions (T, 2, 4) that turn steadily about two axes, with noise in radians."""
    random = np.random.default_rng(seed)
    angles = np.linspace(0, 7, frames)[:, None] + random.normal(0, noise, (frames, 2))
    return quaternions.about(np.array([[0.0, 0.6, 0.8], [1.0, 0, 0]]), angles)


def degrees_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(2 * np.arccos(np.clip(np.abs(np.sum(a * b, axis=-1)), 0, 1)))


def test_noise_goes_and_the_steady_turn_stays():
    smoothed = smoothing.smooth_turns(turning(200, 0.05), 0, 200, 4)
    truth = turning(200, 0)
    assert degrees_between(smoothed, truth).mean() < 0.4 * degrees_between(turning(200, 0.05), truth).mean()
    assert degrees_between(smoothing.smooth_turns(truth, 0, 200, 4), truth).max() < 0.05


@pytest.mark.parametrize(("start", "end"), [(50, 120), (0, 60), (150, 200)])
def test_frames_outside_keep_every_digit_and_the_range_joins_without_a_step(start, end):
    turns = turning(200, 0.03)
    smoothed = smoothing.smooth_turns(turns, start, end, 3)
    outside = np.r_[0:start, end:200]
    assert np.array_equal(smoothed[outside], turns[outside])
    steps = degrees_between(smoothed[1:], smoothed[:-1])
    assert steps.max() <= degrees_between(turns[1:], turns[:-1]).max() + 1e-9


def test_signs_of_quaternions_do_not_matter():
    turns = turning(100, 0.03)
    flipped = turns * np.where(np.random.default_rng(1).random((100, 2, 1)) < 0.5, -1, 1)
    both = [smoothing.smooth_turns(q, 20, 80, 3) for q in (turns, flipped)]
    assert degrees_between(*both).max() < 1e-4
    assert np.allclose(np.linalg.norm(both[1], axis=-1), 1)
    assert (np.sum(both[1] * flipped, axis=-1) > 0).all()


def test_a_pose_held_and_a_straight_way_stay():
    still = np.tile(turning(1, 0), (50, 1, 1))
    assert degrees_between(smoothing.smooth_turns(still, 10, 40, 5), still).max() < 1e-5
    way = np.linspace([0, 0, 0], [1, 2, 3], 50)
    assert np.allclose(smoothing.smooth_places(way, 0, 50, 4), way)
    assert np.allclose(smoothing.smooth_places(way[:1], 0, 1, 4), way[:1])


def test_a_mirrored_take_has_its_joints_where_a_mirror_shows_them():
    person = read_take(GOLDEN / "walk.json").people[0]
    mirror = mirrored(person)
    places, seen = person.world_positions(), mirror.world_positions()
    for name in ("Hips", "Head", "LeftHand", "RightFoot", "RightToes"):
        other = name.replace("Left", "?").replace("Right", "Left").replace("?", "Right")
        shown = places[:, person.names.index(other)] * [-1, 1, 1]
        assert np.allclose(seen[:, mirror.names.index(name)], shown, atol=1e-9), name
    assert mirror.contacts["LeftHeel"] == person.contacts["RightHeel"]


def test_a_mirrored_mirror_is_the_take():
    person = read_take(GOLDEN / "walk.json").people[0]
    twice = mirrored(mirrored(person))
    assert np.array_equal(twice.local, person.local)
    assert np.array_equal(twice.offsets, person.offsets)
    assert twice.contacts == person.contacts
