# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading BVH files: those that ``mocap`` writes, in metres or centimetres, and others (``foreign.py``)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from . import quaternions

STANDARD_RATES = [Fraction(n) for n in (15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)] + [
    Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)
]
COARSE_RATE = 1e-4  # six decimals of 1/120 s miss it by that; neighbouring standard rates differ ten times more
CENTIMETRES_FROM = 10.0  # a rest pose taller than this cannot be in metres


@dataclass(frozen=True, eq=False)
class Clip:
    """Joints as in ``take.SourceMotion``; root (T, 3), local (T, J, 4); lengths in the file's unit."""

    names: list[str]
    parents: np.ndarray
    offsets: np.ndarray
    ends: dict[str, np.ndarray]
    root: np.ndarray
    local: np.ndarray
    fps: Fraction


def parse(text: str) -> Clip:
    """The clip in a BVH text. Raises ValueError, naming the place."""
    head, mark, motion = text.partition("MOTION")
    if not head.lstrip().startswith("HIERARCHY") or not mark:
        raise ValueError("it has no HIERARCHY and MOTION")
    names, parents, offsets, channels, ends = _hierarchy(head.split())
    lines = motion.strip().split("\n", 2)
    if len(lines) < 3 or not lines[0].startswith("Frames:") or not lines[1].startswith("Frame Time:"):
        raise ValueError("'Frames:' and 'Frame Time:' are missing")
    count, width = int(lines[0].split()[1]), sum(len(own) for own in channels)
    values = np.array(lines[2].split(), dtype=float)
    if len(values) != count * width or count < 1 or not np.isfinite(values).all():
        raise ValueError(f"it announces {count} frames of {width} numbers and has {len(values)} numbers")
    rows = values.reshape(count, width)
    root, local = _motion(rows, channels, offsets)
    return Clip(names, parents, offsets, ends, root, local, _rate(float(lines[1].split()[2])))


def has_take_s_joints(clip: Clip) -> bool:
    """Whether a clip has the joints that ``mocap`` writes."""
    return all(name in clip.names for name in ("Hips", "Spine", "LeftUpperLeg", "RightUpperArm"))


def in_metres(clip: Clip) -> Clip:
    """A clip of ``mocap``, which writes metres or centimetres, in metres."""
    metre = 0.01 if np.abs(clip.offsets).sum(axis=1).max() > CENTIMETRES_FROM else 1.0
    ends = {name: metre * end for name, end in clip.ends.items()}
    return replace(clip, offsets=metre * clip.offsets, ends=ends, root=metre * clip.root)


def _hierarchy(words: list[str]) -> tuple:
    names, parents, offsets, channels, ends = [], [], [], [], {}
    open_joints: list[int | None] = []
    i = 1
    while i < len(words):
        word = words[i]
        if word in ("ROOT", "JOINT"):
            joint = len(names)
            names.append(words[i + 1])
            parents.append(next((j for j in reversed(open_joints) if j is not None), -1))
            offsets.append([0.0] * 3)
            channels.append([])
            open_joints.append(joint)
            i += 3
        elif word == "End":
            open_joints.append(None)
            i += 3
        elif word == "OFFSET":
            place = [float(value) for value in words[i + 1 : i + 4]]
            if open_joints[-1] is None:
                ends[names[open_joints[-2]]] = np.array(place)
            else:
                offsets[open_joints[-1]] = place
            i += 4
        elif word == "CHANNELS":
            number = int(words[i + 1])
            channels[open_joints[-1]] = words[i + 2 : i + 2 + number]
            i += 2 + number
        elif word == "}":
            open_joints.pop()
            i += 1
        else:
            raise ValueError(f"'{word[:20]}' is not expected in the hierarchy")
    if not names or open_joints:
        raise ValueError("the hierarchy is cut off")
    return names, np.array(parents), np.array(offsets), channels, ends


def _motion(rows: np.ndarray, channels: list[list[str]], offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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


def _rate(frame_time: float) -> Fraction:
    """The frames a second, exact where it is a usual rate."""
    if frame_time <= 0:
        raise ValueError("'Frame Time:' must be above 0")
    nearest = min(STANDARD_RATES, key=lambda rate: abs(float(rate) * frame_time - 1))
    return (
        nearest
        if abs(float(nearest) * frame_time - 1) < COARSE_RATE
        else Fraction(1 / frame_time).limit_denominator(1001)
    )
