"""A server in a thread with images that a test made, and the hands on its page."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import cv2
import numpy as np
from browser import watch

from mocap.app.annotate import server
from mocap.app.annotate.session import Session, open_session
from mocap.io.labels_csv import read_labels
from mocap.model.keypoints import LSP_14
from mocap.model.labels import Sample

FIRST = LSP_14.index("head_top")  # what is labelled first


def write_image(path: Path, size: tuple[int, int] = (320, 240), seed: int = 0) -> Path:
    """An image of soft noise, whose every place looks different."""
    width, height = size
    coarse = np.random.default_rng(seed).integers(40, 220, (8, 8, 3), np.uint8)
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
    return path


def write_folder(folder: Path, count: int, size: tuple[int, int] = (320, 240)) -> Path:
    """A folder of ``count`` images im1.jpg, im2.jpg …"""
    for number in range(1, count + 1):
        write_image(folder / f"im{number}.jpg", size, number)
    return folder


@contextmanager
def serving(session: Session) -> Iterator[tuple[str, int]]:
    """The address of a running server, and its port."""
    listener, token = server.bind(0), server.new_token()
    running = server.server_of(session, listener, token)
    thread = Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not running.started:
            time.sleep(0.01)
        yield server.address_of(listener, token), listener.getsockname()[1]
    finally:
        running.should_exit = True
        thread.join()


@contextmanager
def command_running(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``mocap annotate`` as a process of its own, and its page's address; it is killed at the end."""
    command = [sys.executable, "-m", "mocap", "annotate", *map(str, arguments), "--no-browser"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield running, next(found[0] for line in running.stderr or () if (found := re.search(r"http://\S+", line)))
    finally:
        running.kill()
        running.wait()


@dataclass
class Desk:
    """The page in the browser."""

    page: Any
    complaints: list[str]
    requests: list[str]
    address: str
    labels: Path

    def ready(self) -> None:
        """Waits until everything that was done is on disk."""
        self.until("document.querySelector('#saved').textContent === 'all saved'")

    def until(self, claim: str, seconds: float = 20.0) -> None:
        """Waits until a claim about the page, in JavaScript, is true. (Its policy forbids Playwright's own way.)"""
        ends = time.monotonic() + seconds
        while not self.page.evaluate(claim):
            assert time.monotonic() < ends, f"never true: {claim}"
            time.sleep(0.02)

    def image_box(self) -> tuple[float, float, float]:
        """Left, top and scale of the image on the screen, as the browser laid it out."""
        left, top, wide, natural = self.page.evaluate(
            "(() => { const p = document.querySelector('.image'), b = p.getBoundingClientRect();"
            "return [b.left, b.top, b.width, p.naturalWidth] })()"
        )
        return left, top, wide / natural

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The screen's whole pixel nearest to a place of the image."""
        left, top, scale = self.image_box()
        return float(round(left + x * scale)), float(round(top + y * scale))

    def place_of(self, screen: tuple[float, float]) -> tuple[float, float]:
        """The place of the image under a pixel of the screen."""
        left, top, scale = self.image_box()
        return (screen[0] - left) / scale, (screen[1] - top) / scale

    def click(self, x: float, y: float) -> tuple[float, float]:
        """Clicks on a place of the image; returns the place that was hit."""
        screen = self.at(x, y)
        self.page.mouse.click(*screen)
        return self.place_of(screen)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
        """Drags from one place to another; returns how far it went, in the image's pixels."""
        a, b = self.at(*start), self.at(*end)
        self.page.mouse.move(*a)
        self.page.mouse.down()
        self.page.mouse.move(*b, steps=5)
        self.page.mouse.up()
        scale = self.image_box()[2]
        return (b[0] - a[0]) / scale, (b[1] - a[1]) / scale

    def tool(self, name: str) -> None:
        """Presses a button of the page by its accessible name."""
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def next(self, name: str = "Next image") -> None:
        """Goes to another image and waits until it is there."""
        before = self.number()
        self.tool(name)
        self.until(f"document.querySelector('#number').value !== '{before}'")

    def number(self) -> int:
        """The number of the image that is shown."""
        return int(self.page.locator("#number").input_value())

    def go(self, number: int) -> None:
        """Goes to an image by its number."""
        self.page.locator("#number").fill(str(number))
        self.page.keyboard.press("Enter")
        self.page.locator("#stage").focus()
        self.until(f"document.querySelector('#stage').ariaLabel.match(/{number}|im{number + 1}\\./)")

    def active(self) -> str:
        """The keypoint that is chosen."""
        return str(self.page.locator("#joints [aria-pressed=true]").inner_text().split("\n")[0])

    def samples(self) -> dict[tuple[str, int], Sample]:
        """The labels on disk, by image and frame."""
        self.ready()
        return (
            {(sample.image, sample.frame): sample for sample in read_labels(self.labels)}
            if self.labels.exists()
            else {}
        )


@contextmanager
def sitting(
    browser: Any, source: Path, labels: Path | None = None, *, size: tuple[int, int] = (1280, 900), **options: Any
) -> Iterator[Desk]:
    """The page of a source in a browser; ends with no request to anybody else."""
    session = open_session(source, labels, **options)
    with serving(session) as (address, _):
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        watched = watch(page)
        page.set_default_timeout(120_000)  # others use the machine too
        page.goto(address)
        page.wait_for_selector(".image", state="attached")
        yield Desk(page, watched.complaints, watched.requests, address, session.store.path)
        page.close()
    assert [url for url in watched.requests if not url.startswith(address)] == []
