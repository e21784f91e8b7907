"""A motion: what a take holds and every animation file is written from."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from mocap.model.rotation import Array
from mocap.model.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Motion:
    """A skeleton moving at a constant, exact frame rate.

    root_world: (T, 3) metres, world frame (+Y up, floor at y = 0); it replaces the root's offset. local_wxyz:
    (T, J, 4) unit quaternions of each joint against its parent, identity in the rest pose. confidence: (T, J) in 0..1.
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
