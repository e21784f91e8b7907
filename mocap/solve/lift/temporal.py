"""Depth of image keypoints from their movement: a temporal network of our own, run with numpy.

The network is small (3.3 M weights) and reads a clip twice: numpy's matrix products take 0.03 s for a window of 81
frames and start at once, so a runtime would win nothing that a user notices. ``training.lifter_network`` has the same
layers as a torch module, for training.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from mocap.io.weights import load_weights
from mocap.model.camera import Camera
from mocap.model.keypoints import BLAZEPOSE_33, Keypoints2D, Keypoints3D
from mocap.model.rotation import Array
from mocap.solve.lift.features import DILATIONS, OUTPUTS, K, features_of, in_mirror, out_of_mirror
from mocap.solve.lift.rays import Lifted, on_rays

FPS = Fraction(30)  # of the network's frames
WINDOW = 81  # frames that the network sees at once, as in training
HOP = 27  # from window to window; answers are blended where windows overlap
ADULT_M = 1.70  # mean stature of grown-ups, where nobody says the person's
OWN_SHARE = 0.5  # of a keypoint's place across the picture: the network has learnt where image points err
Weights = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Answer:
    """body (T, 33, 3): keypoints about the hips' middle along the camera's axes, in statures (a body is 1 tall).

    up (T, 3): unit, against gravity, along the camera's axes. contacts (T, 4): probability that each of FEET stands.
    """

    body: Array
    up: Array
    contacts: Array


class LearntDepth:
    """A ``Lifter`` that tells depth, and which way is up, from how the keypoints move."""

    def __init__(self, name: str = "lifter") -> None:
        self._network = LifterNetwork(name)

    def lift(self, image: Keypoints2D, guess: Keypoints3D | None, camera: Camera) -> Lifted:
        """Keypoints in the camera frame in metres, of a body as tall as an adult is in the mean."""
        places = [BLAZEPOSE_33.index(name) for name in image.layout.names if name in BLAZEPOSE_33.names]
        known = [k for k, name in enumerate(image.layout.names) if name in BLAZEPOSE_33.names]
        rays, confidence = np.full((len(image), K, 2), np.nan), np.zeros((len(image), K))
        rays[:, places] = camera.rays(image.xy)[:, known, :2]
        confidence[:, places] = image.confidence[:, known]
        own = None
        if guess is not None:
            own = np.full((len(image), K, 3), np.nan)
            own[:, places] = guess.xyz[:, known]
        answer = self._network.lift(rays, confidence, own, image.fps)
        body = np.full((*image.xy.shape[:2], 3), np.nan)
        body[:, known] = ADULT_M * answer.body[:, places]
        points = on_rays(image, body, camera, own_share=OWN_SHARE)
        return Lifted(points, answer.up, answer.contacts)


class LifterNetwork:
    """The trained network of a model name."""

    def __init__(self, name: str = "lifter") -> None:
        self._weights = by_tap(load_weights(name))

    def lift(self, rays: Array, confidence: Array, guess: Array | None, fps: Fraction) -> Answer:
        """The bodies of T frames.

        rays (T, 33, 2): x/z and y/z in the camera's frame, NaN = missing. confidence (T, 33). guess (T, 33, 3): the
        pose network's own 3D about the hips, metres, along the axes of a camera that looks at the body, or None.
        """
        seconds = np.arange(len(rays)) / float(fps)
        ticks = np.arange(max(2, round(len(rays) * float(FPS / fps)))) / float(FPS)
        seen = np.where(np.isfinite(rays[..., 0]), confidence, 0.0)
        rays_then = resampled(np.nan_to_num(_bridged(rays)), seconds, ticks)
        seen_then = resampled(seen, seconds, ticks)
        seen_then[resampled((seen > 0).astype(float), seconds, ticks) <= 0.5] = 0.0
        own = None if guess is None else resampled(np.nan_to_num(_bridged(guess)), seconds, ticks)
        turns, answers = self._answers(rays_then, seen_then, own)
        body = np.einsum("tji,tkj->tki", turns, answers[:, : 3 * K].reshape(-1, K, 3))
        up = np.einsum("tji,tj->ti", turns, answers[:, 3 * K : 3 * K + 3])
        logits = answers[:, 3 * K + 3 :]
        back = [resampled(values, ticks, seconds) for values in (body, up, 1 / (1 + np.exp(-logits)))]
        return Answer(back[0], back[1] / np.linalg.norm(back[1], axis=1, keepdims=True), back[2])

    def _answers(self, rays: Array, confidence: Array, own: Array | None) -> tuple[Array, Array]:
        """Turns (T, 3, 3) from the camera to the view of the body, and the network's output (T, OUTPUTS) in it."""
        T = len(rays)
        starts = [*range(0, max(T - WINDOW, 0), HOP), max(T - WINDOW, 0)]
        total, weight = np.zeros((T, OUTPUTS)), np.zeros((T, 1))
        bell = np.hanning(WINDOW + 2)[1:-1, None]
        turns = np.empty((T, 3, 3))
        for start in starts:
            frames = np.clip(np.arange(start, start + WINDOW), 0, T - 1)
            guess = None if own is None else own[None, frames]
            turn, features = features_of(rays[None, frames], confidence[None, frames], guess)
            answer = both_ways(features[0], self._weights)
            inside = slice(0, min(WINDOW, T - start))
            total[start : start + WINDOW] += (bell * answer)[inside]
            weight[start : start + WINDOW] += bell[inside]
            turns[start : start + WINDOW] = turn[0][inside]
        return turns, total / weight


