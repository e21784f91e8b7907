# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted feet stay planted: the hips go where standing feet want them, and two-bone legs do the rest.

In a contact the heel, or the toes when only they touch, stays at one place, near to where the unheld leg puts it; its
height is that of the target's own sole. The hips take what the standing feet have in common, so that a figure of other
proportions steps as the source does instead of bending its legs; the legs are then bent to what is left. Outside of
contacts the correction fades within RAMP_S.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from . import quaternions
from .contacts import runs
from .retarget import Pose
from .take import SourceMotion

RAMP_S = 0.13
MOST_PULL_M = 0.04  # of the source; a point that wanders further while "standing" was never planted
REACH = 0.9995  # of the leg's length: straighter legs lock and pop
MOST_BEND = 0.05  # of the leg: a foot that would be dragged further looks worse than one that slides
DROP_SMOOTHING_S = 0.15
CARRY_SMOOTHING_S = 0.1  # the hips go to the next standing foot without a jerk


def held(pose: Pose, motion: SourceMotion, fps: float) -> Pose:
    """The pose with its feet held where the take says that they stand."""
    places = pose.places()
    source = _in_armature(motion, pose)
    shifts, weights = {}, {}
    for side in ("Left", "Right"):
        if all(f"{side}{part}" in places for part in ("UpperLeg", "LowerLeg", "Foot")):
            shifts[side], weights[side] = _corrections(side, places, source, motion, pose, fps)
    carry = _carry(list(shifts.values()), list(weights.values()), fps)
    wanted = {
        side: places[f"{side}Foot"] + shift + (1 - weights[side][:, None]) * carry for side, shift in shifts.items()
    }
    pose = replace(pose, hips=pose.hips + carry)
    places = pose.places()
    wanted = {side: _gently(places[f"{side}Foot"], ankle, side, pose) for side, ankle in wanted.items()}
    drop = _drop(pose, places, wanted, fps)
    pose = replace(pose, hips=pose.hips - drop[:, None] * pose.frame[:, 1])
    places = pose.places()
    turns = dict(pose.turns)
    for side, ankle in wanted.items():
        turns |= _bent(side, pose, places, ankle)
    return replace(pose, turns=turns)


def _gently(now: np.ndarray, wanted: np.ndarray, side: str, pose: Pose) -> np.ndarray:
    """Where the ankle (T, 3) goes: where it is wanted, but over the floor no further than MOST_BEND of the leg."""
    level = _level(wanted - now, pose.frame[:, 1])
    far = np.linalg.norm(level, axis=1, keepdims=True) / (MOST_BEND * sum(_lengths(side, pose)))
    return wanted - level * (1 - 1 / np.maximum(far, 1))


def _carry(shifts: list[np.ndarray], weights: list[np.ndarray], fps: float) -> np.ndarray:
    """What the hips take over (T, 3): the mean shift of the feet that stand, smoothed; weights (T,) of standing."""
    total = np.maximum(np.sum(weights, axis=0), 1.0)
    return _bell(np.sum(shifts, axis=0) / total[:, None], max(1, round(CARRY_SMOOTHING_S * fps)))


