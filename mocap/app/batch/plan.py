"""What is left to do: every clip against the account of what was done."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mocap.app.batch.clips import Clip
from mocap.app.batch.job import Job
from mocap.app.batch.manifest import Entry
from mocap.app.batch.program import program_digest
from mocap.app.settings import TakeSettings
from mocap.app.settings_file import Overrides
from mocap.model.errors import MocapError

FINISHED = ("done", "below", "failed")


@dataclass(frozen=True)
class Places:
    """The folder that the clips come from, and the one for the takes."""

    clips: Path
    takes: Path


@dataclass(frozen=True)
class Task:
    """A clip, what is asked for it, and its entry as it stands. reason: why it is to be done; "" if it is not."""

    clip: Clip
    settings: TakeSettings
    entry: Entry
    reason: str

    def job(self, root: Path, staging: Path) -> Job:
        """The task as a worker gets it."""
        source = str((root / self.clip.path).resolve())
        return Job(
            self.clip.name, source, self.clip.take.name, str(staging), self.settings.values(), self.entry.program
        )


def plan(
    clips: Sequence[Clip], places: Places, entries: dict[str, Entry], settings: TakeSettings, *, retry_failed: bool
) -> list[Task]:
    """A task for every clip. Raises MocapError for overrides that cannot be understood.

    A clip is done once: not again while its content, its settings, the program with its networks, and the files that
    it gave are what they were. Size and time of change stand for the content; where they differ it is read.
    """
    overrides = Overrides(places.clips)
    tasks = [_task(clip, places, entries.get(clip.name), overrides.settings(clip.path, settings)) for clip in clips]
    return [
        replace(task, reason="failed before") if retry_failed and task.entry.state == "failed" else task
        for task in tasks
    ]


def _task(clip: Clip, places: Places, old: Entry | None, settings: TakeSettings) -> Task:
    status = (places.clips / clip.path).stat()
    now = Entry(clip.name, status.st_size, status.st_mtime_ns, settings=settings.digest(), program=program_digest())
    reason = _reason(now, old, places)
    if reason or old is None:
        return Task(clip, settings, replace(now, files=old.files if old else {}), reason)
    return Task(clip, settings, replace(old, mtime_ns=now.mtime_ns), "")


def _reason(now: Entry, old: Entry | None, places: Places) -> str:
    """Why a clip is to be done, in a few words; "" if it is not."""
    if old is None:
        return "new"
    if old.state not in FINISHED:
        return "was interrupted"
    if old.settings != now.settings:
        return "other settings"
    if old.program != now.program:
        return "another program"
    if old.size != now.size:
        return "other content"
    if old.mtime_ns != now.mtime_ns and old.sha256 != content_digest(places.clips / old.clip):
        return "other content"
    if old.state == "failed":
        return ""
    changed = [path for path, was in old.files.items() if not is_intact(places.takes / path, was)]
    return f"{changed[0]} is gone or changed" if changed else ""


def is_intact(path: Path, was: tuple[str, int, int]) -> bool:
    """Whether a file is the one recorded: by size and time of change, or where only the time differs by content."""
    try:
        status = path.stat()
    except OSError:
        return False
    sha256, size, mtime_ns = was
    return status.st_size == size and (status.st_mtime_ns == mtime_ns or content_digest(path) == sha256)


def content_digest(path: Path) -> str:
    """The SHA-256 of a file. Raises MocapError if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise MocapError(f"cannot read {path}: {error.strerror}") from error
