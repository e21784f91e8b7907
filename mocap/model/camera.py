"""A pinhole camera: intrinsics, position and orientation in the world."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mocap.model.rotation import Array

DEFAULT_FOV_DEGREES = 55.0  # vertical, of the longer image side: a phone's main camera (26 mm equivalent) has 50 to 60


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera without distortion. OpenCV axes: x right, y down, z forward.

    Parameters
    ----------
    K : array (3, 3)
        Intrinsic matrix, pixels.
    T_world_camera : array (4, 4)
        Transform of camera coordinates to world coordinates, metres.
    size : (width, height)
        Of the image, pixels.

    Raises
    ------
    ValueError
        For other shapes, or a focal length that is not positive.
    """

    K: Array
    T_world_camera: Array
    size: tuple[int, int]

    def __post_init__(self) -> None:
        if self.K.shape != (3, 3) or self.T_world_camera.shape != (4, 4):
            raise ValueError("expected K (3, 3) and T_world_camera (4, 4)")
        if not (self.K[0, 0] > 0 and self.K[1, 1] > 0):
            raise ValueError("focal lengths must be positive")

    def project(self, p_world: Array) -> Array:
        """Pixels (..., 2) of world points (..., 3) in metres; NaN for points behind the camera."""
        p_camera = self.to_camera(p_world)
        depth = np.where(p_camera[..., 2:] > 1e-6, p_camera[..., 2:], np.nan)
        return np.asarray((p_camera @ self.K.T)[..., :2] / depth)

    def to_camera(self, p_world: Array) -> Array:
        """Camera coordinates (..., 3) of world points (..., 3), metres."""
        rotation, position = self.T_world_camera[:3, :3], self.T_world_camera[:3, 3]
        return np.asarray((p_world - position) @ rotation)

    def to_world(self, p_camera: Array) -> Array:
        """World coordinates (..., 3) of camera points (..., 3), metres."""
        return np.asarray(p_camera @ self.T_world_camera[:3, :3].T + self.T_world_camera[:3, 3])

    def rays(self, xy: Array) -> Array:
        """Camera-frame directions (..., 3) with z = 1 through pixels (..., 2)."""
        x = (xy[..., 0] - self.K[0, 2]) / self.K[0, 0]
        y = (xy[..., 1] - self.K[1, 2]) / self.K[1, 1]
        return np.stack([x, y, np.ones_like(x)], axis=-1)


def intrinsics_from_fov(fov_degrees: float, size: tuple[int, int]) -> Array:
    """The intrinsic matrix of a field of view; square pixels, principal point in the middle of the image.

    Parameters
    ----------
    fov_degrees : field of view of the **longer** image side.
    size : (width, height) pixels.

    Returns
    -------
    K (3, 3), pixels.

    Notes
    -----
    The longer side is used so that the same lens gives the same matrix for upright and sideways clips.
    """
    width, height = size
    focal = 0.5 * max(size) / np.tan(np.radians(fov_degrees) / 2)
    return np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])


def fov_of_lens(equivalent_mm: float) -> float:
    """The field of view of a lens.

    Parameters
    ----------
    equivalent_mm : 35 mm equivalent focal length, as files give it.

    Returns
    -------
    Field of view of the video's longer side, degrees.

    Notes
    -----
    Equivalent means equal in the diagonal of 36 × 24 mm film (CIPA DCG-001). A phone's sensor is 4 : 3, and video uses
    its whole width. Stabilisation crops a few percent more, which no file says.
    """
    longer_side_mm = 0.8 * math.hypot(36, 24)
    return 2 * math.degrees(math.atan(0.5 * longer_side_mm / equivalent_mm))


def world_from_camera(pitch_degrees: float = 0.0, roll_degrees: float = 0.0) -> Array:
    """The pose of a camera at the origin that looks along world −Z.

    Parameters
    ----------
    pitch_degrees, roll_degrees : as below.

    Returns
    -------
    T_world_camera (4, 4).

    Notes
    -----
    Convention: pitch > 0 looks **down**, roll > 0 rotates the camera **clockwise** when viewed from behind it (the
    image rotates counter-clockwise). At zero, camera x is world +X, camera y is world −Y, camera z is world −Z. With
    pitch 30° the optical axis in the world is (0, −0.5, −0.866).
    """
    pitch, roll = np.radians([pitch_degrees, roll_degrees])
    level = np.diag([1.0, -1.0, -1.0])
    cp, sp, cr, sr = np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    # rotations about camera axes: first roll about z (forward), then pitch about x (right)
    roll_about_z = np.array([[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]])
    pitch_about_x = np.array([[1.0, 0.0, 0.0], [0.0, cp, sp], [0.0, -sp, cp]])
    T = np.eye(4)
    T[:3, :3] = level @ pitch_about_x @ roll_about_z
    return T


def pitch_and_roll(up: Array) -> tuple[float, float]:
    """Pitch and roll of a camera from the direction against gravity; the inverse of ``world_from_camera``.

    Parameters
    ----------
    up : (3,), in the camera's axes; its length does not matter.

    Returns
    -------
    Pitch and roll, degrees.
    """
    x, y, z = up
    return float(np.degrees(np.arctan2(-z, np.hypot(x, y)))), float(np.degrees(np.arctan2(-x, -y)))


def warp_points(homographies: Array, xy: Array) -> Array:
    """Points (T, ..., 2) in pixels, mapped by the homography (T, 3, 3) of their frame."""
    H = homographies.reshape(len(homographies), *[1] * (xy.ndim - 2), 3, 3)
    moved = H[..., :2] @ xy[..., None] + H[..., 2:]
    return np.asarray(moved[..., :2, 0] / moved[..., 2:, 0])
