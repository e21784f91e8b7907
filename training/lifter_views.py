"""What a camera sees of bodies in motion: random bodies, cameras and detector noise, with exact truth for a lifter.

Bodies are the takes of ``training.motions`` with other proportions, mirrored, some backwards in time, some with another
take's upper body or arms, some bent further, some with loosened limbs. Lengths are in statures: a body is 1 tall. Every
batch is made anew from a seed, so nothing is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mocap.model.rotation import Array
from mocap.solve.lift.features import FEET, MIRROR, features_of
from training.captured_bodies import NAMES, Body, Cast, _about_y, bent, cut, landmarks_of, loosened, prepared
from training.detector_noise import Notice, Noticed, about_hips, noticed
from training.drawn_postures import drawn
from training.held_out import FAR_KINDS, far_kind, is_near
from training.motions import FPS, SourceTake
from training.retargeted import SHORT_LIMBED, retargeted

# Of windows: hundreds of short takes would outweigh the long ones, and with 30 % of UI-PRMD known motions got worse.
FRACTIONS = {("uiprmd/",): 0.17, SHORT_LIMBED: 0.08}
LOOSE_SHARE, BENT_SHARE, BACKWARDS_SHARE, DRAWN_FRACTION = 0.5, 0.15, 0.15, 0.3  # of windows for training
CONTACT_SPEED = 0.35  # statures a second: the CONTACT rule's 0.6 m/s
CONTACT_HEIGHT = 0.035  # statures: 0.06 m over the lowest place within half a second


@dataclass(frozen=True, eq=False)
class Batch:
    """features (B, T, F); truth (B, T, 33, 3) about the hips' middle, along the axes of the viewing camera, statures;

    up (B, T, 3) unit, the same axes; contacts (B, T, 4) of FEET, 0 or 1.
    """

    features: Array
    truth: Array
    up: Array
    contacts: Array


def split(takes: list[SourceTake]) -> tuple[list[Body], list[Body]]:
    """Divide takes into those for training and near ones for testing.

    Parameters
    ----------
    takes : list of SourceTake
        All that there are.

    Returns
    -------
    training, near : lists of Body
        They have no take in common; whole kinds of motion are in neither, or in the second alone (``far``).
    """
    takes = retargeted(takes)
    training = [prepared(take) for take in takes if not is_near(take.name) and far_kind(take.name) is None]
    return training, [prepared(take) for take in takes if is_near(take.name)]


def far(takes: list[SourceTake]) -> dict[str, list[Body]]:
    """Find the takes of kinds that no training sees.

    Parameters
    ----------
    takes : list of SourceTake
        All that there are.

    Returns
    -------
    dict of str to list of Body
        The takes of each of ``held_out.FAR_KINDS`` of which there are any.
    """
    takes = retargeted(takes)
    kinds = {kind: [prepared(take) for take in takes if far_kind(take.name) == kind] for kind in FAR_KINDS}
    return {kind: bodies for kind, bodies in kinds.items() if bodies}


def chances_of(bodies: list[Body]) -> Array:
    """Say how often each take is drawn.

    Parameters
    ----------
    bodies : list of N Body
        Takes of any sources.

    Returns
    -------
    (N,)
        Chances that sum to 1: within a source they go by the root of the length, walks count half, and the sources of
        ``FRACTIONS`` have these fractions of all.
    """
    chances = np.array([(0.5 if "walk" in body.name else 1.0) * len(body.points) ** 0.5 for body in bodies])
    source = np.array([next((i for i, s in enumerate(FRACTIONS) if body.name.startswith(s)), -1) for body in bodies])
    for i, fraction in [(-1, 1 - sum(FRACTIONS.values())), *enumerate(FRACTIONS.values())]:
        chances[source == i] *= fraction / max(np.sum(chances[source == i]), 1e-9)
    return np.asarray(chances / np.sum(chances))


class Views:
    """Batches of windows, each seen by ``cameras`` cameras of their own.

    notice: what is said of landmarks in a camera's frame. mixed: with other takes' upper bodies and arms, bent and
    loosened limbs, and backwards in time.
    """

    def __init__(
        self, bodies: list[Body], *, frames: int = 81, notice: Notice = noticed, mixed: bool = True, cameras: int = 1
    ) -> None:
        self.bodies, self.frames, self.notice, self.mixed, self.cameras = bodies, frames, notice, mixed, cameras
        self.chances = chances_of(bodies)

    def batch(self, size: int, rng: np.random.Generator) -> Batch:
        """``size`` windows."""
        seen, up, touching = self.seen(size, rng)
        return batch_of(seen, up, touching, self.notice(seen, rng))

    def seen(self, size: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """Landmarks (size, T, 33, 3) and up (size, 3) in the frames of their cameras, and contacts (size, T, 4)."""
        world = np.stack([self._window(rng) for _ in range(-(-size // self.cameras))])
        world, touching = (np.repeat(values, self.cameras, axis=0)[:size] for values in (world, _touching(world)))
        return *_viewed(world, rng), touching

    def _window(self, rng: np.random.Generator) -> Array:
        speed = float(np.exp(rng.uniform(np.log(0.6), np.log(1.5))))
        legs = self._cut(speed, rng)
        if self.mixed and rng.random() < DRAWN_FRACTION:
            legs = drawn(legs, rng)
            return self._mirrored(landmarks_of(Cast(legs, legs, (legs, legs)), rng), rng)
        upper = self._cut(speed, rng) if self.mixed and rng.random() < 0.3 else legs
        if self.mixed and rng.random() < 0.25:
            arms = self._cut(speed, rng)
            cast = Cast(legs, upper, (arms, arms) if rng.random() < 0.5 else (arms, upper))
        else:
            cast = Cast(legs, upper, (upper, upper))
        if self.mixed and rng.random() < BENT_SHARE:
            cast = _changed(cast, lambda body: bent(body, rng))
        if self.mixed and rng.random() < LOOSE_SHARE:
            strength = rng.uniform(0.2, 1.2)
            cast = _changed(cast, lambda body: loosened(body, strength, rng))
        return self._mirrored(landmarks_of(cast, rng), rng)

    def _mirrored(self, landmarks: Array, rng: np.random.Generator) -> Array:
        return landmarks[:, MIRROR] * [-1, 1, 1] if rng.random() < 0.5 else landmarks

    def _cut(self, speed: float, rng: np.random.Generator) -> Body:
        body = cut(self.bodies[rng.choice(len(self.bodies), p=self.chances)], self.frames, rng, speed)
        if self.mixed and rng.random() < BACKWARDS_SHARE:
            return Body(body.name, body.points[::-1], body.frames[::-1])
        return body


def _changed(cast: Cast, change: Callable[[Body], Body]) -> Cast:
    """The cast with every body changed; who gives several parts still does."""
    changed = {id(body): change(body) for body in {id(b): b for b in (cast.legs, cast.upper, *cast.arms)}.values()}
    left, right = (changed[id(arm)] for arm in cast.arms)
    return Cast(changed[id(cast.legs)], changed[id(cast.upper)], (left, right))


def batch_of(seen: Array, up: Array, contacts: Array, told: Noticed) -> Batch:
    """The network's input beside the truth: landmarks (B, T, 33, 3) and up (B, 3) in the camera's frame."""
    turn, features = features_of(told.rays, told.confidence, told.guess)
    truth = about_hips(seen) @ turn.swapaxes(-1, -2)
    return Batch(features, truth, np.einsum("btij,bj->bti", turn, up), contacts)


def _touching(world: Array) -> Array:
    """Contacts (B, T, 4) of FEET: slow and low."""
    feet = world[:, :, [NAMES.index(name) for name in FEET]]
    speed = np.linalg.norm(np.gradient(feet, axis=1), axis=-1) * FPS
    half = FPS // 2
    padded = np.pad(feet[..., 1], ((0, 0), (half, half), (0, 0)), mode="edge")
    low = np.min(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=1), axis=-1)
    return np.asarray((speed < CONTACT_SPEED) & (feet[..., 1] - low < CONTACT_HEIGHT), dtype=float)


def _viewed(world: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Landmarks (B, T, 33, 3) in the frame of a random camera, and up (B, 3) in it."""
    B = len(world)
    hips = 0.5 * (world[:, :, NAMES.index("left_hip")] + world[:, :, NAMES.index("right_hip")])
    middle = np.median(hips, axis=1)
    yaw, roll = rng.uniform(0, 2 * np.pi, B), np.radians(np.clip(rng.normal(0, 6, B), -20, 20))
    pitch = np.radians(np.clip(rng.normal(10, 14, B), -20, 50))
    distance = np.exp(rng.uniform(np.log(1.2), np.log(6.0), B))
    R = _about_y(yaw)
    c, s = np.cos(pitch), np.sin(pitch)
    down = np.zeros(
        (B, 3, 3)
    )  # x right, y down, z forwards of a camera that looks along world -Z, turned down by pitch
    down[:, 0, 0], down[:, 1, 1], down[:, 1, 2], down[:, 2, 1], down[:, 2, 2] = 1, -c, s, -s, -c
    c, s = np.cos(roll), np.sin(roll)
    rolled = np.zeros((B, 3, 3))
    rolled[:, 0, 0], rolled[:, 0, 1], rolled[:, 1, 0], rolled[:, 1, 1], rolled[:, 2, 2] = c, -s, s, c, 1
    camera = rolled @ down @ R
    seen = (world - middle[:, None, None]) @ camera[:, None].swapaxes(-1, -2)
    spread = np.abs(seen).max(axis=(1, 2, 3))
    depth = np.maximum(distance, spread + 0.25)
    off_axis = rng.normal(0, 0.12, (B, 2)) * depth[:, None]
    place = np.concatenate([off_axis, depth[:, None]], axis=1)
    return seen + place[:, None, None], camera[:, :, 1]
