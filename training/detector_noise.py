"""What a detector says of landmarks in a camera's frame: image points with faults, confidence, a guess of depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.model.body import TRUNK_CORNERS
from mocap.model.keypoints import COCO_17, LSP_14
from mocap.model.rotation import Array
from mocap.solve.lift.features import rotation_to_axis
from training.captured_bodies import NAMES

K = len(NAMES)
SHAKY = np.array([1.7 if n.endswith(("wrist", "pinky", "index", "thumb", "ankle", "heel")) else 1.0 for n in NAMES])
NAMED_ELSEWHERE = (("shoulder", "hip", -0.018), ("elbow", "shoulder", 0.011), ("ankle", "knee", 0.007))
HIPS = [NAMES.index("left_hip"), NAMES.index("right_hip")]


@dataclass(frozen=True, eq=False)
class Noticed:
    """rays (B, T, 33, 2): x/z and y/z. confidence (B, T, 33), 0 = missing. guess (B, T, 33, 3) about the hips along the

    axes of a camera that looks at the body, NaN = none.
    """

    rays: Array
    confidence: Array
    guess: Array | None


@dataclass(frozen=True)
class Hardness:
    """How much of what a pose network says is kept back, as fractions of windows.

    withheld: without its depth. fewer: with the keypoints of a smaller layout, for each such layout. doubted: with
    confidence of another scale.
    """

    withheld: float
    fewer: float
    doubted: float


USUAL = Hardness(withheld=0.2, fewer=0.08, doubted=0.0)  # what is measured on
TRAINING = Hardness(withheld=0.5, fewer=0.13, doubted=0.4)
Notice = Callable[[Array, np.random.Generator], Noticed]  # of landmarks (B, T, 33, 3) in the camera's frame, statures


def about_hips(points: Array) -> Array:
    """Points (..., 33, 3) relative to the middle of the hips."""
    return np.asarray(points - points[..., HIPS, :].mean(axis=-2, keepdims=True))


def exactly(seen: Array, rng: np.random.Generator | None = None) -> Noticed:
    """The landmarks (B, T, 33, 3) as they are, without a guess; nothing is drawn."""
    return Noticed(seen[..., :2] / np.maximum(seen[..., 2:], 0.1), np.full(seen.shape[:3], 0.95), None)


def as_named(seen: Array) -> Array:
    """The landmarks (..., 33, 3) where the pose network has them on rendered bodies: shoulders higher, others nearer to
    the joint before. Lengths are in statures."""
    moved = seen.copy()
    for name, towards, far in NAMED_ELSEWHERE:
        for side in ("left", "right"):
            here, there = (NAMES.index(f"{side}_{part}") for part in (name, towards))
            way = seen[..., there, :] - seen[..., here, :]
            moved[..., here, :] += far * way / np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 1e-6)
    return moved


def noticed(seen: Array, rng: np.random.Generator, hardness: Hardness = USUAL) -> Noticed:
    """What a detector says of the landmarks (B, T, 33, 3)."""
    B, T = seen.shape[:2]
    size = 1 / np.median(seen[..., 2], axis=(1, 2))[:, None, None, None]  # rays a stature long
    level = np.exp(rng.normal(0, 0.5, (B, 1, 1))) * SHAKY
    bias = rng.normal(0, 0.009, (B, 1, K, 2)) * SHAKY[:, None]
    shake = 0.0045 * level[..., None] * _slow_noise((B, T, K, 2), 0.88, rng)
    doubtful = _spans(B, T, 0.12, rng)
    wrong = doubtful[..., None] * (0.05 * _slow_noise((B, T, K, 2), 0.95, rng))
    rays = exactly(as_named(seen)).rays + size * (bias + shake + wrong)
    confidence = np.clip(rng.uniform(0.8, 1.0, (B, 1, K)) + rng.normal(0, 0.02, (B, T, K)), 0.3, 1)
    confidence = np.where(doubtful, rng.uniform(0.1, 0.7, (B, 1, K)), confidence)
    rays = rays * np.exp(rng.normal(0, 0.12, (B, 1, 1, 1)))  # the focal length is a guess
    return Noticed(rays, fewer(confidence, rng, hardness), _guess(seen, rng, hardness.withheld))


def _slow_noise(shape: tuple[int, ...], memory: float, rng: np.random.Generator) -> Array:
    """Noise of unit variance that is correlated along axis 1 (first-order autoregressive)."""
    white = rng.standard_normal(shape)
    for t in range(1, shape[1]):
        white[:, t] = memory * white[:, t - 1] + np.sqrt(1 - memory**2) * white[:, t]
    return white


def _spans(B: int, T: int, chance: float, rng: np.random.Generator) -> Array:
    """Flags (B, T, K): each keypoint with that chance lacks for a random span."""
    begin, length = rng.integers(-10, T, (B, K)), rng.geometric(0.06, (B, K))
    t = np.arange(T)[None, :, None]
    hit = rng.random((B, K)) < chance
    return np.asarray(hit[:, None] & (t >= begin[:, None]) & (t < (begin + length)[:, None]))


def doubted(confidence: Array, rng: np.random.Generator, fraction: float) -> Array:
    """Vary what confidence means: other networks and other footage have other scales of it.

    Parameters
    ----------
    confidence : (B, T, 33)
        From 0, missing, to 1.
    rng : numpy.random.Generator
        What decides.
    fraction : float
        Of the windows, that are changed.

    Returns
    -------
    (B, T, 33)
        In half of the changed windows one value for all that is there, in the others a power of what was; the same
        keypoints are missing.
    """
    if not fraction:
        return confidence
    B, kind = len(confidence), rng.random((len(confidence), 1, 1))
    powers = np.maximum(confidence, 0.0) ** np.exp(rng.normal(0, 0.6, (B, 1, 1)))
    alike = np.where(confidence > 0, rng.uniform(0.5, 1.0, (B, 1, 1)), 0.0)
    return np.where(kind < 0.5 * fraction, alike, np.where(kind < fraction, powers, confidence))


def fewer(confidence: Array, rng: np.random.Generator, hardness: Hardness) -> Array:
    """Some windows with the keypoints of smaller layouts only, without legs, or with gaps."""
    B, T, _ = confidence.shape
    confidence = np.where(_spans(B, T, 0.06, rng), 0.0, doubted(confidence, rng, hardness.doubted))
    for layout, chance in ((COCO_17, hardness.fewer), (LSP_14, hardness.fewer)):
        kept = np.isin(NAMES, layout.names)
        confidence = np.where((rng.random((B, 1, 1)) < chance) & ~kept, 0.0, confidence)
    legs = np.array([n.endswith(("knee", "ankle", "heel", "foot_index")) for n in NAMES])
    return np.where((rng.random((B, 1, 1)) < 0.04) & legs, 0.0, confidence)


def _guess(seen: Array, rng: np.random.Generator, withheld: float) -> Array:
    """A pose network's own 3D (B, T, 33, 3) with its faults: leaning, flat, trembling depth; NaN is none.

    The numbers are those of ``training.rendered_clips`` in the frame of a camera that looks at the body.
    """
    B, T = seen.shape[:2]
    body = looked_at(seen)
    far = np.linalg.norm(body, axis=-1)
    flat = body * np.stack([np.ones(B), np.ones(B), rng.uniform(0.6, 1.05, B)], axis=-1)[:, None, None]
    wrong = 0.12 * rng.standard_normal((B, 1, K)) + 0.13 * _slow_noise((B, T, K), 0.975, rng)
    flat[..., 2] += np.exp(rng.normal(0, 0.25, (B, 1, 1))) * wrong * far
    lean = rng.normal(4, 6, (B, 1)) + 4 * _slow_noise((B, T), 0.97, rng)
    yaw = rng.normal(0, 4, (B, 1)) + 4 * _slow_noise((B, T), 0.97, rng)
    turned = Rotation.from_euler("xy", np.stack([lean, yaw], -1).reshape(-1, 2), degrees=True).as_matrix()
    guess = flat @ turned.reshape(B, T, 3, 3).swapaxes(-1, -2)
    guess = guess + 0.015 * _slow_noise((B, T, K, 3), 0.9, rng) + rng.normal(0, 0.015, (B, 1, K, 3))
    absent = rng.random((B, 1, 1, 1)) < withheld
    return np.where(absent, np.nan, guess)


def looked_at(seen: Array) -> Array:
    """Landmarks (B, T, 33, 3) about the hips along the axes of a camera that looks at their trunk."""
    trunk = seen[:, :, [NAMES.index(name) for name in TRUNK_CORNERS]].mean(axis=2)
    turns = rotation_to_axis(trunk[..., :2] / np.maximum(trunk[..., 2:], 0.1))
    return about_hips(seen) @ turns.swapaxes(-1, -2)
