"""The account of a batch, in its output folder: which clip was done from what, how, and which files it gave."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mocap.model.errors import MocapError, OutputError

FOLDER = ".mocap"
_CREATE = """
CREATE TABLE IF NOT EXISTS clips (
  clip TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 TEXT, settings TEXT, program TEXT, state TEXT,
  attempts INTEGER, error TEXT, seconds REAL, frames INTEGER, files TEXT
)
"""


@dataclass(frozen=True)
class Entry:
    """What is known of a clip.

    size, mtime_ns, sha256: of the clip when it was done. settings, program: digests. state: pending, done, below or
    failed. attempts: in the run that ended so. files: path from the output folder to [sha256, size,
    mtime_ns].
    """

    clip: str
    size: int = 0
    mtime_ns: int = 0
    sha256: str = ""
    settings: str = ""
    program: str = ""
    state: str = "pending"
    attempts: int = 0
    error: str = ""
    seconds: float = 0.0
    frames: int = 0
    files: dict[str, tuple[str, int, int]] = field(default_factory=dict)


class Manifest:
    """The table of entries in ``output/.mocap/manifest.sqlite``; every change is on disk before it returns."""

    def __init__(self, output: Path) -> None:
        self._path = output / FOLDER / "manifest.sqlite"
        with self._errors():
            self._database = sqlite3.connect(self._path, timeout=10, isolation_level=None)
            self._database.execute(_CREATE)

    def entries(self) -> dict[str, Entry]:
        """All entries by clip."""
        columns = [column.name for column in fields(Entry)]
        with self._errors():
            rows = self._database.execute(f"SELECT {', '.join(columns)} FROM clips ORDER BY clip").fetchall()
        return {row[0]: _entry(dict(zip(columns, row))) for row in rows}

    def record(self, *entries: Entry) -> None:
        """Put entries in, or in place of older ones, all or none."""
        columns = [column.name for column in fields(Entry)]
        rows = [
            [*(getattr(entry, name) for name in columns[:-1]), json.dumps(entry.files, sort_keys=True)]
            for entry in entries
        ]
        with self._errors(), self._transaction():
            self._database.executemany(f"INSERT OR REPLACE INTO clips VALUES ({', '.join('?' * len(columns))})", rows)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        with self._database:  # commits, or rolls back
            yield

    def close(self) -> None:
        """Release the file."""
        self._database.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            kind = OutputError if isinstance(error, sqlite3.OperationalError) else MocapError
            hint = "see to the disk, then start the batch again" if kind is OutputError else "remove it to begin anew"
            raise kind(f"the account of the batch, {self._path}, cannot be used: {error}; {hint}") from error


def _entry(row: dict[str, Any]) -> Entry:
    files = {path: (sha256, size, mtime_ns) for path, (sha256, size, mtime_ns) in json.loads(row["files"]).items()}
    return Entry(**{**row, "files": files})


def read_entries(output: Path) -> dict[str, Entry]:
    """The entries of an output folder, of a batch that may be running; none where there never was one."""
    if not (output / FOLDER / "manifest.sqlite").is_file():
        return {}
    manifest = Manifest(output)
    try:
        return manifest.entries()
    finally:
        manifest.close()


@contextmanager
def locked(output: Path) -> Iterator[Path]:
    """The folder of the account, made if need be, while no other batch has it.

    The lock is the system's and ends with the process. Raises MocapError if there is another batch, OutputError where
    nothing can be written.
    """
    folder = output / FOLDER
    lock, owner = FileLock(folder / "lock"), folder / "process"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout as error:
        raise MocapError(f"another batch is writing to {output} (process {_text(owner)}); wait for its end") from error
    except OSError as error:
        raise OutputError(f"cannot write {output}: {error.strerror}; choose another place") from error
    try:
        with suppress(OSError):  # a full disk: the number is for people, the lock holds without
            owner.write_text(str(os.getpid()), encoding="ascii")
        yield folder
    finally:
        lock.release()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except OSError:  # the other batch has the lock and has not written its number yet
        return "unknown"
