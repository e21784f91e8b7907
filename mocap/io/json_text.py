"""JSON text with one frame per line, and arrays read from JSON lists with their shape checked.

Independent of the take format. A missing value is null: NaN in an array is written as null and read back as NaN.
"""

from __future__ import annotations

import json
import stat
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from mocap.model.errors import MocapError
from mocap.model.rotation import Array

MAX_BYTES = 1_000_000_000  # more than an hour of one person at 60 fps
LONGEST_LINE = 116
_BLOCK, _ZERO_RUN = 1 << 20, bytes(64)
LARGEST = 1e9  # for a number in an array; no value in pixels or metres is larger


class Lines(list[Any]):
    """A list that is written with one item per line."""


def rows(values: Array) -> Lines:
    """The frames of an array (T, …) as lists, for writing. A vector (last axis) that contains NaN becomes null."""
    lines = (np.asarray(values) + 0.0).tolist()  # + 0.0: no negative zero
    for *indices, last in np.argwhere(np.isnan(values).any(axis=-1)).tolist():
        row = lines
        for index in indices:
            row = row[index]
        row[last] = None
    return Lines(lines)


def to_text(value: Any, indent: int = 0) -> str:
    """JSON text: lists and short objects on one line; one key per line for longer objects, one item for ``Lines``."""
    outer, inner = " " * indent, " " * (indent + 1)
    if isinstance(value, Lines):
        return "[\n" + ",\n".join(_compact(item) for item in value) + f"\n{outer}]" if value else "[]"
    if not _has(Lines, value) and (not _has(dict, value) or len(_compact(value)) <= LONGEST_LINE):
        return _compact(value)
    if isinstance(value, dict):
        items = [f"{inner}{json.dumps(key)}: {to_text(item, indent + 1)}" for key, item in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{outer}}}"
    if isinstance(value, list | tuple):
        return "[\n" + ",\n".join(inner + to_text(item, indent + 1) for item in value) + f"\n{outer}]"
    return _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _has(kind: type, value: Any) -> bool:
    if isinstance(value, kind):
        return True
    if isinstance(value, Lines):
        return False  # its items are numbers
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return any(_has(kind, item) for item in items)


def load(path: Path) -> Any:
    """Read a JSON file.

    Parameters
    ----------
    path : Path
        The file, of at most one gigabyte.

    Returns
    -------
    object
        The parsed JSON value.

    Raises
    ------
    MocapError
        For a file that cannot be read, is too large, or contains NaN or Infinity. For invalid JSON the message names
        line and column.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MocapError(f"cannot read {path}: it is not a file; name a .json file")
        if path.suffix.lower() == ".bvh":
            raise MocapError(
                f"cannot read {path} as a take: it is a BVH, which has no keypoints; name the take's .json"
            )
        if status.st_size > MAX_BYTES:
            raise MocapError(f"cannot read {path}: it is larger than {MAX_BYTES // 10**6} MB; cut the clip into parts")
        _refuse_zero_bytes(path)
        return json.loads(path.read_bytes().decode("utf-8-sig"), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        position = f"line {error.lineno} column {error.colno}"
        raise MocapError(f"cannot read {path}: {position}: {error.msg}; it is damaged or cut short") from error
    except RecursionError as error:
        raise MocapError(f"cannot read {path}: it is nested too deeply; this is not a take") from error
    except UnicodeDecodeError as error:
        raise MocapError(
            f"cannot read {path}: it is not UTF-8 text (byte {error.start}); is it a JSON file?"
        ) from error
    except (OSError, ValueError) as error:
        raise MocapError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}; check the file") from error


def _refuse_zero_bytes(path: Path) -> None:
    """Raise MocapError for long runs of zero bytes (lost disk blocks, an unfinished copy) before the file is parsed."""
    with path.open("rb") as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            if _ZERO_RUN in block:
                raise MocapError(f"cannot read {path}: it has zero bytes in it; it is damaged, copy it again")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON; missing numbers are null")


def array_at(value: Any, shape: tuple[int, ...], where: str, *, may_miss: bool = False) -> Array:
    """Convert nested lists to an array.

    Parameters
    ----------
    value : object
        Nested lists of numbers, from JSON.
    shape : tuple of int
        The expected shape.
    where : str
        The path of the value in its document, for messages: ``people[0].motion``.
    may_miss : bool
        Allow null, for a number or a list; all of its numbers become NaN.

    Returns
    -------
    array
        Float, of that shape.

    Raises
    ------
    ValueError
        For another shape, or for a value that is not a number or is larger than ``LARGEST``.
    """
    level = [value]
    for length in shape:
        if may_miss and None in level:
            level = [[None] * length if item is None else item for item in level]
        _check_lengths(level, length, where)
        level = list(chain.from_iterable(level))
    allowed = {int, float, type(None)} if may_miss else {int, float}
    if wrong := set(map(type, level)) - allowed:
        raise ValueError(f"{where}: expected numbers, got {', '.join(sorted(kind.__name__ for kind in wrong))}")
    try:
        numbers = np.array(level, float)
    except OverflowError:
        numbers = np.array([np.inf])
    if np.any(np.abs(numbers) > LARGEST):
        raise ValueError(f"{where}: has a number beyond {LARGEST:g}")
    return numbers.reshape(shape)


def _check_lengths(level: list[Any], length: int, where: str) -> None:
    if set(map(type, level)) <= {list} and set(map(len, level)) <= {length}:
        return
    for item in level:
        if not isinstance(item, list):
            raise ValueError(f"{where}: expected lists of {length}, got {type(item).__name__}")
        if len(item) != length:
            raise ValueError(f"{where}: expected lists of {length}, got one of {len(item)}")
