"""Report the progress of long work: a bar on stderr for people, JSON Lines on stdout for programs."""

from __future__ import annotations

import json
import sys
import time
from contextlib import AbstractContextManager
from typing import Any

REPORT_INTERVAL_S = 0.2


class Silent(AbstractContextManager["Silent"]):
    """Reports nothing, where stderr is not a terminal or progress is switched off."""

    def __call__(self, stage: str, done: int, total: int) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class Bar(AbstractContextManager["Bar"]):
    """A bar for each stage, with frames per second and remaining time, on stderr."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        speed = TextColumn("{task.fields[fps]:5.1f} fps")
        columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), speed, TimeRemainingColumn())
        self._bars = Progress(*columns, console=Console(stderr=True))
        self._tasks: dict[str, Any] = {}
        self._started: dict[str, float] = {}

    def __enter__(self) -> Bar:
        self._bars.start()
        return self

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total, fps=0.0)
            self._started[stage] = time.perf_counter()
        elapsed = max(time.perf_counter() - self._started[stage], 1e-6)
        self._bars.update(self._tasks[stage], completed=done, total=total, fps=done / elapsed)

    def __exit__(self, *_: object) -> None:
        self._bars.stop()


class JsonLines(AbstractContextManager["JsonLines"]):
    """One JSON object per line on stdout: event "progress", stage, done, total and fps, at most 5 times per second."""

    def __init__(self) -> None:
        self._stage, self._started, self._last = "", 0.0, 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.perf_counter()
        if stage != self._stage:
            self._stage, self._started, self._last = stage, now, 0.0
        if done < total and now - self._last < REPORT_INTERVAL_S:
            return
        self._last = now
        fps = done / max(now - self._started, 1e-6)
        emit("progress", stage=stage, done=done, total=total, fps=round(fps, 1))

    def __exit__(self, *_: object) -> None: ...


def emit(event: str, **values: Any) -> None:
    """Write an event as one line of JSON to stdout, without buffering."""
    sys.stdout.write(json.dumps({"event": event, **values}, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def reporter(mode: str) -> Silent | Bar | JsonLines:
    """Choose a reporter of progress.

    Parameters
    ----------
    mode : str
        ``auto`` (a bar on a terminal, else silent), ``bar``, ``json`` or ``none``.

    Returns
    -------
    context manager
        To be called with stage, frames done and number of frames.
    """
    if mode == "json":
        return JsonLines()
    if mode == "bar" or (mode == "auto" and sys.stderr.isatty()):
        return Bar()
    return Silent()
