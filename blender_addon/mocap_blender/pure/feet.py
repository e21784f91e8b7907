# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted feet stay planted: two-bone legs are bent until ankles are where the source's, grown to size, are.

In a contact the heel, or the toes when only they touch, stays at one place, near to where the unheld leg puts it; its
height is that of the target's own sole. Outside of contacts the correction fades within RAMP_S.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from . import quaternions
from .retarget import Pose
from .take import SourceMotion

RAMP_S = 0.13
MOST_PULL_M = 0.04  # of the source; a point that wanders further while "standing" was never planted
REACH = 0.9995  # of the leg's length: straighter legs lock and pop
DROP_SMOOTHING_S = 0.15


def held(pose: Pose, motion: SourceMotion, fps: float) -> Pose:
    """The pose with its feet held where the take says that they stand."""
    places = pose.places()
    source = _in_armature(motion, pose)
    wanted = {}
    for side in ("Left", "Right"):
        if all(f"{side}{part}" in places for part in ("UpperLeg", "LowerLeg", "Foot")):
            shift = _corrections(side, places, source, motion, pose, fps)
            wanted[side] = places[f"{side}Foot"] + shift
    drop = _drop(pose, places, wanted, fps)
    pose = replace(pose, hips=pose.hips - drop[:, None] * pose.frame[:, 1])
    places = pose.places()
    turns = dict(pose.turns)
    for side, ankle in wanted.items():
        turns |= _bent(side, pose, places, ankle)
    return replace(pose, turns=turns)


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


def _corrections(side: str, places: dict, source: dict, motion: SourceMotion, pose: Pose, fps: float) -> np.ndarray:
    """Shifts (T, 3) of the ankle: exact in contacts, faded in and out around them."""
    T = len(pose.hips)
    known, shift = np.zeros(T, dtype=bool), np.zeros((T, 3))
    up = pose.frame[:, 1]
    for start, end, joint in _planted(side, places, source, motion):
        path, now = source[joint][start:end], places[joint][start:end]
        height = (path - now + pose.rest[joint]) @ up  # the source's height over flat, the target's own flat height
        level = _level(_stilled(path, pose.scale), up) - _level(now, up)
        level -= _offset(level, shift, known, start, up)
        shift[start:end] = level + np.outer(height, up)
        known[start:end] = True
    return _faded(shift, known, max(1, round(RAMP_S * fps)))


def _level(vectors: np.ndarray, up: np.ndarray) -> np.ndarray:
    return vectors - np.outer(vectors @ up, up)


def _stilled(path: np.ndarray, scale: float) -> np.ndarray:
    """The path (T, 3) of a standing point held at its middle; one that goes further than a plant is left as it is."""
    middle = np.median(path, axis=0)
    return path if np.abs(path - middle).max() > MOST_PULL_M * scale else np.broadcast_to(middle, path.shape)


def _offset(level: np.ndarray, shift: np.ndarray, known: np.ndarray, start: int, up: np.ndarray) -> np.ndarray:
    """What to take off a span's level misses: their mean, or, right after another span, what lets it go on."""
    if start > 0 and known[start - 1]:
        return level[0] - _level(shift[start - 1 : start], up)[0]
    return level.mean(axis=0)


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
    share = np.where(np.isfinite(until), since / np.maximum(since + until, 1), 0.0) if short.any() else np.zeros(len(t))
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
    bell = np.hanning(2 * half + 3)[1:-1]
    return np.convolve(widest, bell / bell.sum(), mode="valid")


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
