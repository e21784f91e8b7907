# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that want a look, of motion that comes without being told how sure it is (a bare BVH)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import quaternions
from .contacts import runs

if TYPE_CHECKING:
    from .take import SourceMotion

HELD, JUMP = "held still", "jump"
STILL_RAD, STILL_M = 1e-5, 1e-5  # files have six decimals; living people always move more
LEAST_HELD_S = 0.15
MOST_TURN_S = np.radians(2000)  # limbs of people who dance or throw stay below; arms turned over do not
MOST_SPEED_M_S = 12.0  # of the hips: sprinters reach it


def doubtful_spans(motion: SourceMotion, fps: float) -> list[tuple[int, int, str]]:
    """Half open spans in order: the pose is held still, as where nobody was seen, or jumps."""
    turns, steps = _turns(motion), np.linalg.norm(np.diff(motion.root, axis=0), axis=1)
    still = (turns.max(axis=1, initial=0) < STILL_RAD) & (steps < STILL_M)
    found = [(a, b + 1, HELD) for a, b in runs(still) if (b - a) >= LEAST_HELD_S * fps]
    jumps = (turns.max(axis=1, initial=0) > MOST_TURN_S / fps) | (steps > MOST_SPEED_M_S / fps)
    found += [(a, b + 1, JUMP) for a, b in runs(jumps)]
    return sorted(found)


def _turns(motion: SourceMotion) -> np.ndarray:
    """Radians (T − 1, J) that each joint turns from frame to frame; the sine of the half is exact for small ones."""
    step = quaternions.multiply(quaternions.inverse(motion.local[:-1]), motion.local[1:])
    return 2 * np.arcsin(np.clip(np.linalg.norm(step[..., 1:], axis=-1), 0, 1))
