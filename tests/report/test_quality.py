"""Measures of a take by itself, and the verdicts from them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from takes import golden_take, swinging_motion, take_of
from typer.testing import CliRunner

from mocap.cli.main import app
from mocap.io.take_json import read_json, write_json
from mocap.model.errors import MocapError
from mocap.report import quality, thresholds
from mocap.solve.contact.points import contact_points


def moved(metres_a_frame: float, *, frames: int = 60, down_m: float = 0.0):
    """A take of a stiff body that glides, both feet said to be in contact all the while."""
    motion = swinging_motion(frames)
    rest = motion.local_wxyz * 0 + np.array([1.0, 0, 0, 0])
    path = np.arange(frames)[:, None] * [metres_a_frame, 0, 0] + motion.root_world[:1]
    motion = replace(motion, local_wxyz=rest, root_world=path)
    lowest = min(point[0, 1] for point in contact_points(motion).values())
    motion = replace(motion, root_world=path - [0, lowest + down_m, 0])
    take = take_of(motion)
    return replace(take, people=(replace(take.people[0], contacts={"LeftToes": [(0, frames)]}, swaps=[]),))


@pytest.mark.parametrize("slide", [0.0, 0.004])
def test_slide_is_what_the_feet_in_contact_glide(slide):
    measured = quality.measure(moved(slide))[0].measures["slide"]
    assert measured == pytest.approx(1000 * slide * (30000 / 1001) / 30, abs=1e-3)


def test_penetration_is_how_deep_a_foot_in_contact_goes():
    assert quality.measure(moved(0, down_m=0.03))[0].measures["penetration"] == pytest.approx(30, abs=0.01)


def test_a_lawn_below_a_roof_is_ground_and_a_foot_may_be_under_it():
    take = moved(0)
    motion = take.people[0].motion
    drop = np.where(np.arange(60) < 30, 0.0, -1.9) - 0.03 * (np.arange(60) == 50)
    below = replace(motion, root_world=motion.root_world + drop[:, None] * [0, 1, 0])
    take = replace(take, people=(replace(take.people[0], motion=below),))
    assert quality.measure(take)[0].measures["penetration"] == pytest.approx(30, abs=0.1)


def test_a_stiff_body_does_not_tremble_and_a_shaken_one_does():
    still = moved(0.01)
    shaken = replace(still.people[0].motion, root_world=still.people[0].motion.root_world.copy())
    shaken.root_world[::2, 1] += 0.01
    trembling = replace(still, people=(replace(still.people[0], motion=shaken),))
    assert quality.measure(still)[0].measures["jitter"] == pytest.approx(0, abs=1e-6)
    assert quality.measure(trembling)[0].measures["jitter"] > 100


def test_gaps_are_the_share_and_the_longest_time_unseen():
    measures = quality.measure(take_of(swinging_motion(40), unseen=range(10, 20)))[0].measures
    assert measures["unseen"] == 0.25
    assert measures["gap"] == pytest.approx(10 * 1001 / 30000, abs=1e-4)


def test_the_worst_frame_is_one_unseen():
    take = take_of(swinging_motion(40), unseen=range(10, 20))
    blind = replace(take.people[0].keypoints_2d, xy=np.full((40, 33, 2), np.nan), confidence=np.zeros((40, 33)))
    worst = quality.measure(replace(take, people=(replace(take.people[0], keypoints_2d=blind),)))[0].worst
    assert worst[0] in range(10, 20)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [("slide=3", "fail"), ("slide=5", "pass"), ("unseen=0.1, slide=3.9", "fail"), ("gap=1", "pass")],
)
def test_what_is_named_fails_beyond_its_number_and_nothing_else_does(text, verdict):
    graded = thresholds.grade(quality.measure(moved(0.004)), thresholds.parse(text))
    assert (graded.verdict == "fail") == (verdict == "fail"), graded
    assert bool(graded.reasons) == (verdict == "fail")


def test_confidence_fails_below_its_number():
    people = quality.measure(moved(0))
    assert people[0].measures["confidence"] == 0.75
    assert thresholds.grade(people, thresholds.parse("confidence=0.8")).verdict == "fail"
    assert thresholds.grade(people, thresholds.parse("confidence=0.7")).verdict != "fail"


@pytest.mark.parametrize("text", ["slip=3", "slide", "slide=x", "slide=-1", "slide=nan", "slide=inf", ","])
def test_a_threshold_that_means_nothing_is_an_error_with_the_choices(text):
    with pytest.raises(MocapError, match=r"--fail-on: (unknown measure .*known are: unseen|slide needs a number)"):
        thresholds.parse(text)


def test_a_take_below_is_marked_and_a_new_solve_takes_the_mark_away(tmp_path):
    marked, reasons = quality.marked(moved(0.004), "slide=3")
    assert reasons
    write_json(marked, tmp_path / "take.json")
    read = read_json(tmp_path / "take.json")
    assert read.quality["verdict"] == "fail"
    assert read.quality == json.loads(json.dumps(marked.quality))


def test_the_report_command_gives_figures_json_and_exit_code_3(tmp_path):
    write_json(golden_take(), tmp_path / "take.json")
    ran = CliRunner().invoke(app, ["report", str(tmp_path / "take.json"), "-o", str(tmp_path / "report.json")])
    assert ran.exit_code == 0, ran.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["people"][0]["measures"]["unseen"] == pytest.approx(2 / 6, abs=1e-4)
    assert report["measures"]["unseen"] == "warn"
    assert report["verdict"] == "fail"  # its keypoints are far from its skeleton
    ran = CliRunner().invoke(app, ["report", str(tmp_path / "take.json"), "--fail-on", "unseen=0.2"])
    assert type(ran.exception).__name__ == "QualityError"
