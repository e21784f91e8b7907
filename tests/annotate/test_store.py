"""The table of labels: whole after every change, never overwritten when it is not ours."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sittings import Desk, command_running, sitting, write_folder
from typer.testing import CliRunner

from mocap.app.annotate.store import Conflict, LabelStore
from mocap.cli.main import app
from mocap.io.labels_csv import read_labels, write_labels
from mocap.model.errors import MocapError
from mocap.model.keypoints import LSP_14
from mocap.model.labels import OPEN, VISIBLE, Sample, sample_from_points

QUICK_S = 0.15
KEYS = [(f"im{number}.jpg", 0, 1) for number in (1, 2, 10)]


def sample(image="im1.jpg", place=5.0, state="done"):
    return Sample(image, np.full((14, 2), place), np.full(14, VISIBLE, np.int8), state=state)


def test_each_change_is_on_disk_in_the_order_of_the_set(tmp_path):
    store = LabelStore(tmp_path / "l.csv", LSP_14, KEYS)
    store.put(sample("im10.jpg"), 0)
    store.put(sample("im2.jpg"), 0)
    assert [s.image for s in read_labels(tmp_path / "l.csv")] == ["im2.jpg", "im10.jpg"]


def test_images_that_are_not_in_the_set_keep_their_labels(tmp_path):
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


def test_killed_in_mid_work_at_most_the_last_of_ten_quick_drags_is_lost(browser, tmp_path):
    """Drags begin 150 ms apart, twice as fast as hands are, and wait for nothing; the kill follows the tenth."""
    folder = write_folder(tmp_path / "set", 1)
    begun = np.stack([30 + 60 * (np.arange(14) % 5), 40 + 70 * (np.arange(14) // 5)], axis=1).astype(float)
    ours = sample_from_points("im1.jpg", begun, np.full(14, VISIBLE), size=(320, 240))
    others = [sample(f"elsewhere{number}.jpg") for number in range(1999)]  # each change writes a table of 2,000
    write_labels([ours, *others], folder / "labels.csv")
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    with command_running(folder) as (running, address):
        page.goto(address)
        page.wait_for_selector("#joints .set")
        desk = Desk(page, [], [], address, folder / "labels.csv")
        strokes = [(desk.at(x, y), desk.at(x + 12, y + 9)) for x, y in begun]
        goals = begun + [np.subtract(end, start) / desk.image_box()[2] for start, end in strokes]
        due = time.monotonic()
        for start, end in strokes[:10]:
            time.sleep(max(0.0, due - time.monotonic()))
            due = time.monotonic() + QUICK_S
            drag_at_once(page, start, end)
        running.kill()  # SIGKILL
        running.wait()
        left = {each.image: each for each in read_labels(folder / "labels.csv")}
        drag_at_once(page, *strokes[10])
        desk.until("document.querySelector('#saved').textContent.includes('the server does not answer')")
    assert left.keys() == {"im1.jpg", *(each.image for each in others)}
    is_kept = np.abs(left["im1.jpg"].xy - goals).max(axis=1) < 0.1
    assert is_kept[:9].all(), is_kept
    with command_running(folder) as (_, address):  # and it goes on from there
        page.goto(address)
        page.wait_for_selector("#joints .set")
        points = page.evaluate("fetch('api/samples/0').then(answer => answer.json()).then(({ points }) => points)")
        np.testing.assert_array_equal(np.array(points)[:, :2], left["im1.jpg"].xy)
    page.close()


def drag_at_once(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=2)
    page.mouse.up()


def test_a_change_that_overtook_the_one_it_was_made_from_waits_for_it(tmp_path):
    store = LabelStore(tmp_path / "l.csv", LSP_14, KEYS)
    with ThreadPoolExecutor() as pool:
        second = pool.submit(store.put, sample(place=7.0), 1)
        time.sleep(0.1)
        assert store.put(sample(place=6.0), 0) == 1
        assert second.result() == 2
    assert store.get(KEYS[0])[0].xy[0, 0] == 7.0


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
