"""How far takes are from the truth: the real calibrated clip and the example.

The figures are shown with ``pytest --log-cli-level=INFO tests/test_accuracy.py``.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from mocap.app import process
from mocap.evaluate.comparison import Comparison, compare
from mocap.evaluate.tracks import PointTrack, capture_of, read_reference
from mocap.io.truth_json import read_truth
from mocap.model.take import Take
from mocap.solve.settings import SolveSettings

REPOSITORY = Path(__file__).resolve().parents[1]

EXAMPLES = REPOSITORY / "examples"
log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def example() -> Take:
    """The take of the example clip, no height given."""
    return process.process(EXAMPLES / "walk.mp4", process.CaptureSettings())


@pytest.fixture(scope="module")
def truth() -> PointTrack:
    return read_reference(EXAMPLES / "walk.truth.json")


def measured(take: Take, reference: PointTrack) -> Comparison:
    compared = compare(capture_of(take, take.people[0]), reference)
    figures = {name: round(value, 1) for name, value in compared.figures.items()}
    log.info("%s: %s, scale %.3f, %s", take.source.name, figures, compared.fits["scaled"].scale, compared.feet)
    return compared


def test_the_example_comes_out_near_its_truth_without_a_height(example, truth):
    """Measured: MPJPE 59 mm, 45 with one scale a clip, PA 29, path 1.7 %; the bounds are up to a tenth wider."""
    compared = measured(example, truth)
    assert compared.compared == compared.frames == 294
    assert compared.figures["mpjpe_mm"] <= 64
    assert compared.figures["scaled_mpjpe_mm"] <= 48
    assert compared.figures["pa_mpjpe_mm"] <= 32
    assert compared.figures["root_path_error_percent"] <= 1.9


def test_the_example_comes_out_nearer_with_its_height(example, truth):
    """Measured: MPJPE 45 mm, PA 29, world 40; the bounds are a tenth wider."""
    height_m = read_truth(EXAMPLES / "walk.truth.json").height_m
    compared = measured(process.solve(example, SolveSettings(height_m=height_m)), truth)
    assert compared.figures["mpjpe_mm"] <= 49
    assert compared.figures["pa_mpjpe_mm"] <= 32
    assert compared.figures["world_mpjpe_mm"] <= 43
    assert compared.fits["scaled"].scale == pytest.approx(1, abs=0.04)


def test_the_example_s_contacts_are_found_and_its_feet_stay_near_the_floor(example, truth):
    """Measured: precision 88 %, recall 99 %, slide 0.2 mm a frame, float and penetration under 0.3 mm."""
    feet = measured(example, truth).feet
    assert feet is not None
    assert feet.scores["all"].precision >= 0.85
    assert feet.scores["all"].recall >= 0.93
    assert feet.slide_mm_per_frame <= 0.5
    assert feet.float_mm <= 1
    assert feet.penetration_mm <= 1


@pytest.mark.real
@pytest.mark.slow
def test_a_real_man_on_a_beam_is_measured_nearer_than_by_the_network_s_own_depth(real_data, real_takes):
    """Two cameras that look down and roll, nothing said about them.

    Measured: MPJPE 72.0 mm, PA 52.7, world 70; the bounds are 5 % wider.
    """
    reference = read_reference(real_data / "pose2sim_s00" / "reference.trc")
    views = [measured(real_takes(f"pose2sim_s00/{view}.mp4"), reference) for view in ("cam01", "cam03")]
    means = {
        name: np.mean([view.figures[name] for view in views]) for name in ("mpjpe_mm", "pa_mpjpe_mm", "world_mpjpe_mm")
    }
    log.info("means of both views: %s", means)
    assert all(view.compared >= 99 for view in views)
    assert means["mpjpe_mm"] <= 75.6
    assert means["pa_mpjpe_mm"] <= 55.4
    assert means["world_mpjpe_mm"] <= 73.7
