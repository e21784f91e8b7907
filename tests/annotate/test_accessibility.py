"""The page for eyes, hands and screen readers of every kind: judged by axe-core, and by its keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from sittings import sitting, write_folder
from test_corrections import take_of, walking_motion

from mocap.io.rounding import rounded
from mocap.io.take_json import write_json
from mocap.solve.reconstruct import reconstruct
from mocap.solve.settings import SolveSettings
from mocap.source import VideoWriter

PAGE = Path(__file__).resolve().parents[2] / "mocap" / "app" / "annotate" / "page"
LONGEST_FILE = 320  # as of Python's modules
DESKTOP, PHONE = (1440, 900), (390, 844)


def complaints_of_axe(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed (group test)").Axe()
    found = axe.run(page, options={"resultTypes": ["violations"]})
    return [(each["id"], each["nodes"][0]["html"][:90]) for each in found.response["violations"]]


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_axe_finds_nothing_on_the_page_of_images(browser, tmp_path, size):
    with sitting(browser, write_folder(tmp_path / "set", 3), size=size) as desk:
        assert complaints_of_axe(desk.page) == []
        desk.click(100, 60)
        desk.page.keyboard.press("?")
        desk.page.wait_for_selector("dialog[open]")
        assert complaints_of_axe(desk.page) == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_axe_finds_nothing_on_the_page_of_a_take(browser, tmp_path, size):
    take = rounded(reconstruct(take_of(walking_motion(20)), SolveSettings(lifter="network")))
    import numpy as np

    with VideoWriter(tmp_path / "clip.mp4", take.camera.size, take.fps) as writer:
        for _ in range(20):
            writer.write(np.full((*take.camera.size[::-1], 3), 90, np.uint8))
    write_json(take, tmp_path / "take.json")
    with sitting(browser, tmp_path / "take.json", size=size) as desk:
        assert desk.page.locator("#worst button").count() > 0
        assert complaints_of_axe(desk.page) == []


def test_every_button_is_reached_and_named_and_the_image_lets_the_keyboard_go(browser, tmp_path):
    with sitting(browser, write_folder(tmp_path / "set", 2)) as desk:
        assert desk.page.evaluate("document.activeElement.id") == "stage"
        desk.page.keyboard.press("Tab")  # the next keypoint
        assert desk.page.evaluate("document.activeElement.id") == "stage"
        assert desk.active() == "neck"
        desk.page.keyboard.press("Escape")
        assert desk.page.evaluate("document.activeElement.tagName") == "BUTTON"
        names = set()
        for _ in range(60):
            desk.page.keyboard.press("Tab")
            names.add(
                desk.page.evaluate(
                    "(e => e.getAttribute('aria-label') || e.innerText || e.id)(document.activeElement).split('\\n')[0]"
                )
            )
        assert {"Undo", "Swap sides", "Done, next", "Next image", "Doubtful", "occluded", "left ankle"} <= names


def test_a_screen_reader_hears_what_was_placed(browser, tmp_path):
    with sitting(browser, write_folder(tmp_path / "set", 2)) as desk:
        x, y = desk.click(100, 60)
        told = desk.page.locator("[role=status]").inner_text()
        assert told == f"head top, visible, at {round(x)}, {round(y)}"
        desk.page.keyboard.press("2")
        assert desk.page.locator("[role=status]").inner_text() == "neck, not placed"
        assert desk.page.locator("#strip").get_attribute("aria-valuetext") == "im1.jpg, to do"


def test_modules_of_the_page_are_short_and_all_fetched_at_once():
    scripts = sorted(PAGE.glob("*.js"))
    assert {path.name: n for path in scripts if (n := len(path.read_text().splitlines())) > LONGEST_FILE} == {}
    html = (PAGE / "index.html").read_text()
    assert [path.name for path in scripts if f'"{path.name}"' not in html] == []


def test_the_page_names_no_other_place():
    for path in PAGE.iterdir():
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text.replace("http-equiv", ""), path.name
