"""What makes a clip be done again, and what does not."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from mocap.app.batch.clips import Clip
from mocap.app.batch.manifest import Entry
from mocap.app.batch.plan import Folders, content_digest, plan
from mocap.app.batch.program import program_digest
from mocap.app.settings import TakeSettings

CLIP = Clip(Path("walk.mp4"), Path("walk"))


@pytest.fixture
def places(tmp_path) -> Folders:
    """A folder with a clip, and one with its take."""
    for folder, name in (("clips", "walk.mp4"), ("takes", "walk.bvh")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(name)
    return Folders(tmp_path / "clips", tmp_path / "takes")


@pytest.fixture
def entry(places) -> Entry:
    """The account of a clip that was done."""
    clip, take = (places.clips / "walk.mp4").stat(), places.takes / "walk.bvh"
    return Entry(
        "walk.mp4",
        clip.st_size,
        clip.st_mtime_ns,
        content_digest(places.clips / "walk.mp4"),
        TakeSettings().digest(),
        program_digest(),
        "done",
        files={"walk.bvh": (content_digest(take), take.stat().st_size, take.stat().st_mtime_ns)},
    )


def reason(places, entry, *, settings=None, retry_failed=False) -> str:
    entries = {} if entry is None else {entry.clip: entry}
    return plan([CLIP], places, entries, settings or TakeSettings(), retry_failed=retry_failed)[0].reason


def test_a_clip_that_was_done_and_did_not_change_needs_nothing(places, entry):
    assert reason(places, entry) == ""


def test_a_clip_nobody_knows_is_new(places):
    assert reason(places, None) == "new"


def test_a_clip_that_was_begun_only_is_done(places, entry):
    assert reason(places, replace(entry, state="pending")) == "was interrupted"


def test_other_settings_make_a_clip_be_done_again(places, entry):
    assert reason(places, entry, settings=TakeSettings().changed({"height": 1.8})) == "other settings"


def test_another_program_makes_a_clip_be_done_again(places, entry):
    assert reason(places, replace(entry, program="older")) == "another program"


@pytest.mark.parametrize("text", ["walk.mp3", "walk.mp4 and more"])
def test_other_content_makes_a_clip_be_done_again(places, entry, text):
    (places.clips / "walk.mp4").write_text(text)
    os.utime(places.clips / "walk.mp4", ns=(0, entry.mtime_ns + 1))
    assert reason(places, entry) == "other content"


def test_a_clip_with_another_time_and_the_same_content_needs_nothing_and_the_time_is_noted(places, entry):
    os.utime(places.clips / "walk.mp4", ns=(0, 12345))
    (task,) = plan([CLIP], places, {entry.clip: entry}, TakeSettings(), retry_failed=False)
    assert task.reason == ""
    assert task.entry == replace(entry, mtime_ns=12345)


def test_a_take_that_was_removed_or_altered_is_made_again(places, entry):
    (places.takes / "walk.bvh").write_text("altered!")
    os.utime(places.takes / "walk.bvh", ns=(0, 1))
    assert reason(places, entry) == "walk.bvh is gone or changed"
    (places.takes / "walk.bvh").unlink()
    assert reason(places, entry) == "walk.bvh is gone or changed"


def test_a_clip_that_failed_is_tried_again_only_when_asked_or_changed(places, entry):
    failed = replace(entry, state="failed", files={})
    assert reason(places, failed) == ""
    assert reason(places, failed, retry_failed=True) == "failed before"
    assert reason(places, entry, retry_failed=True) == ""
    assert reason(places, replace(failed, program="older")) == "another program"