def _bridged(values: Array) -> Array:
    """Values (T, …) with missing ones taken over from their neighbours in time, straight between two."""
    flat = values.reshape(len(values), -1).copy()
    t = np.arange(len(flat))
    for column in flat.T:
        there = np.isfinite(column)
        if there.any() and not there.all():
            column[~there] = np.interp(t[~there], t[there], column[there])
    return flat.reshape(values.shape)


def resampled(values: Array, from_seconds: Array, to_seconds: Array) -> Array:
    """Values (T, …) at other times, straight between neighbours."""
    if len(from_seconds) == 1:
        return np.repeat(values, len(to_seconds), axis=0)
    place = np.clip(np.interp(to_seconds, from_seconds, np.arange(len(from_seconds))), 0, len(from_seconds) - 1)
    low = np.minimum(place.astype(int), len(from_seconds) - 2)
    share = (place - low).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray((1 - share) * values[low] + share * values[low + 1])


def by_tap(weights: Weights) -> Weights:
    """Weights with the kernels of the convolutions laid out for fast matrix products.

    Parameters
    ----------
    weights
        Tensors of ``training.lifter_network.Lifter`` by name, as ``load_weights`` gives them; kernels are
        (outputs, inputs, taps).

    Returns
    -------
    dict
        The same tensors; kernels are (taps, inputs, outputs) and contiguous in memory.

    Notes
    -----
    numpy hands a product to BLAS, its fast matrix library, only where one axis of each factor is contiguous. One tap
    of a kernel as stored has no such axis, and a product with it takes ten times as long.
    """
    return {
        name: np.ascontiguousarray(tensor.transpose(2, 1, 0)) if tensor.ndim == 3 else tensor
        for name, tensor in weights.items()
    }


def both_ways(features: Array, weights: Weights) -> Array:
    """The mean (T, OUTPUTS) of what the network says of the scene and of its mirror image; weights ``by_tap``."""
    plain, mirrored = (forward(part.astype(np.float32), weights) for part in (features, in_mirror(features)))
    return np.asarray(0.5 * (plain + out_of_mirror(np.asarray(mirrored, dtype=float))))


def forward(features: NDArray[np.float32], weights: Weights) -> NDArray[np.float32]:
    """The output (T, OUTPUTS) of the layers of ``training.lifter_network.Lifter`` for features (T, FEATURES).

    ``weights``: as ``by_tap`` lays them out.
    """
    hidden = _convolved(features, weights, "enter", 1)
    for i, dilation in enumerate(DILATIONS):
        block = f"blocks.{i}.layers"
        inner = _normalised(_convolved(hidden, weights, f"{block}.0", dilation), weights, f"{block}.1")
        inner = inner * np.float32(0.5) * (1 + erf(inner * np.float32(np.sqrt(0.5))))
        hidden = hidden + _convolved(inner, weights, f"{block}.3", 1)
    return _convolved(_normalised(hidden, weights, "leave.0"), weights, "leave.1", 1)


def _convolved(x: NDArray[np.float32], weights: Weights, layer: str, dilation: int) -> NDArray[np.float32]:
    kernel = weights[f"{layer}.weight"]  # (3 or 1, in, out)
    half = dilation * (len(kernel) // 2)
    padded = np.pad(x, ((half, half), (0, 0)))
    taps = (padded[i * dilation : i * dilation + len(x)] @ tap for i, tap in enumerate(kernel))
    return np.asarray(sum(taps) + weights[f"{layer}.bias"], dtype=np.float32)


def _normalised(x: NDArray[np.float32], weights: Weights, layer: str) -> NDArray[np.float32]:
    centred = x - x.mean()
    scaled = centred / np.sqrt((centred**2).mean() + np.float32(1e-5))
    return np.asarray(scaled * weights[f"{layer}.weight"] + weights[f"{layer}.bias"], dtype=np.float32)
