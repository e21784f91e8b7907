"""The lifter: depth of image keypoints from how they move, by a temporal convolutional network, run with numpy.

The network is small (3.3 M weights) and runs twice for a clip. Matrix products in numpy take 0.03 s for a window of 81
frames and need no start-up time, so an inference runtime would save nothing that a user notices.
``training.lifter_network`` has the same layers as a torch module, for training.
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
from mocap.solve.lift.features import DILATIONS, OUTPUTS, K, features_of, mirrored_input, mirrored_output
from mocap.solve.lift.rays import Lifted, on_rays

FPS = Fraction(30)  # of the network's frames
WINDOW = 81  # frames of the network's input, as in training
HOP = 27  # frames from window to window; outputs are blended where windows overlap
ADULT_M = 1.70  # mean height of adults, where the person's is not given
OWN_FRACTION = 0.5  # of a keypoint's position across the view is the network's: it corrects errors of image keypoints
Weights = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class LifterOutput:
    """The network's estimate for T frames.

    Parameters
    ----------
    body : (T, 33, 3) keypoints relative to the middle of the hips, along the camera's axes, for a body of height 1.
    up : (T, 3) unit vectors against gravity, along the camera's axes.
    contacts : (T, 4) probability that each of FEET is on the ground.
    """

    body: Array
    up: Array
    contacts: Array


class LearntDepth:
    """A ``Lifter`` that estimates depth, up and contacts from how the keypoints move."""

    def __init__(self, name: str = "lifter") -> None:
        self._network = LifterNetwork(name)

    def lift(self, image: Keypoints2D, network_3d: Keypoints3D | None, camera: Camera) -> Lifted:
        """Keypoints in the camera frame, metres, for a body of ADULT_M; as in `Lifter`."""
        columns = [BLAZEPOSE_33.index(name) for name in image.layout.names if name in BLAZEPOSE_33.names]
        known = [k for k, name in enumerate(image.layout.names) if name in BLAZEPOSE_33.names]
        rays, confidence = np.full((len(image), K, 2), np.nan), np.zeros((len(image), K))
        rays[:, columns] = camera.rays(image.xy)[:, known, :2]
        confidence[:, columns] = image.confidence[:, known]
        network_xyz = None
        if network_3d is not None:
            network_xyz = np.full((len(image), K, 3), np.nan)
            network_xyz[:, columns] = network_3d.xyz[:, known]
        output = self._network.lift(rays, confidence, network_xyz, image.fps)
        body = np.full((*image.xy.shape[:2], 3), np.nan)
        body[:, known] = ADULT_M * output.body[:, columns]
        points = on_rays(image, body, camera, own_fraction=OWN_FRACTION)
        return Lifted(points, output.up, output.contacts)


class LifterNetwork:
    """The trained network of a model, by the model's name."""

    def __init__(self, name: str = "lifter") -> None:
        self._weights = by_tap(load_weights(name))

    def lift(self, rays: Array, confidence: Array, network_xyz: Array | None, fps: Fraction) -> LifterOutput:
        """Run the network on a clip of T frames.

        Parameters
        ----------
        rays : (T, 33, 2) x/z and y/z of the keypoints in the camera's frame, NaN = missing.
        confidence : (T, 33).
        network_xyz : (T, 33, 3) the pose network's own 3D relative to the hips, metres, along the axes of a camera that
            looks straight at the body; or None.
        fps : of the clip; the network itself runs at FPS.
        """
        seconds = np.arange(len(rays)) / float(fps)
        ticks = np.arange(max(2, round(len(rays) * float(FPS / fps)))) / float(FPS)
        confidence = np.where(np.isfinite(rays[..., 0]), confidence, 0.0)
        rays_at_ticks = resampled(np.nan_to_num(_interpolated(rays)), seconds, ticks)
        confidence_at_ticks = resampled(confidence, seconds, ticks)
        confidence_at_ticks[resampled((confidence > 0).astype(float), seconds, ticks) <= 0.5] = 0.0
        own = None if network_xyz is None else resampled(np.nan_to_num(_interpolated(network_xyz)), seconds, ticks)
        rotations, outputs = self._outputs(rays_at_ticks, confidence_at_ticks, own)
        body = np.einsum("tji,tkj->tki", rotations, outputs[:, : 3 * K].reshape(-1, K, 3))
        up = np.einsum("tji,tj->ti", rotations, outputs[:, 3 * K : 3 * K + 3])
        logits = outputs[:, 3 * K + 3 :]
        back = [resampled(values, ticks, seconds) for values in (body, up, 1 / (1 + np.exp(-logits)))]
        return LifterOutput(back[0], back[1] / np.linalg.norm(back[1], axis=1, keepdims=True), back[2])

    def _outputs(self, rays: Array, confidence: Array, own: Array | None) -> tuple[Array, Array]:
        """Rotations (T, 3, 3) from the camera to the view of the body, and the network's output (T, OUTPUTS) in it."""
        T = len(rays)
        starts = [*range(0, max(T - WINDOW, 0), HOP), max(T - WINDOW, 0)]
        total, weight = np.zeros((T, OUTPUTS)), np.zeros((T, 1))
        bell = np.hanning(WINDOW + 2)[1:-1, None]
        rotations = np.empty((T, 3, 3))
        for start in starts:
            frames = np.clip(np.arange(start, start + WINDOW), 0, T - 1)
            network_xyz = None if own is None else own[None, frames]
            R_view_camera, features = features_of(rays[None, frames], confidence[None, frames], network_xyz)
            output = flip_averaged(features[0], self._weights)
            inside = slice(0, min(WINDOW, T - start))
            total[start : start + WINDOW] += (bell * output)[inside]
            weight[start : start + WINDOW] += bell[inside]
            rotations[start : start + WINDOW] = R_view_camera[0][inside]
        return rotations, total / weight


def _interpolated(values: Array) -> Array:
    """Values (T, …) with missing ones (NaN) linearly interpolated in time, constant at both ends."""
    flat = values.reshape(len(values), -1).copy()
    t = np.arange(len(flat))
    for column in flat.T:
        known = np.isfinite(column)
        if known.any() and not known.all():
            column[~known] = np.interp(t[~known], t[known], column[known])
    return flat.reshape(values.shape)


def resampled(values: Array, from_seconds: Array, to_seconds: Array) -> Array:
    """Values (T, …) at other times, by linear interpolation."""
    if len(from_seconds) == 1:
        return np.repeat(values, len(to_seconds), axis=0)
    index = np.clip(np.interp(to_seconds, from_seconds, np.arange(len(from_seconds))), 0, len(from_seconds) - 1)
    low = np.minimum(index.astype(int), len(from_seconds) - 2)
    fraction = (index - low).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray((1 - fraction) * values[low] + fraction * values[low + 1])


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


def flip_averaged(features: Array, weights: Weights) -> Array:
    """Flip averaging: the mean output (T, OUTPUTS) for a scene and its mirror image; weights ``by_tap``."""
    plain, mirrored = (forward(part.astype(np.float32), weights) for part in (features, mirrored_input(features)))
    return np.asarray(0.5 * (plain + mirrored_output(np.asarray(mirrored, dtype=float))))


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
