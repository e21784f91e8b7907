"""The pose that the closed forms build: keypoints by name, orientations of joints, and geometry for all parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from mocap.model import rotation
from mocap.model.keypoints import Keypoints3D
from mocap.model.parts import SIDES
from mocap.model.rotation import Array
from mocap.model.skeleton import Skeleton

TWIST_SIGMA_S = 0.12  # a limb straight for a quarter of a second keeps the twist it had
PRIOR_WEIGHT = 0.15  # weight of "no twist" against a clearly visible hinge
CLEAR_BEND_DEGREES = (10.0, 35.0)  # below: a hinge's plane is noise; above: it is trusted fully


@dataclass(frozen=True, eq=False)
class Points:
    """Keypoints by name, world frame, every frame filled."""

    keypoints: Keypoints3D

    def has(self, *names: str) -> bool:
        """Whether the layout has all of these keypoints, and frames show them."""
        return all(name in self.keypoints.layout.names and np.isfinite(self[name]).all() for name in names)

    def __getitem__(self, name: str) -> Array:
        return self.keypoints.xyz[:, self.keypoints.layout.index(name)]

    def middle(self, name: str) -> Array:
        """The middle (T, 3) between the left and the right keypoint of that name."""
        left, right = (self[f"{side}_{name}"] for side in SIDES)
        return 0.5 * (left + right)


class Pose:
    """Orientation (T, 3, 3) of joints in the world, built from the trunk outwards, and the root's path (T, 3).

    Each limb bone is aimed from the skeleton's own joint at the keypoint of its end, so that hands and feet lie at
    their keypoints although bone lengths are fixed.
    """

    def __init__(self, points: Points, skeleton: Skeleton) -> None:
        self.points, self.skeleton, self.fps = points, skeleton, float(points.keypoints.fps)
        self.frames: dict[str, Array] = {}
        self.root = np.zeros_like(points["left_hip"])

    def position(self, joint: str) -> Array:
        """The position (T, 3) of a joint, once the frames above it are known."""
        j = self.skeleton.index(joint)
        parent = self.skeleton.parents[j]
        if parent < 0:
            return self.root
        name = self.skeleton.names[parent]
        return np.asarray(self.position(name) + self.frames[name] @ self.skeleton.offsets[j])

    def steady_twist(self, parent: Array, along: Array, bone: Array, hints: list[tuple[Array, Array]]) -> Array:
        """Orientation (T, 3, 3) of a bone along ``bone`` whose local +Z points to the hints, averaged over time.

        Parameters
        ----------
        parent : (T, 3, 3) orientation of the parent.
        along : (3,) rest direction of the bone.
        bone : (T, 3) direction of the bone.
        hints : directions (T, 3) with weights (T,). The sine of the angle between hint and bone is a weight too.

        Notes
        -----
        Angles are averaged as complex numbers, so that a rotation past 180° needs no special case.
        """
        frame = swing(parent, along, bone)
        forward = frame[..., 2]
        sideways = np.cross(unit(bone), forward)
        pull = np.full(len(bone), PRIOR_WEIGHT, complex)
        for direction, weight in hints:
            towards = unit(direction)
            pull += weight * (np.sum(towards * forward, axis=-1) + 1j * np.sum(towards * sideways, axis=-1))
        sigma = TWIST_SIGMA_S * self.fps
        mean = gaussian_filter1d(pull.real, sigma, mode="nearest") + 1j * gaussian_filter1d(
            pull.imag, sigma, mode="nearest"
        )
        twist = unit(bone) * np.angle(mean)[:, None]
        return rotation.wxyz_to_matrix(rotation.rotvec_to_wxyz(twist)) @ frame


def swing(parent: Array, along: Array, bone: Array) -> Array:
    """Orientation (T, 3, 3) after the smallest rotation of the parent that takes ``along`` (3,) to the bone (T, 3)."""
    return np.asarray(rotation.wxyz_to_matrix(rotation.shortest_arc(parent @ along, bone)) @ parent)


def unit(vectors: Array) -> Array:
    """Vectors (..., 3) scaled to length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


def perpendicular(vectors: Array, axis: Array) -> Array:
    """The component of vectors (T, 3) perpendicular to unit axes (T, 3)."""
    return np.asarray(vectors - np.sum(vectors * axis, axis=-1, keepdims=True) * axis)


def cosine(first: Array, second: Array) -> Array:
    """Cosine (T,) of the angle between vectors (T, 3)."""
    return np.asarray(np.clip(np.sum(unit(first) * unit(second), axis=-1), -1.0, 1.0))


def clear_bend(first: Array, second: Array) -> Array:
    """Weight (T,) in 0..1 of the plane of two bones (T, 3): 0 for an almost straight limb, whose plane is noise."""
    low, high = CLEAR_BEND_DEGREES
    fraction = np.clip((np.degrees(np.arccos(cosine(first, second))) - low) / (high - low), 0, 1)
    return np.asarray(fraction**2 * (3 - 2 * fraction))


def align_rotations(template: Array, points: Array) -> Array:
    """Rotations (T, 3, 3) that fit a template (K, 3) to points (T, K, 3), both about their means, by least squares.

    Kabsch 1976, with the determinant's sign forced to +1.
    """
    a = template - template.mean(axis=0)
    b = points - points.mean(axis=1, keepdims=True)
    u, _, vt = np.linalg.svd(np.einsum("tki,kj->tij", b, a))
    sign = np.sign(np.linalg.det(u @ vt))
    u[..., :, 2] *= sign[:, None]
    return np.asarray(u @ vt)
