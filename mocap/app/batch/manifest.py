"""The account of a batch, an SQLite table in its output folder: content, settings and output files of each clip."""

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
    """The record of one clip.

    Parameters
    ----------
    clip : str
        Name of the clip in the batch.
    size, mtime_ns, sha256
        Of the clip when it was processed: bytes, modification time, digest.
    settings, program : str
        Digests.
    state : str
        ``pending``, ``done``, ``below`` or ``failed``.
    attempts : int
        Number of attempts in the run that ended with this state.
    error : str
        One line; "" for none.
    seconds : float
        Time that the job took.
    frames : int
        Frames of the take.
    files : dict
        For each output file, relative to the output folder: (sha256, size, mtime_ns).
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
    """The table of entries, ``output/.mocap/manifest.sqlite``. Every change is on disk when a method returns."""

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
        """Add or replace entries in one transaction."""
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
            hint = (
                "check the disk, then start the batch again"
                if kind is OutputError
                else "remove it to start from the beginning"
            )
            raise kind(f"the account of the batch, {self._path}, cannot be used: {error}; {hint}") from error


def _entry(row: dict[str, Any]) -> Entry:
    files = {path: (sha256, size, mtime_ns) for path, (sha256, size, mtime_ns) in json.loads(row["files"]).items()}
    return Entry(**{**row, "files": files})


def read_entries(output: Path) -> dict[str, Entry]:
    """Read the entries of an output folder; a batch may be running in it.

    Parameters
    ----------
    output : Path
        The output folder.

    Returns
    -------
    dict
        Entries by clip; empty if no batch was run there.

    Raises
    ------
    MocapError
        If the account cannot be read.
    """
    if not (output / FOLDER / "manifest.sqlite").is_file():
        return {}
    manifest = Manifest(output)
    try:
        return manifest.entries()
    finally:
        manifest.close()


@contextmanager
def locked(output: Path) -> Iterator[Path]:
    """Context manager: lock the output folder, so that no other batch uses it.

    Parameters
    ----------
    output : Path
        The output folder; it is made if needed.

    Yields
    ------
    Path
        The folder of the account. The operating system releases the lock when the process ends.

    Raises
    ------
    MocapError
        If another batch uses the folder.
    OutputError
        If nothing can be written.
    """
    folder = output / FOLDER
    lock, owner = FileLock(folder / "lock"), folder / "process"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout as error:
        raise MocapError(f"another batch is writing to {output} (process {_text(owner)}); wait for its end") from error
    except OSError as error:
        raise OutputError(f"cannot write {output}: {error.strerror}; choose another folder") from error
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
