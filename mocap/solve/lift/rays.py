"""Depth for image keypoints."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mocap.model import rotation
from mocap.model.camera import Camera
from mocap.model.errors import MocapError
from mocap.model.keypoints import Keypoints2D, Keypoints3D
from mocap.model.rotation import Array
from mocap.solve.clean import filters

DISTANCE_CUTOFF_HZ = 1.5  # a body's distance changes slowly; what is quicker is noise of its apparent size
NEAREST_M = 0.1  # nothing is seen nearer to the lens
LEAST_WEIGHT = 1e-9  # of all keypoints of a frame together: less is nobody


@dataclass(frozen=True, eq=False)
class Lifted:
    """What a lifter says; None for what it does not tell.

    points: keypoints in the camera frame, metres. up: (T, 3) unit, against gravity, along the camera's axes. contacts:
    (T, 4) probability that each of contacts.CONTACT_KEYPOINTS stands.
    """

    points: Keypoints3D
    up: Array | None = None
    contacts: Array | None = None


class NetworkDepth:
    """A ``Lifter`` that trusts the image for directions and the pose network for depth about the hips.

    The network sees a crop, so its 3D is taken as seen by a camera that looks straight at the body, and is turned to
    the real viewing direction.
    """

    def lift(self, image: Keypoints2D, guess: Keypoints3D | None, camera: Camera) -> Lifted:
        """Keypoints in the camera frame, metres. Raises MocapError without the network's own 3D."""
        if guess is None:
            raise MocapError("this estimator has no depth of its own; leave the choice of the lifter to mocap")
        weights = np.where(np.isfinite(image.xy[..., 0]) & np.isfinite(guess.xyz[..., 0]), image.confidence, 0.0)
        body = _turn_to_view(np.nan_to_num(guess.xyz), np.nan_to_num(camera.rays(image.xy)), weights)
        return Lifted(on_rays(image, np.where(np.isfinite(guess.xyz), body, np.nan), camera))


def on_rays(image: Keypoints2D, body: Array, camera: Camera, *, own_share: float = 0.0) -> Keypoints3D:
    """Image keypoints at the depths of a body (T, K, 3) in metres, along the camera's axes, NaN = missing.

    The body's translation is the least-squares fit of it to the rays through the image points (linear, as in the direct
    linear transform), its distance is smoothed over time, and every point is then put at its own depth: on its ray, or
    by ``own_share`` of the way from there to where the body has it.
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
    xyz[..., :2] += own_share * (body[..., :2] + across[:, None] - xyz[..., :2])
    xyz[weights <= 0] = np.nan
    return Keypoints3D(image.layout, xyz, np.where(np.isnan(xyz[..., 0]), 0.0, image.confidence), image.fps)


def _turn_to_view(body: Array, rays: Array, weights: Array) -> Array:
    """The network's 3D (T, K, 3) turned from its own viewing axis to the weighted mean ray of the body."""
    total = weights.sum(axis=1, keepdims=True)
    view = np.sum(rays * weights[..., None], axis=1) / np.maximum(total, LEAST_WEIGHT)
    view[total[:, 0] < LEAST_WEIGHT] = (0.0, 0.0, 1.0)
    turn = rotation.shortest_arc(np.array([0.0, 0.0, 1.0]), view)
    return rotation.rotate(turn[:, None], body)


def fit_translation(rays: Array, body: Array, weights: Array) -> Array:
    """Translations (T, 3) that put body points (T, K, 3) nearest to their rays (T, K, 3; z = 1), in metres.

    Minimises Σ w ((x + tx − rx (z + tz))² + (y + ty − ry (z + tz))²), linear in t; weights (T, K).
    """
    rx, ry = rays[..., 0], rays[..., 1]
    zero, one = np.zeros_like(rx), np.ones_like(rx)
    A = np.stack([np.stack([one, zero, -rx], axis=-1), np.stack([zero, one, -ry], axis=-1)], axis=-2)
    b = np.stack([rx * body[..., 2] - body[..., 0], ry * body[..., 2] - body[..., 1]], axis=-1)
    normal = np.einsum("tk,tkri,tkrj->tij", weights, A, A) + 1e-9 * np.eye(3)
    right = np.einsum("tk,tkri,tkr->ti", weights, A, b)
    return np.asarray(np.linalg.solve(normal, right[..., None])[..., 0])


def scaled(points: Keypoints3D, factor: float) -> Keypoints3D:
    """Points in the camera frame grown about the camera: the picture of them stays the same."""
    return replace(points, xyz=factor * points.xyz)


def moved_away(points: Keypoints3D, metres: Array) -> Keypoints3D:
    """Points in the camera frame, each moved along its own ray until it is ``metres`` (T,) deeper."""
    depth = points.xyz[..., 2]
    return replace(points, xyz=points.xyz * (np.maximum(depth + metres[:, None], NEAREST_M) / depth)[..., None])
