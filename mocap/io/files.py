"""Atomic writing: a file is written completely or not at all."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mocap.model.errors import MocapError, OutputError

_ERRORS_OF_THE_FOLDER = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
)  # any file there meets them
_WHAT_TO_DO = {
    errno.EACCES: "the folder cannot be written to; choose another folder or change its permissions",
    errno.EPERM: "the folder cannot be written to; choose another folder or change its permissions",
    errno.EROFS: "the folder is read-only; choose another folder",
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another folder",
    errno.EFBIG: "the file would be larger than allowed there; choose another folder",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Context manager for writing a file completely or not at all.

    Parameters
    ----------
    path : str or Path
        The file to write. For a link, the file that it points to is replaced.

    Yields
    ------
    Path
        A temporary file beside ``path``, with the same suffix. It is renamed to ``path`` when the block ends without an
        error. After an error or Ctrl-C it is removed, and an older ``path`` is unchanged.

    Raises
    ------
    MocapError
        If ``path`` cannot be written. Errors about other files are not changed.
    """
    path = Path(path)
    target = _writable_target(path)
    temporary = target.with_name(f".{secrets.token_hex(4)}.partial{target.suffix}")
    try:
        temporary.open("xb").close()  # fails here, before any work is done, where nothing can be written
        yield temporary
        temporary.replace(target)
    except OSError as error:
        if error.filename not in (None, str(temporary)):
            raise
        raise _cannot_write(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def check_target(path: str | Path) -> None:
    """Raise MocapError if ``path`` cannot be written; an older file is not changed."""
    path = Path(path)
    target = _writable_target(path)
    probe = target.with_name(f".{secrets.token_hex(4)}.partial{target.suffix}")
    try:
        probe.open("xb").close()
    except OSError as error:
        raise _cannot_write(path, error) from error
    probe.unlink()


def _writable_target(path: Path) -> Path:
    try:
        target = path.resolve()
        if target.is_dir():
            raise MocapError(f"cannot write {path}: it is a folder; name a file in it")
        if not target.parent.is_dir():
            raise MocapError(f"cannot write {path}: the folder {path.parent} does not exist; make it first")
        if target.exists() and not target.is_file():
            raise MocapError(f"cannot write {path}: it is not a regular file; name another one")
    except (OSError, RuntimeError, ValueError) as error:  # ValueError: a NUL in the name; RuntimeError: links in a ring
        raise _cannot_write(path, error) from error
    return target


def _cannot_write(path: Path, error: Exception) -> MocapError:
    reason = getattr(error, "strerror", None) or str(error)
    number = getattr(error, "errno", None) or 0
    hint = _WHAT_TO_DO.get(number, "choose another folder")
    kind = OutputError if number in _ERRORS_OF_THE_FOLDER else MocapError
    return kind(f"cannot write {path}: {reason}; {hint}")
