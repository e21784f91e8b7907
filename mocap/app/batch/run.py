"""Run a batch: only one at a time in an output folder, with every outcome recorded."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from mocap.app.batch.job import Outcome
from mocap.app.batch.local import Engine
from mocap.app.batch.manifest import Entry, Manifest, locked
from mocap.app.batch.plan import Task
from mocap.model.errors import MocapError, OutputError

POLL_S = 0.2
STAGING = "work"


class Board(Protocol):
    """The interface of everything that shows the progress of a batch."""

    def begin(self, total: int, skipped: int) -> None:
        """Start: number of clips to process, and number of unchanged clips."""

    def progress(self, clip: str, stage: str, done: int, total: int) -> None:
        """A clip has reached a frame of a stage."""

    def finish(self, entry: Entry) -> None:
        """A clip is finished or has failed."""


@dataclass
class Summary:
    """The result of a batch: entries of the clips processed now, and of those that were unchanged."""

    finished: list[Entry] = field(default_factory=list)
    skipped: list[Entry] = field(default_factory=list)

    def count(self, state: str) -> int:
        """Number of clips in a state, processed now or before."""
        return sum(entry.state == state for entry in [*self.finished, *self.skipped])


PlanTasks = Callable[[dict[str, Entry]], Sequence[Task]]
MakeEngine = Callable[[Path, int], Engine]  # (folder for logs, number of jobs)


def run(output: Path, root: Path, plan: PlanTasks, engine: MakeEngine, board: Board, *, retries: int) -> Summary:
    """Run a batch. Output files appear complete under their names; after them the clip is recorded.

    Parameters
    ----------
    output, root : Path
        The folder for the takes and the folder of the clips.
    plan : callable
        Returns the tasks for the entries of the account.
    engine : callable
        Makes the engine from the folder for logs and the number of jobs.
    board : Board
        Shows the progress.
    retries : int
        Further attempts for a clip whose worker crashed.

    Returns
    -------
    Summary
        Of all clips.

    Raises
    ------
    MocapError
        If another batch is running or nothing can be written. Clips finished before that are recorded.
    """
    with locked(output) as folder:
        staging = folder / STAGING
        shutil.rmtree(staging, ignore_errors=True)  # left by a batch that was killed
        manifest = Manifest(output)
        try:
            tasks = plan(manifest.entries())
            return _Run(output, manifest, board, retries).do(tasks, root, folder, engine)
        finally:
            manifest.close()
            shutil.rmtree(staging, ignore_errors=True)


class _Run:
    def __init__(self, output: Path, manifest: Manifest, board: Board, retries: int) -> None:
        self._output, self._manifest, self._board, self._retries = output, manifest, board, retries
        self._owners: dict[str, str] = {}  # clip by output file, so that no take replaces another

    def do(self, tasks: Sequence[Task], root: Path, folder: Path, make_engine: MakeEngine) -> Summary:
        summary = Summary(skipped=[task.entry for task in tasks if not task.reason])
        self._owners = {path: entry.clip for entry in summary.skipped for path in entry.files}
        known = self._manifest.entries()
        self._manifest.record(*(entry for entry in summary.skipped if known[entry.clip] != entry))  # modification times
        todo = {task.clip.name: task for task in tasks if task.reason}
        self._board.begin(len(todo), len(summary.skipped))
        if todo:
            for settings in {task.settings for task in todo.values()}:
                settings.check()
            engine = make_engine(folder, len(todo))
            try:
                self._work(todo, root, folder / STAGING, engine, summary)
            finally:
                engine.close()
        return summary

    def _work(self, todo: dict[str, Task], root: Path, staging: Path, engine: Engine, summary: Summary) -> None:
        attempts = dict.fromkeys(todo, 1)
        self._manifest.record(*(task.entry for task in todo.values()))
        for task in todo.values():
            engine.submit(task.job(root, staging.resolve()))
        while len(summary.finished) < len(todo):
            if (news := engine.next_event(POLL_S)) is None:
                continue
            clip, event = news
            if event.pop("event") == "progress":
                self._board.progress(clip, **event)
                continue
            outcome = Outcome(**event)
            if outcome.state == "crashed" and attempts[clip] <= self._retries:
                attempts[clip] += 1
                engine.submit(todo[clip].job(root, staging.resolve()))
                continue
            summary.finished.append(self._settle(todo[clip], outcome, staging, attempts[clip]))
            self._board.finish(summary.finished[-1])

    def _settle(self, task: Task, outcome: Outcome, staging: Path, attempts: int) -> Entry:
        """Publish the files, then record the entry."""
        if outcome.state == "blocked":
            raise OutputError(f"{outcome.error}; then start the batch again: it continues where it stopped")
        files = task.entry.files  # a clip that fails now keeps its older take
        if outcome.state in ("done", "below"):
            try:
                files = self._publish(task, outcome, staging / outcome.staged)
            except _OthersFileError as error:
                outcome = replace(outcome, state="failed", error=str(error))
        entry = replace(
            task.entry,
            sha256=outcome.sha256,
            state="failed" if outcome.state == "crashed" else outcome.state,
            attempts=attempts,
            error=outcome.error,
            seconds=round(outcome.seconds, 3),
            frames=outcome.frames,
            files=files,
        )
        self._remove(set(task.entry.files) - set(files))
        self._manifest.record(entry)
        return entry

    def _publish(self, task: Task, outcome: Outcome, staged: Path) -> dict[str, tuple[str, int, int]]:
        """Move the files from the temporary folder to their final names; returns them as in an entry."""
        folder = task.clip.take.parent
        paths = {name: (folder / name).as_posix() for name in outcome.files}
        for path in paths.values():
            if (owner := self._owners.get(path, task.clip.name)) != task.clip.name:
                raise _OthersFileError(f"{path} would replace a file of the take of {owner}; rename one of the clips")
        files = {}
        try:
            (self._output / folder).mkdir(parents=True, exist_ok=True)
            for name, path in paths.items():
                target = self._output / path
                (staged / name).replace(target)
                status = target.stat()
                files[path] = (outcome.files[name], status.st_size, status.st_mtime_ns)
        except OSError as error:
            raise OutputError(
                f"cannot write {self._output / folder}: {error.strerror}; free some space or change its permissions"
            ) from error
        shutil.rmtree(staged, ignore_errors=True)
        self._owners |= dict.fromkeys(files, task.clip.name)
        return files

    def _remove(self, paths: set[str]) -> None:
        """Delete files of an earlier take of the clip that the new one does not have."""
        for path in paths:
            if path not in self._owners:
                (self._output / path).unlink(missing_ok=True)


class _OthersFileError(MocapError):
    """A file belongs to another clip's take."""
