"""A figure against a reference: time, scale, feet, and what the tables and the JSON say."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bodies import walking_motion
from takes import take_of

from mocap.evaluate import report, tables
from mocap.evaluate.comparison import compare, find_offset
from mocap.evaluate.metrics import EVALUATION_POINTS
from mocap.evaluate.tracks import PointTrack, capture_of
from mocap.io.bvh import write_bvh
from mocap.io.take_json import write_json
from mocap.model.errors import MocapError


def track(frames: int = 90, fps: Fraction = Fraction(30), height_m: float = 1.75) -> PointTrack:
    """A walking body, its contacts those of take_of: the left heel in the first frame."""
    take = take_of(walking_motion(frames, height_m=height_m, fps=fps))
    return capture_of(take, take.people[0])


def with_contacts(figure: PointTrack, spans: dict[str, slice]) -> PointTrack:
    down = {name: np.zeros(len(figure.times_s), bool) for name in figure.soles}
    for name, span in spans.items():
        down[name][span] = True
    return replace(figure, contacts=down)


def evaluate(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mocap", "evaluate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_a_figure_against_itself_has_no_error_anywhere():
    same = compare(track(), track())
    errors = {name: value for name, value in same.figures.items() if "mpjpe" in name or "error" in name}
    assert errors == pytest.approx(dict.fromkeys(errors, 0), abs=1e-6)
    assert same.fits["scaled"].scale == pytest.approx(1)
    assert same.compared == same.frames == 90


def test_a_body_of_another_size_is_off_by_its_size_and_fits_after_scaling():
    smaller = compare(track(height_m=1.4), track(height_m=1.75))
    assert smaller.fits["scaled"].scale == pytest.approx(1.25)
    assert smaller.figures["scaled_mpjpe_mm"] == pytest.approx(0, abs=1e-3)
    assert smaller.figures["mpjpe_mm"] > 50


def test_a_take_of_another_rate_is_resampled_to_the_reference_s_times():
    finer = compare(track(frames=180, fps=Fraction(60)), track())
    assert finer.frames == 90
    assert finer.figures["mpjpe_mm"] == pytest.approx(0, abs=1e-6)
    coarser = compare(track(), track(frames=180, fps=Fraction(60)))
    assert coarser.compared == 179  # the last frame of 60 fps lies after the last of 30
    assert coarser.figures["mpjpe_mm"] < 1


def test_times_with_few_decimals_lose_no_frame():
    rounded = replace(track(), times_s=np.round(track().times_s + 4e-5, 4))
    assert compare(track(), rounded).compared == 90


def test_a_reference_that_starts_later_needs_its_offset():
    later = replace(track(), points=track().points[12:], times_s=track().times_s[12:] - 0.4)
    assert compare(track(), later).figures["mpjpe_mm"] > 5
    assert compare(track(), later, offset_s=0.4).figures["mpjpe_mm"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("offset_s", [-0.3, 0.0, 0.4])
def test_the_offset_is_found_by_search(offset_s):
    shifted = replace(track(), times_s=track().times_s - offset_s)
    assert find_offset(track(), shifted) == pytest.approx(offset_s, abs=1 / 480)


def test_a_reference_outside_of_the_take_is_refused():
    with pytest.raises(MocapError, match="too few frames have all points in both"):
        compare(track(), track(), offset_s=7)


def test_frames_in_which_the_person_was_not_seen_are_left_out():
    take = take_of(walking_motion(90), unseen=range(20, 50))
    compared = compare(capture_of(take, take.people[0]), track())
    assert compared.compared == 60
    assert compared.figures["mpjpe_mm"] == pytest.approx(0, abs=1e-6)


def test_joint_errors_name_the_joint_and_the_axis():
    moved = track().points.copy()
    knee = EVALUATION_POINTS.index("left_knee")
    moved[:, knee, 0] += np.where(np.arange(90) % 2, 0.03, -0.03)  # to and fro, so that no rotation takes it up
    errors = compare(replace(track(), points=moved), track()).joints["own"]
    assert int(np.argmax(errors.distance)) == knee
    assert errors.by_axis[knee] == pytest.approx([30, 0, 0], abs=0.5)
    assert errors.bias[knee] == pytest.approx([0, 0, 0], abs=0.5)


def test_the_bias_has_the_sign_of_captured_less_reference():
    wide = track().points.copy()
    for name, shift in (("left_elbow", 0.02), ("right_elbow", -0.02)):  # evenly, so that no rotation takes it up
        wide[:, EVALUATION_POINTS.index(name), 1] += 0.02
        wide[:, EVALUATION_POINTS.index(name), 0] += shift
    bias = compare(replace(track(), points=wide), track()).joints["own"].bias
    assert bias[EVALUATION_POINTS.index("left_elbow"), 0] > 10
    assert bias[EVALUATION_POINTS.index("right_elbow"), 0] < -10
    assert bias[EVALUATION_POINTS.index("left_elbow"), 1] > 10


def test_a_body_pulled_along_slides_in_the_reference_s_contacts():
    still = replace(track(), soles={name: np.zeros((90, 3)) for name in track().soles})
    pulled = {name: place + track().times_s[:, None] * np.array([0.1, 0, 0]) for name, place in still.soles.items()}
    reference = with_contacts(still, {"LeftHeel": slice(10, 40)})
    feet = compare(with_contacts(replace(still, soles=pulled), {}), reference).feet
    assert feet is not None
    assert feet.slide_mm_per_frame == pytest.approx(100 / 30)
    assert feet.slide_cm_per_contact_s == pytest.approx(10)
    assert np.isnan(feet.own_slide_mm_per_frame)


def test_height_over_the_floor_is_taken_in_the_reference_s_contacts():
    above = replace(track(), soles={name: np.full((90, 3), 0.02) for name in track().soles})
    below = replace(track(), soles={name: np.full((90, 3), -0.01) for name in track().soles})
    reference = with_contacts(track(), {"RightToes": slice(0, 60)})
    high, low = (compare(figure, reference).feet for figure in (above, below))
    assert (high.float_mm, high.penetration_mm) == (pytest.approx(20), 0)
    assert (low.float_mm, low.penetration_mm) == (0, pytest.approx(10))


def test_contacts_are_scored_by_point_and_together():
    found = with_contacts(track(), {"LeftHeel": slice(0, 20), "RightHeel": slice(0, 10)})
    true = with_contacts(track(), {"LeftHeel": slice(10, 50)})
    scores = compare(found, true).feet.scores
    assert scores["LeftHeel"] == pytest.approx((0.5, 0.25))
    assert scores["all"] == pytest.approx((10 / 30, 0.25))


def test_every_figure_stands_beside_its_alignment_and_the_names_of_the_points():
    compared = compare(track(height_m=1.6), track())
    document = json.loads(json.dumps(report.comparison_json(compared), allow_nan=False))
    assert document["points"] == list(EVALUATION_POINTS)
    assert all(figure["alignment"] for figure in document["figures"].values())
    assert set(document["joints"]["scaled"]) == set(EVALUATION_POINTS)
    text = tables.plain(report.comparison_tables(compared))
    for words in ("hips' middle in every frame, one rotation for the whole clip, no scale", "one similarity a frame"):
        assert words in text
    assert all(name.replace("_", " ") in text for name in EVALUATION_POINTS)
    assert f"{compared.figures['pa_mpjpe_mm']:.1f}" in text


def test_a_drawn_table_holds_the_same_numbers_as_the_plain_one():
    every = report.comparison_tables(compare(track(height_m=1.6), track()))
    numbers = [cell for table in every for row in table.rows for cell in row[1:]]
    drawn = tables.drawn(every)
    assert numbers
    assert all(number in drawn for number in numbers)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """take.json and take.bvh of a walking body, and a BVH of a smaller one."""
    folder = tmp_path_factory.mktemp("evaluate")
    write_json(take_of(walking_motion(60)), folder / "take.json")
    write_bvh(walking_motion(60), folder / "take.bvh")
    write_bvh(walking_motion(60, height_m=1.4), folder / "small.bvh")
    return folder


def test_the_command_prints_tables_and_writes_json(files, tmp_path):
    run = evaluate(files / "take.json", "--reference", files / "small.bvh", "--json", tmp_path / "figures.json")
    assert run.returncode == 0, run.stderr
    assert "one scale a clip (× 0.800)" in run.stdout
    assert "\x1b" not in run.stdout
    document: dict[str, Any] = json.loads((tmp_path / "figures.json").read_text())
    assert document["scale"] == pytest.approx(0.8, abs=1e-4)
    assert f"{document['figures']['mpjpe_mm']['value']:.1f}" in run.stdout


def test_a_bvh_is_measured_against_a_take(files):
    run = evaluate(files / "take.bvh", "--reference", files / "take.json", "--offset", "auto")
    assert run.returncode == 0, run.stderr
    assert "its time 0 is at +0.0000 s of the clip" in run.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["take.json"], 2, "give a take and its --reference"),
        (["take.json", "--lsp", "lsp.zip"], 2, "give a take and its --reference"),
        (["take.json", "--reference", "take.bvh", "--offset", "soon"], 2, "expected seconds or auto"),
        (["take.json", "--reference", "take.bvh", "--person", "9"], 1, "has no person 9; it has: 1"),
        (["take.json", "--reference", "take.bvh", "--offset", "90"], 1, "try another --offset"),
        (["take.json", "--reference", "take.txt"], 1, "use one of: .trc, .bvh, .json"),
        (["take.json", "--reference", "none.trc"], 1, "No such file"),
        (["take.mp4", "--reference", "take.bvh"], 1, "use take.json or a .bvh"),
        (["take.bvh", "--keypoints", "--reference", "take.bvh"], 1, "take.json alone has keypoints"),
        (["take.bvh", "--reference", "take.bvh", "--reference-unit", "100"], 1, "say with --reference-unit"),
        (["take.bvh", "--reference", "take.bvh", "--json", "none/figures.json"], 1, "does not exist"),
        (["--lsp", "take.bvh"], 1, "it is not a zip"),
        (["--lsp", "take.bvh", "--split", "half"], 1, "choose one of: train, test, all"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(files, arguments, status, complaint):
    run = subprocess.run(
        [sys.executable, "-m", "mocap", "evaluate", *arguments],
        **{"capture_output": True, "text": True, "cwd": files, "check": False, "timeout": 120},
    )
    assert run.returncode == status, run.stderr
    assert complaint in " ".join(run.stderr.split())
    assert status == 2 or len(run.stderr.strip().splitlines()) == 1
