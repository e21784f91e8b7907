"""The course of a batch, with an engine that works without networks: retries, collisions, stops, what is on record."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest

from mocap.app.batch.board import Quiet
from mocap.app.batch.clips import find_clips
from mocap.app.batch.job import Job, Outcome, as_json
from mocap.app.batch.manifest import read_entries
from mocap.app.batch.plan import Folders, plan
from mocap.app.batch.run import Summary, run
from mocap.app.settings import TakeSettings
from mocap.model.errors import MocapError

DONE = Outcome("done")
CRASHED = Outcome("crashed", "out of memory")
FAILED = Outcome("failed", "damaged")
BLOCKED = Outcome("blocked", "the disk is full")


class Scripted:
    """An engine: each clip has a list of outcomes, the last of which holds on; ``files`` are staged for it."""

    def __init__(self, outcomes: dict[str, list[Outcome]], files: dict[str, list[str]]) -> None:
        self.outcomes, self.files = outcomes, files
        self.jobs: list[Job] = []
        self._waiting: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        self.jobs.append(job)
        self._waiting.append(job)

    def next_event(self, timeout_s):
        job = self._waiting.popleft()
        times = sum(earlier.clip == job.clip for earlier in self.jobs) - 1
        script = self.outcomes.get(job.clip, [DONE])
        outcome = script[min(times, len(script) - 1)]
        if outcome.state == "done":
            outcome = replace(outcome, staged=job.take, files=self._stage(job))
        return job.clip, {"event": "outcome", **as_json(outcome)}

    def _stage(self, job: Job) -> dict[str, str]:
        folder = Path(job.staging) / job.take
        folder.mkdir(parents=True)
        names = self.files.get(job.clip, [f"{job.take}.json", f"{job.take}.bvh"])
        for name in names:
            (folder / name).write_text(f"{job.clip} {name}")
        return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}

    def close(self) -> None: ...


@pytest.fixture
def places(tmp_path) -> Folders:
    """Three clips, and a folder for their takes that is not there yet."""
    (tmp_path / "clips").mkdir()
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        (tmp_path / "clips" / name).write_text(name)
    return Folders(tmp_path / "clips", tmp_path / "takes")


def batch(places: Folders, outcomes=None, files=None, *, settings=None, retry_failed=False) -> tuple[Summary, Scripted]:
    engine = Scripted(outcomes or {}, files or {})

    def tasks(entries):
        found = find_clips(places.clips, places.takes)
        return plan(found, places, entries, settings or TakeSettings(), retry_failed=retry_failed)

    return run(places.takes, places.clips, tasks, lambda *_: engine, Quiet(), retries=2), engine


def visible(places: Folders) -> set[str]:
    return {path.name for path in places.takes.iterdir() if path.name != ".mocap"}


def states(places: Folders) -> dict[str, str]:
    return {clip: entry.state for clip, entry in read_entries(places.takes).items()}


def test_every_clip_is_done_once_and_a_second_run_does_nothing(places):
    first, _ = batch(places)
    assert first.count("done") == 3
    assert visible(places) == {f"{clip}.{kind}" for clip in "abc" for kind in ("bvh", "json")}
    second, engine = batch(places)
    assert (len(second.finished), second.count("done"), engine.jobs) == (0, 3, [])


def test_a_clip_that_fails_keeps_its_line_and_stops_nobody(places):
    summary, _ = batch(places, {"b.mp4": [FAILED]})
    assert states(places) == {"a.mp4": "done", "b.mp4": "failed", "c.mp4": "done"}
    assert [entry.error for entry in summary.finished if entry.error] == ["damaged"]
    _, engine = batch(places, retry_failed=True)
    assert [job.clip for job in engine.jobs] == ["b.mp4"]


def test_a_crash_is_tried_again_twice_and_an_error_of_the_clip_is_not(places):
    outcomes = {"a.mp4": [CRASHED, CRASHED, DONE], "b.mp4": [CRASHED], "c.mp4": [FAILED]}
    summary, engine = batch(places, outcomes)
    assert {entry.clip: (entry.state, entry.attempts) for entry in summary.finished} == {
        "a.mp4": ("done", 3),
        "b.mp4": ("failed", 3),
        "c.mp4": ("failed", 1),
    }
    assert len(engine.jobs) == 7


def test_where_nothing_can_be_written_the_batch_stops_and_goes_on_later(places):
    with pytest.raises(MocapError, match="the disk is full; then start the batch again"):
        batch(places, {"b.mp4": [BLOCKED]})
    assert states(places) == {"a.mp4": "done", "b.mp4": "pending", "c.mp4": "pending"}
    _, engine = batch(places)
    assert [job.clip for job in engine.jobs] == ["b.mp4", "c.mp4"]


def test_a_take_does_not_replace_a_file_of_another_clips_take(places):
    summary, _ = batch(places, files={"b.mp4": ["b.json", "a.bvh"]})
    (failed,) = [entry for entry in summary.finished if entry.state == "failed"]
    assert "a.bvh would replace a file of the take of a.mp4" in failed.error
    assert (places.takes / "a.bvh").read_text() == "a.mp4 a.bvh"


def test_files_of_an_older_take_that_the_new_one_lacks_are_removed(places):
    batch(places, files={"a.mp4": ["a.json", "a_1.bvh", "a_2.bvh"]})
    batch(places, settings=TakeSettings().changed({"people": "1"}))
    assert not {"a_1.bvh", "a_2.bvh"} & visible(places)


def test_a_clip_that_fails_after_a_change_keeps_its_older_take(places):
    batch(places)
    (places.clips / "a.mp4").write_text("damaged")
    batch(places, {"a.mp4": [FAILED]})
    assert {"a.bvh", "a.json"} <= visible(places)
    assert states(places)["a.mp4"] == "failed"


def test_an_unknown_network_is_refused_before_any_job(places):
    with pytest.raises(MocapError, match=r"--estimator must be .*blazepose-heavy.*, not 'openpose'"):
        batch(places, settings=TakeSettings().changed({"estimator": "openpose"}))
