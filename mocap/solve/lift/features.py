"""What the lifter is shown: keypoints as seen by a camera that looks straight at the body. Needs no torch."""

from __future__ import annotations

import numpy as np

from mocap.model.body import BODY, TRUNK_CORNERS
from mocap.model.keypoints import BLAZEPOSE_33
from mocap.model.rotation import Array

K = len(BLAZEPOSE_33)
FEET = tuple(contact.keypoint for contact in BODY.contacts.values())
FEATURES = 6 * K + 4
OUTPUTS = 3 * K + 3 + len(FEET)
DILATIONS = (1, 2, 4, 8, 16, 1) * 2  # of the blocks, one after another


MIRROR = np.array(BLAZEPOSE_33.mirrored())


def features_of(rays: Array, confidence: Array, guess: Array | None) -> tuple[Array, Array]:
    """Turns (B, T, 3, 3) from the camera to one that looks at the body, and the network's input (B, T, FEATURES).

    rays (B, T, 33, 2): x/z and y/z of the keypoints in the camera's frame; confidence (B, T, 33), 0 = missing; guess
    (B, T, 33, 3) about the hips along the axes of a camera that looks at the body, any unit, NaN = none.
    """
    seen = confidence > 0
    weights = np.where(np.isin(BLAZEPOSE_33.names, TRUNK_CORNERS), confidence, 0.02 * confidence) + 1e-9 * seen
    total = np.maximum(weights.sum(axis=-1), 1e-12)[..., None]
    rays = np.where(seen[..., None], rays, 0.0)
    centre = (weights[..., None] * rays).sum(axis=-2) / total
    turn = turn_to_axis(centre)
    straight = np.concatenate([rays, np.ones_like(rays[..., :1])], axis=-1) @ turn.swapaxes(-1, -2)
    flat = straight[..., :2] / np.maximum(straight[..., 2:], 0.05)
    spread = np.sqrt((weights * (flat**2).sum(axis=-1)).sum(axis=-1) / total[..., 0])
    present = seen.any(axis=-1)
    spread = np.array([np.median(s[p]) if p.any() else 1.0 for s, p in zip(spread, present)])[:, None, None]
    points = np.where(seen[..., None], flat / spread[..., None], 0.0)
    own = _in_statures(guess) if guess is not None else np.zeros((*rays.shape[:3], 3))
    way = (centre - np.median(centre, axis=1, keepdims=True)) / spread
    whole = np.concatenate(
        [way, np.broadcast_to(np.log(spread), way[..., :1].shape), np.abs(own).max(axis=(2, 3))[..., None] > 0], axis=-1
    )
    each = np.concatenate([points, confidence[..., None], own], axis=-1)
    return turn, np.concatenate([each.reshape(*each.shape[:2], -1), whole], axis=-1)


def _in_statures(guess: Array) -> Array:
    """The guess at the size at which trunk and thighs are about as long as a body of stature 1 has them; none is 0."""
    at = {name: guess[:, :, BLAZEPOSE_33.index(name)] for name in (*TRUNK_CORNERS, "left_knee", "right_knee")}
    long = np.zeros(guess.shape[:2])
    for side in ("left", "right"):
        long += np.linalg.norm(at[f"{side}_shoulder"] - at[f"{side}_hip"], axis=-1)
        long += np.linalg.norm(at[f"{side}_hip"] - at[f"{side}_knee"], axis=-1)
    scales = [np.nanmedian(row) if np.isfinite(row).any() else 1.0 for row in long]
    return np.asarray(np.nan_to_num(guess / np.array(scales)[:, None, None, None] * 1.06))


def turn_to_axis(centre: Array) -> Array:
    """Rotations (…, 3, 3) that take the ray through ``centre`` (…, 2) to the z axis by the shortest way."""
    x, y = centre[..., 0], centre[..., 1]
    z = 1 / np.sqrt(1 + x**2 + y**2)
    x, y = x * z, y * z
    k = 1 / (1 + z)
    rows = [[1 - k * x * x, -k * x * y, -x], [-k * x * y, 1 - k * y * y, -y], [x, y, z]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def in_mirror(features: Array) -> Array:
    """The input (…, FEATURES) of the same scene in a mirror: left and right exchanged."""
    each = features[..., : 6 * K].reshape(*features.shape[:-1], K, 6)[..., MIRROR, :] * [-1, 1, 1, -1, 1, 1]
    whole = features[..., 6 * K :] * [-1, 1, 1, 1]
    return np.concatenate([each.reshape(*features.shape[:-1], 6 * K), whole], axis=-1)


def out_of_mirror(answer: Array) -> Array:
    """The output (…, OUTPUTS) for a scene of which the network saw the mirror image."""
    body = answer[..., : 3 * K].reshape(*answer.shape[:-1], K, 3)[..., MIRROR, :] * [-1, 1, 1]
    up, contacts = answer[..., 3 * K : 3 * K + 3] * [-1, 1, 1], answer[..., 3 * K + 3 :][..., [2, 3, 0, 1]]
    return np.concatenate([body.reshape(*answer.shape[:-1], 3 * K), up, contacts], axis=-1)
