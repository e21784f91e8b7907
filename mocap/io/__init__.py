"""File formats by suffix: one module each, a dict to read with and a dict to write with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mocap.io.bvh import read_bvh, write_bvh
from mocap.io.take_json import read_json
from mocap.model.errors import MocapError
from mocap.model.motion import Motion

Reader = Callable[[Path], dict[int, Motion]]
Writer = Callable[..., None]  # (motion, path, *, units)
Function = TypeVar("Function")


def _bvh_motions(path: Path) -> dict[int, Motion]:
    return {1: read_bvh(path)}


def _take_motions(path: Path) -> dict[int, Motion]:
    motions = {person.id: person.motion for person in read_json(path).people if person.motion is not None}
    if not motions:
        raise MocapError(f"{path} holds nobody's motion: process the clip again, or another one")
    return motions


READERS: dict[str, Reader] = {".bvh": _bvh_motions, ".json": _take_motions}
WRITERS: dict[str, Writer] = {".bvh": write_bvh}


def reader_for(path: str | Path) -> Reader:
    """The function that gives the motions of a file by person id; MocapError lists the suffixes that can be read."""
    return _by_suffix(READERS, Path(path), "read")


def writer_for(path: str | Path) -> Writer:
    """The function that writes one motion to a file; MocapError lists the suffixes that can be written."""
    return _by_suffix(WRITERS, Path(path), "write")


def _by_suffix(functions: dict[str, Function], path: Path, verb: str) -> Function:
    if path.suffix.lower() not in functions:
        raise MocapError(f"cannot {verb} {path}: unknown suffix '{path.suffix}'; use one of: {', '.join(functions)}")
    return functions[path.suffix.lower()]
