"""A motion: a root path and joint rotations over time, from which every animation file is written."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from mocap.model.rotation import Array
from mocap.model.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Motion:
    """A skeleton that moves, at a constant and exact frame rate.

    Parameters
    ----------
    skeleton : J joints.
    root_world : array (T, 3)
        Positions of the root, metres, world frame (+Y up, floor at y = 0); they replace the root's offset.
    local_wxyz : array (T, J, 4)
        Unit quaternions: rotation of each joint relative to its parent, identity in the rest pose; the sign continues
        from frame to frame (``rotation.make_continuous``).
    fps : exact.
    confidence : array (T, J)
        In 0..1.

    Raises
    ------
    ValueError
        For arrays that break these rules, or have missing values.
    """

    skeleton: Skeleton
    root_world: Array
    local_wxyz: Array
    fps: Fraction
    confidence: Array

    def __post_init__(self) -> None:
        frames, joints = len(self.root_world), len(self.skeleton)
        if self.root_world.shape != (frames, 3) or self.local_wxyz.shape != (frames, joints, 4):
            got = f"{self.root_world.shape}, {self.local_wxyz.shape}"
            raise ValueError(f"expected root (T, 3) and rotations (T, {joints}, 4), got {got}")
        if self.confidence.shape != (frames, joints):
            raise ValueError(f"expected confidence {(frames, joints)}, got {self.confidence.shape}")
        if not np.all((self.confidence >= 0) & (self.confidence <= 1)):
            raise ValueError("confidence must lie in 0..1")
        if not (np.all(np.isfinite(self.root_world)) and np.all(np.isfinite(self.local_wxyz))):
            raise ValueError("a motion has no missing values: fill gaps before it is made")
        if np.any(np.abs(np.linalg.norm(self.local_wxyz, axis=-1) - 1.0) > 1e-6):
            raise ValueError("rotations must be unit quaternions")
        if np.any(np.sum(self.local_wxyz[1:] * self.local_wxyz[:-1], axis=-1) < 0):
            raise ValueError("rotations must be hemisphere-continuous (rotation.make_continuous)")
        if self.fps <= 0:
            raise ValueError("fps must be positive")

    def __len__(self) -> int:
        return len(self.root_world)
