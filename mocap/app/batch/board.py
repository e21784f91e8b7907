"""Show the progress of a batch: a table on a terminal, JSON Lines for programs, or nothing."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from typing import Any

from mocap.app.batch.manifest import Entry
from mocap.app.progress import emit
from mocap.model.errors import one_line

SHOWN = 24  # clips in progress that fit on a screen


class Quiet(AbstractContextManager["Quiet"]):
    """Shows nothing until the end."""

    def begin(self, total: int, skipped: int) -> None:
        """See ``run.Board``."""

    def progress(self, clip: str, stage: str, done: int, total: int) -> None:
        """See ``run.Board``."""

    def finish(self, entry: Entry) -> None:
        """See ``run.Board``."""

    def __exit__(self, *_: object) -> None: ...


class Lines(Quiet):
    """JSON Lines on stdout: begin, progress and clip."""

    def __init__(self) -> None:
        self._speed = _Speed()

    def begin(self, total: int, skipped: int) -> None:
        """See ``run.Board``."""
        emit("begin", clips=total, skipped=skipped)

    def progress(self, clip: str, stage: str, done: int, total: int) -> None:
        """See ``run.Board``."""
        fps = self._speed.fps(clip, stage, done)
        emit("progress", clip=clip, stage=stage, done=done, total=total, fps=round(fps, 1))

    def finish(self, entry: Entry) -> None:
        """See ``run.Board``."""
        emit(
            "clip",
            clip=entry.clip,
            state=entry.state,
            error=entry.error,
            outputs=sorted(entry.files) if entry.state != "failed" else [],
            frames=entry.frames,
            seconds=entry.seconds,
            attempts=entry.attempts,
        )


class Grid(Quiet):
    """A live table on stderr: clips in progress with stage, frames, frames per second and time left, and the totals."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._speed, self._rows = _Speed(), dict[str, tuple[str, int, int, float]]()
        self._total = self._done = self._failed = self._skipped = 0
        self._begin = time.monotonic()
        self._live = Live(console=Console(stderr=True), get_renderable=self._table, refresh_per_second=5)

    def __enter__(self) -> Grid:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def begin(self, total: int, skipped: int) -> None:
        """See ``run.Board``."""
        self._total, self._skipped, self._begin = total, skipped, time.monotonic()

    def progress(self, clip: str, stage: str, done: int, total: int) -> None:
        """See ``run.Board``."""
        self._rows[clip] = (stage, done, total, self._speed.fps(clip, stage, done))

    def finish(self, entry: Entry) -> None:
        """See ``run.Board``."""
        self._rows.pop(entry.clip, None)
        self._done += 1
        self._failed += entry.state == "failed"

    def _table(self) -> Any:
        from rich.box import SIMPLE_HEAD
        from rich.console import Group
        from rich.markup import escape
        from rich.table import Table

        grid = Table(box=SIMPLE_HEAD, pad_edge=False)
        for column in ("clip", "stage", "frames", "fps", "left"):
            grid.add_column(column, justify="left" if column in ("clip", "stage") else "right")
        for clip, (stage, done, total, fps) in list(self._rows.items())[:SHOWN]:
            left = _clock((total - done) / fps) if fps else ""
            grid.add_row(escape(one_line(clip)), stage, f"{done}/{total}", f"{fps:.1f}", left)
        return Group(grid, self._whole())

    def _whole(self) -> str:
        elapsed = time.monotonic() - self._begin
        rest = self._total - self._done
        left = f", about {_clock(elapsed / self._done * rest)} left" if self._done and rest else ""
        failed = f", {self._failed} failed" if self._failed else ""
        skipped = f", {self._skipped} unchanged" if self._skipped else ""
        return f"{self._done} of {self._total} clips{failed}{skipped}{left}"


class _Speed:
    """Frames per second of each clip in its current stage."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[str, int, float]] = {}

    def fps(self, clip: str, stage: str, done: int) -> float:
        """The mean rate since the first report of the stage; 0 at that report."""
        if clip not in self._begun or self._begun[clip][0] != stage or done < self._begun[clip][1]:
            self._begun[clip] = (stage, done, time.monotonic())
        _, first, begin = self._begun[clip]
        return (done - first) / max(time.monotonic() - begin, 1e-6)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def board(mode: str) -> Quiet:
    """Choose a board.

    Parameters
    ----------
    mode : str
        ``auto`` (a table on a terminal, else quiet), ``bar``, ``json`` or ``none``.

    Returns
    -------
    Quiet
        Or a class derived from it.
    """
    if mode == "json":
        return Lines()
    if mode == "bar" or (mode == "auto" and sys.stderr.isatty()):
        return Grid()
    return Quiet()
