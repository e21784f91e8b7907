"""The example's motion, written by rule: walk, turn, stop, wave, squat, stand. No recording is used.

Footprints are laid along a path; a foot on the ground is held by the heel, the sole or the ball, and the leg above it
follows by two-bone inverse kinematics, so a planted foot stands still exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from walk_body import Array, Body

FPS = 30
DURATION_S = 9.8
STEP_S = 0.54  # one step; a cycle is two
SWING_S = 0.41  # a foot is in the air for 38 % of a cycle, as in walking at ease
FIRST_STRIKE_S = 0.85
STEPS = 8
MID_STANCE_S = 0.275  # after its strike a foot is under the hips
START_XZ = (-1.4, -2.15)
SPEED = ((0.0, 0.0), (0.35, 0.0), (1.0, 1.05), (3.5, 1.05), (4.45, 0.0), (DURATION_S, 0.0))  # s, m/s
HEADING = ((0.0, 43.0), (2.2, 43.0), (4.5, -6.0), (DURATION_S, -6.0))  # s, degrees about +Y; 0 faces the camera
HEEL_RISE = np.radians(50.0)
TOE_LIFT = np.radians(17.0)  # at heel strike
RISE_S, ROLL_S = 0.30, 0.12  # heel-off to toe-off; heel strike to foot flat
FULL_STEP_M = 0.56

WAVE = ((0.0, 0.0), (4.5, 0.0), (5.15, 1.0), (6.45, 1.0), (7.05, 0.0), (DURATION_S, 0.0))
SQUAT = ((0.0, 0.0), (7.0, 0.0), (7.95, 1.0), (8.2, 1.0), (9.2, 0.0), (DURATION_S, 0.0))
SQUAT_DEPTH_M, SQUAT_BACK_M = 0.34, 0.13


def keyed(keys: tuple[tuple[float, float], ...], t: Array | float) -> Array:
    """A smooth curve through (time, value) keys that never overshoots them."""
    times, values = zip(*keys)
    return np.asarray(PchipInterpolator(times, values)(t))


def turn_x(angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def turn_y(angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def turn_z(angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def frame_of(direction: Array, axis: Array) -> Array:
    """The orthonormal frame (3, 3) whose first column is ``direction`` and whose second lies nearest to ``axis``."""
    d = direction / np.linalg.norm(direction)
    a = axis - d * (axis @ d)
    a = a / np.linalg.norm(a)
    return np.stack([d, a, np.cross(d, a)], axis=1)


class Path:
    """Where the body is on the ground and where it heads."""

    def __init__(self) -> None:
        self._times = np.linspace(0.0, DURATION_S, int(DURATION_S * 500) + 1)
        heading = self.heading(self._times)
        velocity = keyed(SPEED, self._times)[:, None] * np.stack([np.sin(heading), np.cos(heading)], axis=1)
        self._places = np.array(START_XZ) + np.cumsum(velocity, axis=0) / 500

    def heading(self, t: Array | float) -> Array:
        return np.radians(keyed(HEADING, t))

    def place(self, t: float) -> Array:
        """The point (3,) on the ground under the hips."""
        x, z = (np.interp(t, self._times, self._places[:, k]) for k in range(2))
        return np.array([x, 0.0, z])


@dataclass(frozen=True)
class Stance:
    """One footprint: from heel strike to toe-off (s), the flat ankle's ground point (3,), yaw, and how much of a full
    step came before and comes after it (0..1; small steps lift the heel and the toes less)."""

    start: float
    end: float
    place: Array
    yaw: float
    stride_in: float
    stride_out: float


def footprints(path: Path) -> dict[str, list[Stance]]:
    """The stances of each foot over the whole clip."""
    return {side: _stances(path, side) for side in ("Left", "Right")}


def _stances(path: Path, side: str) -> list[Stance]:
    first = 0 if side == "Right" else 1
    strikes = [-1.0, *(FIRST_STRIKE_S + k * STEP_S for k in range(first, STEPS, 2))]
    ends = [strike - SWING_S for strike in strikes[1:]] + [DURATION_S + 1]
    middles = [0.0, *(min(strike + MID_STANCE_S, DURATION_S) for strike in strikes[1:])]
    places = [_footprint(path, side, middle) for middle in middles]
    strides = [0.0, *(np.linalg.norm(b - a) / (2 * FULL_STEP_M) for a, b in pairwise(places)), 0.0]
    strides = [min(1.0, float(s)) for s in strides]
    out = 1.0 if side == "Left" else -1.0
    return [
        Stance(s, e, p, float(path.heading(m)) + out * np.radians(7), i, o)
        for s, e, p, m, i, o in zip(strikes, ends, places, middles, strides, strides[1:])
    ]


def _footprint(path: Path, side: str, t: float) -> Array:
    standing = 1 - min(1.0, float(keyed(SPEED, t)) / 0.6)
    aside = (0.075 + 0.035 * standing) * (1 if side == "Left" else -1)
    return path.place(t) + turn_y(float(path.heading(t))) @ np.array([aside, 0.0, 0.0])


@dataclass(frozen=True)
class FootPose:
    """The ankle's place (3,), and the world rotations of foot and toes from rest."""

    ankle: Array
    foot: Array
    toes: Array


