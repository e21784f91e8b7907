"""The reports' pages, opened in a browser."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from browser import chromium
from takes import golden_take, swinging_motion, take_of
from typer.testing import CliRunner

from mocap.cli.main import app
from mocap.model.errors import MocapError
from mocap.report import page as pages
from mocap.report.index import write_index

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "walk.mp4"
HIP_TO_HAND = "Plotly && document.getElementById('space').data[1].x.slice(0, 12).join()"


def ours(requests: list[str]) -> list[str]:
    return [url for url in requests if not url.startswith(("file:", "data:", "blob:"))]


def test_scrubbing_moves_the_skeleton_without_errors_and_without_the_network(tmp_path):
    report = pages.write_report(take_of(swinging_motion(60), unseen=range(20, 24)), tmp_path / "report.html")
    with chromium() as watched:
        page = watched.page
        page.goto(report.as_uri())
        page.wait_for_function(
            "document.querySelector('#space canvas') && document.querySelector('#curves .scatterlayer')"
        )
        before = page.evaluate(HIP_TO_HAND)
        page.locator("#frame").fill("40")
        page.wait_for_function("document.getElementById('time').textContent.startsWith('frame 40')")
        assert page.evaluate(HIP_TO_HAND) != before
        cursor = page.evaluate("document.getElementById('curves').layout.shapes.at(-1).x0")
        assert cursor == pytest.approx(40 * 1001 / 30000)
        page.locator("#images button").first.click()
        page.wait_for_function("!document.getElementById('time').textContent.startsWith('frame 40')")
    assert watched.complaints == []
    assert ours(watched.requests) == []


@pytest.mark.slow
def test_the_preview_follows_the_scrubber(tmp_path):
    take = tmp_path / "walk.json"
    assert CliRunner().invoke(app, ["process", str(EXAMPLE), "-o", str(take), "--end", "1"]).exit_code == 0
    html = tmp_path / "walk.html"
    told = CliRunner().invoke(app, ["report", str(take), "-o", str(html), "--video", str(EXAMPLE)])
    assert told.exit_code == 0, told.output
    with chromium() as watched:
        page = watched.page
        page.goto(html.as_uri())
        page.wait_for_function("document.querySelector('video').readyState >= 2")
        page.locator("#frame").fill("20")
        page.wait_for_function("!document.querySelector('video').seeking")
        assert page.evaluate("document.querySelector('video').currentTime") == pytest.approx(20.5 / 30, abs=0.02)
        page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert ours(watched.requests) == []


def test_a_hostile_name_stays_text(tmp_path):
    take = golden_take()
    name = "</script><img src=x onerror=alert(1)>.mp4"
    with pytest.raises(ValueError, match="without its folder"):
        replace(take.source, name=name)
    report = pages.write_report(
        replace(take, source=replace(take.source, name="<img src=x onerror=alert(1)>.mp4")), tmp_path / "r.html"
    )
    with chromium() as watched:
        watched.page.goto(report.as_uri())
        assert "<img src=x" in watched.page.locator("h1").inner_text()
        assert watched.page.locator("h1 img").count() == 0


def test_the_same_take_gives_the_same_bytes(tmp_path):
    first, second = (pages.write_report(golden_take(), tmp_path / name) for name in ("a.html", "b.html"))
    assert first.read_bytes() == second.read_bytes()


def test_a_report_of_another_kind_is_refused(tmp_path):
    with pytest.raises(MocapError, match="unknown suffix"):
        pages.write_report(golden_take(), tmp_path / "report.pdf")


@dataclass(frozen=True)
class Clip:
    clip: str
    state: str = "done"
    error: str = ""
    files: dict = field(default_factory=dict)


def test_the_index_lists_the_worst_first_and_sorts_by_a_click(tmp_path):
    entries = [Clip("missing & lost.mp4", "failed", "nobody was found")]
    for name, unseen in (("good", range(0)), ("bad", range(5, 55))):
        take = take_of(swinging_motion(60), unseen=unseen)
        paths = [f"{name}_report.{kind}" for kind in ("html", "json", "jpg")]
        pages.write_report(take, tmp_path / paths[0])
        pages.write_report(take, tmp_path / paths[1])
        pages.write_worst_image(take, None, tmp_path / paths[2])
        entries.append(Clip(f"{name}.mp4", files=dict.fromkeys(paths, ("", 0, 0))))
    assert json.loads((tmp_path / "bad_report.json").read_text())["verdict"] == "fail"
    with chromium() as watched:
        page = watched.page
        page.goto(write_index(tmp_path, entries).as_uri())

        def clips() -> list[str]:
            return [text.split()[0] for text in page.locator("tbody td:nth-child(2)").all_inner_texts()]

        assert clips() == ["missing", "bad.mp4", "good.mp4"]
        page.get_by_role("button", name="unseen").click()
        assert clips() == ["good.mp4", "bad.mp4", "missing"]
        assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        page.locator("a", has_text="good.mp4").click()
        page.wait_for_selector("#space canvas")
    assert watched.complaints == []
    assert ours(watched.requests) == []
