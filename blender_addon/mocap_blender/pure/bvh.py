# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading BVH files: those that ``mocap`` writes, in metres or centimetres, and others (``foreign.py``)."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from . import bvh_tokens, quaternions

STANDARD_RATES = [Fraction(n) for n in (15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)] + [
    Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)
]
SHORTEST_S, LONGEST_S = 0.00001, 100  # of a frame
COARSE_RATE = 1e-4  # six decimals of 1/120 s miss it by that; neighbouring standard rates differ ten times more
CENTIMETRES_FROM = 10.0  # a rest pose taller than this cannot be in metres


@dataclass(frozen=True, eq=False)
class Clip:
    """Joints as in ``take.SourceMotion``; root (T, 3), local (T, J, 4); lengths in the file's unit.

    warnings: what was put right in reading the file.
    """

    names: list[str]
    parents: np.ndarray
    offsets: np.ndarray
    ends: dict[str, np.ndarray]
    root: np.ndarray
    local: np.ndarray
    fps: Fraction
    warnings: list[str] = field(default_factory=list)


def read(path: str | os.PathLike) -> Clip:
    """The clip in a BVH file.

    Raises ValueError, one line that names line and word, for a file that is damaged, and OSError for one that cannot
    be opened.
    """
    return _clip(bvh_tokens.read(path))


def parse(text: str) -> Clip:
    """The clip in a BVH text. Raises ValueError as ``read`` does."""
    return _clip(bvh_tokens.parse(io.StringIO(text)))


def _clip(tokens: bvh_tokens.BvhTokens) -> Clip:
    if not tokens.frames:
        raise ValueError("it has no frames, only a rest pose; export it again with its motion")
    names = tokens.names()
    rows = np.array(tokens.numbers, dtype=float).reshape(tokens.frames, tokens.channels)
    offsets = np.array([joint.offset for joint in tokens.joints])
    ends = {name: np.array(joint.end) for name, joint in zip(names, tokens.joints) if joint.end is not None}
    for what, values in (("a frame", rows), ("an OFFSET", offsets), ("an End Site", np.array(list(ends.values())))):
        if not np.all(np.abs(values) <= bvh_tokens.LARGEST):
            raise ValueError(f"{what} has a number that is missing or beyond a million; export it again")
    root, local = _motion(rows, [joint.channels for joint in tokens.joints], offsets)
    parents = np.array([joint.parent for joint in tokens.joints])
    rate = _rate(tokens.frame_time, tokens.frame_time_line)
    return Clip(names, parents, offsets, ends, root, local, rate, tokens.warnings)


def has_take_s_joints(clip: Clip) -> bool:
    """Whether a clip has the joints that ``mocap`` writes."""
    return all(name in clip.names for name in ("Hips", "Spine", "LeftUpperLeg", "RightUpperArm"))


def in_metres(clip: Clip) -> Clip:
    """A clip of ``mocap``, which writes metres or centimetres, in metres."""
    metre = 0.01 if np.abs(clip.offsets).sum(axis=1).max() > CENTIMETRES_FROM else 1.0
    ends = {name: metre * end for name, end in clip.ends.items()}
    return replace(clip, offsets=metre * clip.offsets, ends=ends, root=metre * clip.root)


def _motion(rows: np.ndarray, channels: list[tuple[str, ...]], offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    local = np.broadcast_to(quaternions.IDENTITY, (len(rows), len(channels), 4)).copy()
    root = np.broadcast_to(offsets[0], (len(rows), 3)).copy()
    column = 0
    for j, own in enumerate(channels):
        turns = [(i, name) for i, name in enumerate(own) if name.endswith("rotation")]
        for i, name in enumerate(own):
            if j == 0 and name.endswith("position"):
                root[:, "XYZ".index(name[0])] = rows[:, column + i]
        order = "".join(name[0] for _, name in turns)
        local[:, j] = quaternions.from_euler(order, rows[:, [column + i for i, _ in turns]])
        column += len(own)
    return root, quaternions.continuous(local)


def _rate(text: str, line: int) -> Fraction:
    """The frames a second, exact where it is a usual rate."""
    try:
        frame_time = float(text)
    except ValueError:
        frame_time = 0.0
    if not SHORTEST_S <= frame_time <= LONGEST_S:
        raise ValueError(f"line {line}: expected a frame time from {SHORTEST_S} to {LONGEST_S} s, got '{text[:40]}'")
    nearest = min(STANDARD_RATES, key=lambda rate: abs(float(rate) * frame_time - 1))
    if abs(float(nearest) * frame_time - 1) < COARSE_RATE:
        return nearest
    return Fraction(1 / frame_time).limit_denominator(1001)
