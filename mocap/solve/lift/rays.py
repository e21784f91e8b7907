"""Geometry of lifting: keypoints on the rays of their image positions, and the lifter that uses no network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mocap.model import rotation
from mocap.model.camera import Camera
from mocap.model.errors import MocapError
from mocap.model.keypoints import Keypoints2D, Keypoints3D
from mocap.model.rotation import Array
from mocap.solve.clean import filters

DISTANCE_CUTOFF_HZ = 1.5  # a body's distance changes slowly; higher frequencies are noise of its apparent size
NEAREST_M = 0.1  # the least depth of a keypoint
LEAST_WEIGHT = 1e-9  # of all keypoints of a frame together; with less, no person is visible


@dataclass(frozen=True, eq=False)
class Lifted:
    """The output of a lifter for T frames; None for what it does not estimate.

    Parameters
    ----------
    points : keypoints in the camera frame, metres.
    up : (T, 3) unit vectors against gravity, along the camera's axes.
    contacts : (T, N) probability that each of ``contact.points.CONTACT_KEYPOINTS`` is on the ground.
    """

    points: Keypoints3D
    up: Array | None = None
    contacts: Array | None = None


class NetworkDepth:
    """A ``Lifter`` with directions from the image and depth relative to the hips from the pose network.

    The network's input is a crop of the image, so its 3D is that of a camera that looks straight at the body. It is
    rotated to the real viewing direction.
    """

    def lift(self, image: Keypoints2D, network_3d: Keypoints3D | None, camera: Camera) -> Lifted:
        """Keypoints in the camera frame, metres; as in `Lifter`. Raises MocapError without the network's own 3D."""
        if network_3d is None:
            raise MocapError("this estimator gives no depth; leave the choice of the lifter to mocap")
        weights = np.where(np.isfinite(image.xy[..., 0]) & np.isfinite(network_3d.xyz[..., 0]), image.confidence, 0.0)
        body = _rotate_to_view(np.nan_to_num(network_3d.xyz), np.nan_to_num(camera.rays(image.xy)), weights)
        return Lifted(on_rays(image, np.where(np.isfinite(network_3d.xyz), body, np.nan), camera))


def on_rays(image: Keypoints2D, body: Array, camera: Camera, *, own_fraction: float = 0.0) -> Keypoints3D:
    """Translate a body to the rays of its image keypoints.

    Parameters
    ----------
    image : T frames of K keypoints, pixels.
    body : (T, K, 3) metres, along the camera's axes, any origin, NaN = missing.
    camera : of the image.
    own_fraction : where a keypoint lies across the view: 0 on its ray, 1 where the translated body has it.

    Returns
    -------
    Keypoints3D
        In the camera frame, metres.

    Notes
    -----
    The translation of each frame is a linear least-squares fit of the body to the rays (as in the direct linear
    transform). The distance is low-passed over time. Every keypoint then gets its own depth.
    """
    rays = np.nan_to_num(camera.rays(image.xy))
    weights = np.where(np.isfinite(image.xy[..., 0]) & np.isfinite(body[..., 0]), image.confidence, 0.0)
    body = np.nan_to_num(body)
    distance = fit_translation(rays, body, weights)[:, 2]
    distance[weights.sum(axis=1) == 0] = np.nan
    smoothed = filters.low_pass(np.log(np.maximum(distance, 0.3)), float(image.fps), cutoff_hz=DISTANCE_CUTOFF_HZ)
    depth = np.maximum(body[..., 2] + np.exp(smoothed)[:, None], NEAREST_M)
    xyz = rays * depth[..., None]
    total = np.maximum(weights.sum(axis=1, keepdims=True), LEAST_WEIGHT)
    across = np.einsum("tk,tkc->tc", weights / total, (xyz - body)[..., :2])
    xyz[..., :2] += own_fraction * (body[..., :2] + across[:, None] - xyz[..., :2])
    xyz[weights <= 0] = np.nan
    return Keypoints3D(image.layout, xyz, np.where(np.isnan(xyz[..., 0]), 0.0, image.confidence), image.fps)


def _rotate_to_view(body: Array, rays: Array, weights: Array) -> Array:
    """The network's 3D (T, K, 3) rotated from its own viewing axis to the weighted mean ray of the body."""
    total = weights.sum(axis=1, keepdims=True)
    view = np.sum(rays * weights[..., None], axis=1) / np.maximum(total, LEAST_WEIGHT)
    view[total[:, 0] < LEAST_WEIGHT] = (0.0, 0.0, 1.0)
    to_view = rotation.shortest_arc(np.array([0.0, 0.0, 1.0]), view)
    return rotation.rotate(to_view[:, None], body)


def fit_translation(rays: Array, body: Array, weights: Array) -> Array:
    """The translation of each frame that brings the points of a body nearest to their rays.

    Parameters
    ----------
    rays : (T, K, 3) with z = 1.
    body : (T, K, 3) metres.
    weights : (T, K), 0 = left out.

    Returns
    -------
    Array (T, 3), metres.

    Notes
    -----
    Minimises Σ w ((x + tx − rx (z + tz))² + (y + ty − ry (z + tz))²), which is linear in t.
    """
    rx, ry = rays[..., 0], rays[..., 1]
    zero, one = np.zeros_like(rx), np.ones_like(rx)
    A = np.stack([np.stack([one, zero, -rx], axis=-1), np.stack([zero, one, -ry], axis=-1)], axis=-2)
    b = np.stack([rx * body[..., 2] - body[..., 0], ry * body[..., 2] - body[..., 1]], axis=-1)
    normal = np.einsum("tk,tkri,tkrj->tij", weights, A, A) + 1e-9 * np.eye(3)
    right = np.einsum("tk,tkri,tkr->ti", weights, A, b)
    return np.asarray(np.linalg.solve(normal, right[..., None])[..., 0])


def scaled(points: Keypoints3D, factor: float) -> Keypoints3D:
    """Points in the camera frame scaled about the camera, which does not change their image."""
    return replace(points, xyz=factor * points.xyz)


def moved_away(points: Keypoints3D, metres: Array) -> Keypoints3D:
    """Points in the camera frame, each moved along its own ray so that its depth grows by ``metres`` (T,)."""
    depth = points.xyz[..., 2]
    return replace(points, xyz=points.xyz * (np.maximum(depth + metres[:, None], NEAREST_M) / depth)[..., None])
