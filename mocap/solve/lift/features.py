"""The input of the lifter's network: keypoints in a virtual camera that looks straight at the body. Needs no torch."""

from __future__ import annotations

import numpy as np

from mocap.model.body import BODY, TRUNK_CORNERS
from mocap.model.keypoints import BLAZEPOSE_33
from mocap.model.rotation import Array

K = len(BLAZEPOSE_33)
FEET = tuple(contact.keypoint for contact in BODY.contacts.values())
FEATURES = 6 * K + 4
OUTPUTS = 3 * K + 3 + len(FEET)
DILATIONS = (1, 2, 4, 8, 16, 1) * 2  # of the blocks, in order

MIRROR = np.array(BLAZEPOSE_33.mirrored())


def features_of(rays: Array, confidence: Array, network_xyz: Array | None) -> tuple[Array, Array]:
    """The input of the network for B windows of T frames.

    Parameters
    ----------
    rays : (B, T, 33, 2) x/z and y/z of the keypoints in the camera's frame.
    confidence : (B, T, 33), 0 = missing.
    network_xyz : (B, T, 33, 3) the pose network's own 3D relative to the hips, along the axes of a camera that looks
        straight at the body, any unit, NaN = missing; or None.

    Returns
    -------
    Rotations (B, T, 3, 3) from the camera to one that looks straight at the body, and the input (B, T, FEATURES).
    """
    visible = confidence > 0
    weights = np.where(np.isin(BLAZEPOSE_33.names, TRUNK_CORNERS), confidence, 0.02 * confidence) + 1e-9 * visible
    total = np.maximum(weights.sum(axis=-1), 1e-12)[..., None]
    rays = np.where(visible[..., None], rays, 0.0)
    centre = (weights[..., None] * rays).sum(axis=-2) / total
    R_view_camera = rotation_to_axis(centre)
    straight = np.concatenate([rays, np.ones_like(rays[..., :1])], axis=-1) @ R_view_camera.swapaxes(-1, -2)
    flat = straight[..., :2] / np.maximum(straight[..., 2:], 0.05)
    spread = np.sqrt((weights * (flat**2).sum(axis=-1)).sum(axis=-1) / total[..., 0])
    present = visible.any(axis=-1)
    spread = np.array([np.median(s[p]) if p.any() else 1.0 for s, p in zip(spread, present)])[:, None, None]
    points = np.where(visible[..., None], flat / spread[..., None], 0.0)
    own = _scaled_to_height_1(network_xyz) if network_xyz is not None else np.zeros((*rays.shape[:3], 3))
    path = (centre - np.median(centre, axis=1, keepdims=True)) / spread
    has_own = np.abs(own).max(axis=(2, 3))[..., None] > 0
    by_frame = np.concatenate([path, np.broadcast_to(np.log(spread), path[..., :1].shape), has_own], axis=-1)
    by_keypoint = np.concatenate([points, confidence[..., None], own], axis=-1)
    features = np.concatenate([by_keypoint.reshape(*by_keypoint.shape[:2], -1), by_frame], axis=-1)
    return R_view_camera, features


def _scaled_to_height_1(network_xyz: Array) -> Array:
    """The 3D scaled so that trunk and thighs have the lengths of a body of height 1; 0 where missing."""
    at = {name: network_xyz[:, :, BLAZEPOSE_33.index(name)] for name in (*TRUNK_CORNERS, "left_knee", "right_knee")}
    length = np.zeros(network_xyz.shape[:2])
    for side in ("left", "right"):
        length += np.linalg.norm(at[f"{side}_shoulder"] - at[f"{side}_hip"], axis=-1)
        length += np.linalg.norm(at[f"{side}_hip"] - at[f"{side}_knee"], axis=-1)
    scales = [np.nanmedian(row) if np.isfinite(row).any() else 1.0 for row in length]
    return np.asarray(np.nan_to_num(network_xyz / np.array(scales)[:, None, None, None] * 1.06))


def rotation_to_axis(centre: Array) -> Array:
    """The smallest rotations (…, 3, 3) that take the ray through ``centre`` (…, 2), x/z and y/z, to the z axis."""
    x, y = centre[..., 0], centre[..., 1]
    z = 1 / np.sqrt(1 + x**2 + y**2)
    x, y = x * z, y * z
    k = 1 / (1 + z)
    rows = [[1 - k * x * x, -k * x * y, -x], [-k * x * y, 1 - k * y * y, -y], [x, y, z]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def mirrored_input(features: Array) -> Array:
    """The input (…, FEATURES) for the mirror image of a scene: left and right exchanged."""
    by_keypoint = features[..., : 6 * K].reshape(*features.shape[:-1], K, 6)[..., MIRROR, :] * [-1, 1, 1, -1, 1, 1]
    by_frame = features[..., 6 * K :] * [-1, 1, 1, 1]
    return np.concatenate([by_keypoint.reshape(*features.shape[:-1], 6 * K), by_frame], axis=-1)


def mirrored_output(output: Array) -> Array:
    """The output (…, OUTPUTS) for a scene, from the output for its mirror image."""
    body = output[..., : 3 * K].reshape(*output.shape[:-1], K, 3)[..., MIRROR, :] * [-1, 1, 1]
    up, contacts = output[..., 3 * K : 3 * K + 3] * [-1, 1, 1], output[..., 3 * K + 3 :][..., [2, 3, 0, 1]]
    return np.concatenate([body.reshape(*output.shape[:-1], 3 * K), up, contacts], axis=-1)
