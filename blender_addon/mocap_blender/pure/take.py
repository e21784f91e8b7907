# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes as the add-on reads them: ``mocap-motion`` JSON of version 1, and BVH."""

from __future__ import annotations

import gc
import json
import os
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from . import bvh, contacts, doubt, foreign, quaternions
from .errors import TakeError

VERSION = 1
Spans = list[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class SourceMotion:
    """One person's motion on their own skeleton, Y up, metres, T-pose at rest facing +Z.

    names (J): joints, a parent before its children. parents (J,). offsets (J, 3). ends: leaf to where its bone ends.
    root (T, 3). local (T, J, 4) wxyz. confidence (T, J) 0..1. contacts: LeftHeel, LeftToes, RightHeel, RightToes to
    half open spans. gaps: half open spans without measurement, with the reason.
    """

    person: int
    names: list[str]
    parents: np.ndarray
    offsets: np.ndarray
    ends: dict[str, np.ndarray]
    root: np.ndarray
    local: np.ndarray
    confidence: np.ndarray
    contacts: dict[str, Spans]
    gaps: list[tuple[int, int, str]] = field(default_factory=list)

    def world_rotations(self) -> np.ndarray:
        """Rotations (T, J, 4) of the joints in the world."""
        world = np.array(self.local)
        for j, parent in enumerate(self.parents):
            if parent >= 0:
                world[:, j] = quaternions.multiply(world[:, parent], self.local[:, j])
        return world

    def world_positions(self, world: np.ndarray | None = None) -> np.ndarray:
        """Places (T, J, 3) of the joints in the world."""
        world = self.world_rotations() if world is None else world
        places = np.empty((*self.local.shape[:2], 3))
        places[:, 0] = self.root
        for j, parent in enumerate(self.parents):
            if parent >= 0:
                places[:, j] = places[:, parent] + quaternions.rotate(world[:, parent], self.offsets[j])
        return places

    def rest_positions(self) -> np.ndarray:
        """Places (J, 3) of the joints in the rest pose."""
        places = np.array(self.offsets, dtype=float)
        for j, parent in enumerate(self.parents):
            if parent >= 0:
                places[j] += places[parent]
        return places


def mirrored(person: SourceMotion) -> SourceMotion:
    """The motion seen in a mirror that stands in the plane x = 0: what the left did, the right does.

    Convention: a rotation (w, x, y, z) becomes (w, x, −y, −z), about the axis mirrored and the other way round.
    """
    other = [person.names.index(_other_side(name)) if _other_side(name) in person.names else j
             for j, name in enumerate(person.names)]  # fmt: skip
    flip = np.array([-1.0, 1.0, 1.0])
    return replace(
        person,
        offsets=person.offsets[other] * flip,
        ends={name: person.ends.get(_other_side(name), end) * flip for name, end in person.ends.items()},
        root=person.root * flip,
        local=person.local[:, other] * [1.0, 1.0, -1.0, -1.0],
        confidence=person.confidence[:, other],
        contacts={_other_side(point): spans for point, spans in person.contacts.items()},
    )


def _other_side(name: str) -> str:
    if name.startswith("Left"):
        return f"Right{name[4:]}"
    return f"Left{name[5:]}" if name.startswith("Right") else name


@dataclass(frozen=True, eq=False)
class TakeFile:
    """A recording: people share its frames. camera: {"K", "T_world_camera", "size"} as in the file, or None.

    warnings: what was put right in reading the file.
    """

    name: str
    fps: Fraction
    frames: int
    people: list[SourceMotion]
    camera: dict | None = None
    video: str = ""
    warnings: list[str] = field(default_factory=list)


def read_take(path: str | os.PathLike) -> TakeFile:
    """The take of a .json or .bvh file. Raises TakeError with one line for the user."""
    path = Path(path)
    readers = {".json": _read_json, ".bvh": _read_bvh}
    if path.suffix.lower() not in readers:
        raise TakeError(f"{path.name} is no take; choose a .json or .bvh file")
    try:
        return readers[path.suffix.lower()](path)
    except (OSError, UnicodeDecodeError) as error:
        raise TakeError(f"cannot read {path.name}: {error}") from error


def _read_json(path: Path) -> TakeFile:
    text = path.read_text(encoding="utf-8-sig")
    was_collecting = gc.isenabled()
    gc.disable()  # or it looks through the growing millions of numbers again and again: half of the reading's time
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TakeError(f"{path.name} is damaged, it is no JSON ({error})") from error
    finally:
        if was_collecting:
            gc.enable()
    if not isinstance(document, dict) or document.get("format") != "mocap-motion":
        raise TakeError(f"{path.name} is no take: it does not say 'mocap-motion'")
    version = str(document.get("version", "")).partition(".")[0]
    if not version.isdecimal() or int(version) > VERSION:
        raise TakeError(f"{path.name} is of format version {document.get('version')}; update the add-on to read it")
    try:
        fps, frames = Fraction(*document["fps"]), int(document["frames"])
        people = [_person(person, frames) for person in document["people"] if person.get("motion")]
        take = TakeFile(path.stem, fps, frames, people, document.get("camera"), document["source"]["name"])
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError, AttributeError) as error:
        raise TakeError(f"{path.name} is damaged ({type(error).__name__}: {error})") from error
    if not people:
        raise TakeError(f"{path.name} holds nobody's motion")
    return take


def _person(person: dict, frames: int) -> SourceMotion:
    motion, skeleton = person["motion"], person["motion"]["skeleton"]
    names, parents = list(skeleton["names"]), np.array(skeleton["parents"], dtype=int)
    offsets = np.array(skeleton["offsets"], dtype=float)
    root, local = np.array(motion["root_world"], dtype=float), np.array(motion["local_wxyz"], dtype=float)
    J = len(names)
    if offsets.shape != (J, 3) or root.shape != (frames, 3) or local.shape != (frames, J, 4) or parents.shape != (J,):
        raise ValueError("the motion's arrays do not fit together")
    if not (np.isfinite(root).all() and np.isfinite(local).all()) or (parents[1:] >= np.arange(1, J)).any():
        raise ValueError("the motion has missing values or joints before their parents")
    return SourceMotion(
        person=int(person["id"]),
        names=names,
        parents=parents,
        offsets=offsets,
        ends={name: np.array(end, dtype=float) for name, end in skeleton["ends"].items()},
        root=root,
        local=local,
        confidence=np.array(motion["confidence"], dtype=float),
        contacts={point: [(int(a), int(b)) for a, b in spans] for point, spans in person.get("contacts", {}).items()},
        gaps=[(int(a), int(b), str(reason)) for a, b, reason in person.get("gaps", [])],
    )


def _read_bvh(path: Path) -> TakeFile:
    try:
        clip = bvh.read(path)
    except ValueError as error:
        raise TakeError(f"cannot read {path.name}: {error}") from error
    try:
        clip = bvh.in_metres(clip) if bvh.has_take_s_joints(clip) else foreign.as_take(clip)
    except ValueError as error:
        raise TakeError(f"{path.name} cannot be used: {error}") from error
    person = SourceMotion(
        person=1,
        names=clip.names,
        parents=clip.parents,
        offsets=clip.offsets,
        ends=clip.ends,
        root=clip.root,
        local=clip.local,
        confidence=np.ones(clip.local.shape[:2]),
        contacts={},
    )
    fps = float(clip.fps)
    person = replace(person, contacts=contacts.contact_spans(person, fps), gaps=doubt.doubtful_spans(person, fps))
    return TakeFile(path.stem, clip.fps, len(clip.root), [person], warnings=clip.warnings)
