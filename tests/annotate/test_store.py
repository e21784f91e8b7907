"""The table of labels: whole after every change, never overwritten when it is not ours."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from sittings import serving, sitting, write_folder
from typer.testing import CliRunner

from mocap.annotate.session import open_session
from mocap.annotate.store import Conflict, LabelStore
from mocap.cli import app
from mocap.errors import MocapError
from mocap.formats.labels_csv import read_labels, write_labels
from mocap.keypoints import LSP_14
from mocap.labels import OPEN, VISIBLE, Sample, sample_from_points

KEYS = [(f"im{number}.jpg", 0, 1) for number in (1, 2, 10)]


def sample(image="im1.jpg", place=5.0, state="done"):
    return Sample(image, np.full((14, 2), place), np.full(14, VISIBLE, np.int8), state=state)


def test_each_change_is_on_disk_in_the_order_of_the_set(tmp_path):
    store = LabelStore(tmp_path / "l.csv", LSP_14, KEYS)
    store.put(sample("im10.jpg"), 0)
    store.put(sample("im2.jpg"), 0)
    assert [s.image for s in read_labels(tmp_path / "l.csv")] == ["im2.jpg", "im10.jpg"]


def test_pictures_that_are_not_in_the_set_keep_their_labels(tmp_path):
    write_labels([sample("elsewhere.jpg")], tmp_path / "l.csv")
    LabelStore(tmp_path / "l.csv", LSP_14, KEYS).put(sample(), 0)
    assert [s.image for s in read_labels(tmp_path / "l.csv")] == ["im1.jpg", "elsewhere.jpg"]


def test_a_change_from_an_old_revision_is_refused(tmp_path):
    store = LabelStore(tmp_path / "l.csv", LSP_14, KEYS)
    assert store.put(sample(place=1.0), 0) == 1
    with pytest.raises(Conflict):
        store.put(sample(place=2.0), 0)
    with pytest.raises(Conflict):
        store.put_all([(sample("im2.jpg"), 0), (sample(place=2.0), 0)])
    assert [s.xy[0, 0] for s in read_labels(tmp_path / "l.csv")] == [1.0]


def test_a_sample_that_says_nothing_any_more_leaves_the_table(tmp_path):
    store = LabelStore(tmp_path / "l.csv", LSP_14, KEYS)
    store.put(sample(), 0)
    empty = sample_from_points("im1.jpg", np.zeros((14, 2)), np.full(14, OPEN), state="todo")
    assert store.put(empty, 1) == 2
    assert read_labels(tmp_path / "l.csv") == []


def test_a_table_changed_by_another_program_is_not_overwritten(tmp_path):
    store = LabelStore(tmp_path / "l.csv", LSP_14, KEYS)
    store.put(sample(), 0)
    write_labels([sample(place=9.0), sample("im2.jpg")], tmp_path / "l.csv")
    theirs = (tmp_path / "l.csv").read_bytes()
    with pytest.raises(MocapError, match="changed by another program"):
        store.put(sample(place=2.0), 1)
    assert (tmp_path / "l.csv").read_bytes() == theirs


@pytest.mark.parametrize("damage", [lambda b: b[:-30], lambda b: b"\0" * 100, lambda b: b.replace(b",2,", b",9,")])
def test_a_damaged_table_is_reported_and_stays_as_it_is(tmp_path, damage):
    folder = write_folder(tmp_path / "set", 1)
    write_labels([sample()], folder / "labels.csv")
    damaged = damage((folder / "labels.csv").read_bytes())
    (folder / "labels.csv").write_bytes(damaged)
    told = CliRunner().invoke(app, ["annotate", str(folder), "--no-browser"])
    assert isinstance(told.exception, MocapError)
    assert "cannot read" in str(told.exception)
    assert (folder / "labels.csv").read_bytes() == damaged


def test_a_full_disk_is_told_and_loses_nothing(tmp_path, monkeypatch):
    from pathlib import Path

    store = LabelStore(tmp_path / "l.csv", LSP_14, KEYS)
    store.put(sample(place=1.0), 0)
    with monkeypatch.context() as full:

        def fail(*_):
            raise OSError(28, "No space left on device")

        full.setattr(Path, "write_bytes", fail)
        with pytest.raises(MocapError, match="the disk is full"):
            store.put(sample(place=2.0), 1)
    assert store.put(sample(place=3.0), 1) == 2
    assert read_labels(tmp_path / "l.csv")[0].xy[0, 0] == 3.0


def test_killed_in_mid_work_at_most_the_last_drag_is_lost(browser, tmp_path):
    folder = write_folder(tmp_path / "set", 1)
    command = [sys.executable, "-m", "mocap.cli", "annotate", str(folder), "--no-browser"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        address = next(found[0] for line in running.stderr if (found := re.search(r"http://\S+", line)))
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector(".picture", state="attached")
        box = page.locator(".picture").bounding_box()
        places = [(box["x"] + 40 + 30 * i, box["y"] + 50 + 21 * i) for i in range(14)]
        for i, place in enumerate(places):
            page.mouse.click(*place)
            if i == 9:
                os.kill(running.pid, signal.SIGKILL)  # with the tenth click on its way
            while i < 9 and page.locator("#saved").inner_text() != "all saved":
                time.sleep(0.01)
        running.wait()
        deadline = time.monotonic() + 20
        while "the server is gone" not in page.locator("#saved").inner_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        running.kill()
        running.wait()
    (left,) = read_labels(folder / "labels.csv")
    assert left.is_placed.sum() in (9, 10)
    scale = box["width"] / 320
    for name, (x, y) in zip(("head_top", "neck", "right_shoulder"), places):
        expected = ((x - box["x"]) / scale, (y - box["y"]) / scale)
        np.testing.assert_allclose(left.xy[LSP_14.index(name)], expected, atol=1.0)
    with serving(open_session(folder, None)) as (address, _):  # and it goes on from there
        page.goto(address)
        page.wait_for_selector("#joints .set")
        assert page.locator("#joints .set").count() == left.is_placed.sum()
    page.close()


def test_labels_survive_a_restart(browser, tmp_path):
    folder = write_folder(tmp_path / "set", 1)
    with sitting(browser, folder) as desk:
        hit = desk.click(100, 60)
        desk.ready()
    with sitting(browser, folder) as desk:
        assert desk.active() == "neck"
        desk.page.keyboard.press("1")
        desk.page.keyboard.press("ArrowRight")
        (again,) = desk.samples().values()
    np.testing.assert_allclose(again.xy[LSP_14.index("head_top")], (hit[0] + 1, hit[1]), atol=0.05)
