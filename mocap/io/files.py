"""Writing files whole or not at all."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mocap.model.errors import MocapError, OutputError

_OF_THE_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)  # not of the one file
_WHAT_TO_DO = {
    errno.EACCES: "the folder cannot be written to; choose another place or change its permissions",
    errno.EPERM: "the folder cannot be written to; choose another place or change its permissions",
    errno.EROFS: "the folder is read-only; choose another place",
    errno.ENOSPC: "the disk is full; free some space or choose another place",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another place",
    errno.EFBIG: "the file would be larger than allowed there; choose another place",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path``, with the same suffix, that becomes ``path`` when the block ends well.

    Whatever ends the block early (an error, Ctrl-C) removes the temporary file and leaves an older ``path`` untouched.
    A link is followed: the file that it points to is replaced. Failures to write are raised as MocapError naming
    ``path``; errors that concern other files pass through.
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
    """Raise MocapError if no file could be written at ``path``; an older file stays as it was."""
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
    hint = _WHAT_TO_DO.get(number, "choose another place")
    kind = OutputError if number in _OF_THE_PLACE else MocapError
    return kind(f"cannot write {path}: {reason}; {hint}")
