"""Decide which clips to process: compare each clip with the account of what was done."""

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
class Folders:
    """The folder of the clips and the folder for the takes."""

    clips: Path
    takes: Path


@dataclass(frozen=True)
class Task:
    """A clip with its settings and its entry.

    Parameters
    ----------
    clip : Clip
        The clip.
    settings : TakeSettings
        Of this clip.
    entry : Entry
        Its current entry in the account.
    reason : str
        Why it must be processed; "" if it need not be.
    """

    clip: Clip
    settings: TakeSettings
    entry: Entry
    reason: str

    def job(self, root: Path, staging: Path) -> Job:
        """The task as a job for a worker."""
        source = str((root / self.clip.path).resolve())
        return Job(
            self.clip.name, source, self.clip.take.name, str(staging), self.settings.values(), self.entry.program
        )


def plan(
    clips: Sequence[Clip], folders: Folders, entries: dict[str, Entry], settings: TakeSettings, *, retry_failed: bool
) -> list[Task]:
    """Plan a batch.

    Parameters
    ----------
    clips : sequence of Clip
        All clips.
    folders : Folders
        Of clips and takes.
    entries : dict
        The account so far.
    settings : TakeSettings
        Of the batch; a ``mocap.toml`` may change them for a clip.
    retry_failed : bool
        Process clips again that failed before.

    Returns
    -------
    list of Task
        One for each clip.

    Raises
    ------
    MocapError
        For a ``mocap.toml`` that cannot be used.

    Notes
    -----
    A clip is not processed again if its content, its settings, the program with its networks, and its output files are
    unchanged. If size and modification time are unchanged, so is the content; otherwise it is read and compared.
    """
    overrides = Overrides(folders.clips)
    tasks = [_task(clip, folders, entries.get(clip.name), overrides.settings(clip.path, settings)) for clip in clips]
    return [
        replace(task, reason="failed before") if retry_failed and task.entry.state == "failed" else task
        for task in tasks
    ]


def _task(clip: Clip, folders: Folders, old: Entry | None, settings: TakeSettings) -> Task:
    status = (folders.clips / clip.path).stat()
    now = Entry(clip.name, status.st_size, status.st_mtime_ns, settings=settings.digest(), program=program_digest())
    reason = _reason(now, old, folders)
    if reason or old is None:
        return Task(clip, settings, replace(now, files=old.files if old else {}), reason)
    return Task(clip, settings, replace(old, mtime_ns=now.mtime_ns), "")


def _reason(now: Entry, old: Entry | None, folders: Folders) -> str:
    """Why a clip must be processed, in a few words; "" if it need not be."""
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
    if old.mtime_ns != now.mtime_ns and old.sha256 != content_digest(folders.clips / old.clip):
        return "other content"
    if old.state == "failed":
        return ""
    changed = [path for path, was in old.files.items() if not is_intact(folders.takes / path, was)]
    return f"{changed[0]} is gone or changed" if changed else ""


def is_intact(path: Path, was: tuple[str, int, int]) -> bool:
    """Whether a file is unchanged since it was recorded.

    Parameters
    ----------
    path : Path
        The file.
    was : tuple
        Recorded SHA-256, size and modification time. If only the time differs, the content is compared.

    Returns
    -------
    bool
        False also for a file that does not exist.
    """
    try:
        status = path.stat()
    except OSError:
        return False
    sha256, size, mtime_ns = was
    return status.st_size == size and (status.st_mtime_ns == mtime_ns or content_digest(path) == sha256)


def content_digest(path: Path) -> str:
    """The SHA-256 digest of a file. Raises MocapError if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise MocapError(f"cannot read {path}: {error.strerror}") from error