class Foot:
    """One foot's road through its footprints."""

    def __init__(self, body: Body, side: str, stances: list[Stance]) -> None:
        self.stances = stances
        ankle = body.joint(side + "Foot")
        self.height = ankle[1]
        self.to_ball = body.joint(side + "ToeBase") - ankle
        heel = body.points[f"{side.lower()}_heel"][1]
        self.to_heel = np.array([heel[0], 0.0, heel[2] - 0.008]) - ankle

    def at(self, t: float) -> FootPose:
        """The foot at a time: on its footprint, or in the air between two."""
        for stance, following in zip(self.stances, [*self.stances[1:], None]):
            if t <= stance.end or following is None:
                return self._planted(stance, t)
            if t < following.start:
                return self._in_the_air(stance, following, t)
        raise AssertionError("the last stance has no end")

    def _planted(self, stance: Stance, t: float) -> FootPose:
        flat = stance.place + np.array([0.0, self.height, 0.0])
        yaw = turn_y(stance.yaw)
        rise, lift = _rise(stance, t), _lift(stance, t)
        if rise > 0:
            ball = flat + yaw @ self.to_ball
            foot = yaw @ turn_x(rise)
            return FootPose(ball - foot @ self.to_ball, foot, yaw)
        heel = flat + yaw @ self.to_heel
        foot = yaw @ turn_x(-lift)
        return FootPose(heel - foot @ self.to_heel, foot, foot)

    def _in_the_air(self, before: Stance, after: Stance, t: float) -> FootPose:
        duration = after.start - before.end
        s = (t - before.end) / duration
        ankle = _hermite(self._ends(before, after), duration, s)
        ankle[1] += 0.022 * max(before.stride_out, 0.5) * 28.9 * s**2 * (1 - s) ** 3  # highest at s = 0.4
        yaw = turn_y(before.yaw + (after.yaw - before.yaw) * ease(s))
        rise, lift = _rise(before, before.end), _lift(after, after.start)
        rising = 0.4 * _slope(_rise, before, before.end)  # the rest of the push goes into the toes
        pitch = float(_hermite(tuple(np.array([rise, -lift, rising, 0.0])), duration, s))
        bend = rise * (1 - ease(min(1.0, s / 0.45)))
        return FootPose(ankle, yaw @ turn_x(pitch), yaw @ turn_x(pitch - bend))

    def _ends(self, before: Stance, after: Stance) -> tuple[Array, Array, Array, Array]:
        """Ankle at toe-off and at heel strike, and its velocity there."""
        a, b, dt = before.end, after.start, 1e-3
        leaving, landing = self._planted(before, a).ankle, self._planted(after, b).ankle
        v_leaving = (leaving - self._planted(before, a - dt).ankle) / dt
        v_landing = (self._planted(after, b + dt).ankle - landing) / dt
        v_landing[1] *= 0.3  # the heel is set down, not dropped
        return leaving, landing, v_leaving, v_landing


def _rise(stance: Stance, t: float) -> float:
    """Heel rise (rad) about the ball, faster and faster until toe-off."""
    u = np.clip((t - stance.end + RISE_S) / RISE_S, 0.0, 1.0)
    return float(HEEL_RISE * max(stance.stride_out, 0.35) * u**2)


def _lift(stance: Stance, t: float) -> float:
    """Toe lift (rad) about the heel after heel strike."""
    u = np.clip((t - stance.start) / ROLL_S, 0.0, 1.0)
    return float(TOE_LIFT * stance.stride_in * (1 - u) ** 2)


def _slope(curve: Callable[[Stance, float], float], stance: Stance, t: float) -> float:
    return (curve(stance, t) - curve(stance, t - 1e-3)) / 1e-3


def ease(s: float) -> float:
    return float(s * s * (3 - 2 * s))


def _hermite(ends: tuple[Array, Array, Array, Array], duration: float, s: float) -> Array:
    """The cubic between (start, end, velocity at start, velocity at end), at s in 0..1 of its duration."""
    p0, p1, v0, v1 = ends
    h = (2 * s**3 - 3 * s**2 + 1, s**3 - 2 * s**2 + s, -2 * s**3 + 3 * s**2, s**3 - s**2)
    return np.asarray(h[0] * p0 + h[1] * duration * v0 + h[2] * p1 + h[3] * duration * v1)


def contact_spans(stances: list[Stance]) -> dict[str, list[list[int]]]:
    """Frames [first, last] where the sole's heel, and where its toes, rest still on the floor."""
    last = round(DURATION_S * FPS) - 1
    spans: dict[str, list[list[int]]] = {"heel": [], "toe": []}
    for stance in stances:
        flat = stance.start + ROLL_S
        for part, end in (("heel", stance.end - RISE_S), ("toe", stance.end)):
            span = [max(0, int(np.ceil(flat * FPS))), min(last, int(np.floor(end * FPS)))]
            if span[1] > span[0]:
                spans[part].append(span)
    return spans


def timeline() -> NDArray[np.float64]:
    """The time (T,) of every frame, seconds."""
    return np.arange(round(DURATION_S * FPS)) / FPS