def _bell(values: np.ndarray, half: int) -> np.ndarray:
    """Values (T, …) under a bell of so many frames to both sides."""
    bell = np.hanning(2 * half + 3)[1:-1]
    padded = np.pad(values, ((half, half), *[(0, 0)] * (values.ndim - 1)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0)
    return windows @ (bell / bell.sum())


def _in_armature(motion: SourceMotion, pose: Pose) -> dict[str, np.ndarray]:
    """The source's ankles and balls of the feet (T, 3), laid into the armature's space at its size."""
    world = motion.world_positions()
    rest = motion.rest_positions()
    found = {}
    for joint in ("LeftFoot", "RightFoot", "LeftToes", "RightToes"):
        if joint in motion.names:
            j = motion.names.index(joint)
            place = world[:, j].copy()
            place[:, 1] -= rest[j, 1]  # height over the place at which the joint is when the sole is flat
            found[joint] = pose.scale * place @ pose.frame.T
    return found


def _corrections(
    side: str, places: dict, source: dict, motion: SourceMotion, pose: Pose, fps: float
) -> tuple[np.ndarray, np.ndarray]:
    """Shifts (T, 3) of the ankle, exact in contacts, faded in and out around them; and how much (T,) it stands."""
    T = len(pose.hips)
    known, shift = np.zeros(T, dtype=bool), np.zeros((T, 3))
    up = pose.frame[:, 1]
    for start, end, joint in _planted(side, places, source, motion):
        path, now = source[joint][start:end], places[joint][start:end]
        height = (path - now + pose.rest[joint]) @ up  # the source's height over flat, the target's own flat height
        level = _level(_stilled(path, pose.scale), up) - _level(now, up)
        if start > 0 and known[start - 1]:  # from the heel onto the toes, say: the foot goes on where it is
            level += _level(shift[start - 1 : start], up)[0] - level[0]
        shift[start:end] = level + np.outer(height, up)
        known[start:end] = True
    for start, end in runs(known):  # near to where the unheld leg stands, all of its standing taken together
        shift[start:end] -= _level(shift[start:end], up).mean(axis=0)
    ramp = max(1, round(RAMP_S * fps))
    return _faded(shift, known, ramp), _faded(known[:, None].astype(float), known, ramp)[:, 0]


def _level(vectors: np.ndarray, up: np.ndarray) -> np.ndarray:
    return vectors - np.outer(vectors @ up, up)


def _stilled(path: np.ndarray, scale: float) -> np.ndarray:
    """The path (T, 3) of a standing point held at its middle; one that goes further than a plant is left as it is."""
    middle = np.median(path, axis=0)
    return path if np.abs(path - middle).max() > MOST_PULL_M * scale else np.broadcast_to(middle, path.shape)


def _planted(side: str, places: dict, source: dict, motion: SourceMotion) -> list[tuple[int, int, str]]:
    """Spans, in order and not overlapping, with the joint that stands: the ankle under a heel, else the toes' joint."""
    T = len(motion.root)
    standing = np.zeros(T, dtype=int)
    for point, joint, mark in (("Toes", "Toes", 1), ("Heel", "Foot", 2)):
        if f"{side}{joint}" in places and f"{side}{joint}" in source:
            for start, end in motion.contacts.get(f"{side}{point}", []):
                standing[max(start, 0) : min(end, T)] = mark
    edges = [0, *(np.flatnonzero(np.diff(standing)) + 1), T]
    joints = {1: f"{side}Toes", 2: f"{side}Foot"}
    return [(a, b, joints[int(standing[a])]) for a, b in pairwise(edges) if standing[a]]


def _faded(shift: np.ndarray, known: np.ndarray, ramp: int) -> np.ndarray:
    """Shifts with those of unknown frames fading out from the nearest known ones on both sides."""
    if not known.any():
        return shift
    t, at = np.arange(len(shift)), np.flatnonzero(known)
    after = np.searchsorted(at, t)
    left, right = at[np.clip(after - 1, 0, len(at) - 1)], at[np.clip(after, 0, len(at) - 1)]
    since = np.where(left <= t, t - left, np.inf)
    until = np.where(right >= t, right - t, np.inf)
    weight = [_smooth(1 - np.minimum(distance / (ramp + 1), 1)) for distance in (since, until)]
    short = (since + until) <= ramp  # between two spans that are this near, go straight from one to the other
    share = np.where(short, since, 0) / np.where(short, np.maximum(since + until, 1), 1)
    weight[0], weight[1] = np.where(short, 1 - share, weight[0]), np.where(short, share, weight[1])
    total = np.maximum(weight[0] + weight[1], 1.0)
    faded = (weight[0] / total)[:, None] * shift[left] + (weight[1] / total)[:, None] * shift[right]
    return np.where(known[:, None], shift, faded)


def _smooth(x: np.ndarray) -> np.ndarray:
    return x * x * (3 - 2 * x)


def _drop(pose: Pose, places: dict, wanted: dict, fps: float) -> np.ndarray:
    """How far (T,) the hips go down so that both ankles can be reached."""
    up, need = pose.frame[:, 1], np.zeros(len(pose.hips))
    for side, ankle in wanted.items():
        reach = REACH * sum(_lengths(side, pose))
        away = ankle - places[f"{side}UpperLeg"]
        level = away - np.outer(away @ up, up)
        below = -(away @ up)
        most = np.sqrt(np.maximum(reach**2 - np.sum(level**2, axis=1), 0.0))
        need = np.maximum(need, below - most)
    if need.max() <= 0:
        return np.zeros(len(need))
    half = max(1, round(DROP_SMOOTHING_S * fps))
    padded = np.pad(np.maximum(need, 0.0), 2 * half, mode="edge")
    widest = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).max(axis=1)
    return _bell(widest, half)[half:-half]


def _lengths(side: str, pose: Pose) -> tuple[float, float]:
    hip, knee, ankle = (pose.rest[f"{side}{part}"] for part in ("UpperLeg", "LowerLeg", "Foot"))
    return float(np.linalg.norm(knee - hip)), float(np.linalg.norm(ankle - knee))


def _bent(side: str, pose: Pose, places: dict, ankle: np.ndarray) -> dict[str, np.ndarray]:
    """Turns of thigh and shin that put the ankle (T, 3) there, the knee in the plane in which it was."""
    hip, knee, old = (places[f"{side}{part}"] for part in ("UpperLeg", "LowerLeg", "Foot"))
    thigh, shin = _lengths(side, pose)
    away = ankle - hip
    far = np.clip(np.linalg.norm(away, axis=1), abs(thigh - shin) * 1.001, REACH * (thigh + shin))
    along = away / np.linalg.norm(away, axis=1, keepdims=True)
    turned = quaternions.rotate(quaternions.shortest_arc(old - hip, away), knee - hip)
    side_step = turned - np.sum(turned * along, axis=1, keepdims=True) * along
    ahead = quaternions.rotate(pose.turns[f"{side}UpperLeg"], np.broadcast_to(pose.frame[:, 2], away.shape))
    ahead = ahead - np.sum(ahead * along, axis=1, keepdims=True) * along
    bend = np.linalg.norm(side_step, axis=1, keepdims=True)
    sure = np.clip(bend / (0.02 * (thigh + shin)), 0, 1)  # a straight leg does not tell where its knee points
    pole = sure * side_step / np.maximum(bend, 1e-9) + (1 - sure) * ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
    pole /= np.linalg.norm(pole, axis=1, keepdims=True)
    cosine = (thigh**2 + far**2 - shin**2) / (2 * thigh * far)
    new_knee = hip + thigh * (cosine[:, None] * along + np.sqrt(1 - np.minimum(cosine**2, 1))[:, None] * pole)
    new_ankle = hip + far[:, None] * along
    found = {}
    for part, before, after in (
        ("UpperLeg", knee - hip, new_knee - hip),
        ("LowerLeg", old - knee, new_ankle - new_knee),
    ):
        found[f"{side}{part}"] = quaternions.multiply(
            quaternions.shortest_arc(before, after), pose.turns[f"{side}{part}"]
        )
    return found
