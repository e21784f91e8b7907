"""A pinhole camera and its place in the world."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mocap.model.rotation import Array

DEFAULT_FOV_DEGREES = 55.0  # vertical, of the longer image side: a phone's main camera (26 mm equivalent) has 50 to 60


@dataclass(frozen=True, eq=False)
class Camera:
    """OpenCV axes: x right, y down, z forward.

    K: (3, 3) pixels. T_world_camera: (4, 4) metres, takes camera coordinates to world coordinates. size: (width,
    height) pixels.
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
        return (p_camera @ self.K.T)[..., :2] / depth

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
    """K (3, 3) of a camera whose **longer** image side spans ``fov_degrees``; square pixels, centred axis.

    The longer side is taken so that turning the phone does not change the lens.
    """
    width, height = size
    focal = 0.5 * max(size) / np.tan(np.radians(fov_degrees) / 2)
    return np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])


def fov_of_lens(equivalent_mm: float) -> float:
    """Angle of view in degrees of the longer side of a film through a lens of that 35 mm equivalent focal length.

    Equivalent means the same diagonal as 36 × 24 mm film (CIPA DCG-001); a phone's sensor is 4 : 3, and film uses its
    whole width. Stabilisation crops a few percent more, which no file tells.
    """
    longer_side_mm = 0.8 * math.hypot(36, 24)
    return 2 * math.degrees(math.atan(0.5 * longer_side_mm / equivalent_mm))


def world_from_camera(pitch_degrees: float = 0.0, roll_degrees: float = 0.0) -> Array:
    """T_world_camera (4, 4) at the origin of a camera looking along world −Z.

    Convention: pitch > 0 looks **down**, roll > 0 turns the camera **clockwise** as seen from behind it (the picture
    turns counter-clockwise). At zero, camera x is world +X, camera y is world −Y, camera z is world −Z. With pitch
    30° the optical axis in the world is (0, −0.5, −0.866).
    """
    pitch, roll = np.radians([pitch_degrees, roll_degrees])
    level = np.diag([1.0, -1.0, -1.0])
    cp, sp, cr, sr = np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    # camera-frame turns: first roll about z (forward), then pitch about x (right)
    roll_about_z = np.array([[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]])
    pitch_about_x = np.array([[1.0, 0.0, 0.0], [0.0, cp, sp], [0.0, -sp, cp]])
    T = np.eye(4)
    T[:3, :3] = level @ pitch_about_x @ roll_about_z
    return T


def pitch_and_roll(up: Array) -> tuple[float, float]:
    """The ``world_from_camera`` angles in degrees of a camera in whose axes ``up`` (3,) points against gravity."""
    x, y, z = up
    return float(np.degrees(np.arctan2(-z, np.hypot(x, y)))), float(np.degrees(np.arctan2(-x, -y)))


def through(homographies: Array, xy: Array) -> Array:
    """Pixels (T, ..., 2) taken through a homography (T, 3, 3) of each frame."""
    H = homographies.reshape(len(homographies), *[1] * (xy.ndim - 2), 3, 3)
    moved = H[..., :2] @ xy[..., None] + H[..., 2:]
    return np.asarray(moved[..., :2, 0] / moved[..., 2:, 0])
