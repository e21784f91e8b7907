"""The skeleton that animation moves: joints, parents and the T-pose given by offsets alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mocap.model.rotation import Array


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Joints in depth-first order, so that array order is BVH column order.

    names: J unique names. parents: (J,) index of each joint's parent, −1 at the root. offsets: (J, 3) metres, in the
    parent's frame, in the rest pose (zero rotations: a T-pose facing +Z, +Y up, its left at +X). ends: offset (3,)
    of the End Site of each leaf, by joint name.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Array
    ends: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < len(self.names) == len(self.parents) or self.offsets.shape != (len(self.names), 3):
            raise ValueError("names, parents and offsets (J, 3) must have one entry a joint")
        if len(set(self.names)) != len(self.names):
            raise ValueError("joint names must be unique")
        if self.parents[0] != -1 or not all(0 <= p < j for j, p in enumerate(self.parents[1:], start=1)):
            raise ValueError("the first joint must be the only root and parents must come before their children")
        if not _is_depth_first(self.parents):
            raise ValueError("joints must be in depth-first order (the order of a BVH hierarchy)")
        if not np.all(np.isfinite(self.offsets)) or not all(np.all(np.isfinite(e)) for e in self.ends.values()):
            raise ValueError("offsets must be finite")
        if missing := set(self.ends) - {self.names[j] for j in self.leaves}:
            raise ValueError(f"only leaves have End Sites, not {sorted(missing)}")

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """The position of a joint in every (J, …) array."""
        return self.names.index(name)

    def children(self, joint: int) -> list[int]:
        """Indices of the joints whose parent is ``joint``."""
        return [j for j, parent in enumerate(self.parents) if parent == joint]

    @property
    def leaves(self) -> list[int]:
        """Indices of the joints without children."""
        return [j for j in range(len(self)) if j not in self.parents]

    def rest_positions(self) -> Array:
        """Joint positions (J, 3) in metres of the rest pose, root at its own offset."""
        positions = np.array(self.offsets)
        for j, parent in enumerate(self.parents):
            if parent >= 0:
                positions[j] += positions[parent]
        return positions


def _is_depth_first(parents: tuple[int, ...]) -> bool:
    path: list[int] = []
    for joint, parent in enumerate(parents):
        while path and path[-1] != parent:
            path.pop()
        if parent >= 0 and not path:
            return False
        path.append(joint)
    return True


# Unity/VRM humanoid names, depth first: name, parent, rest offset for a body of 1 m height.
# Proportions: Winter, "Biomechanics and Motor Control of Human Movement" (4th ed.), fig. 4.1 after Drillis & Contini.
_HUMANOID: tuple[tuple[str, str | None, tuple[float, float, float]], ...] = (
    ("Hips", None, (0.0, 0.525, 0.0)),
    ("Spine", "Hips", (0.0, 0.060, 0.0)),
    ("Chest", "Spine", (0.0, 0.070, 0.0)),
    ("UpperChest", "Chest", (0.0, 0.070, 0.0)),
    ("Neck", "UpperChest", (0.0, 0.113, 0.0)),
    ("Head", "Neck", (0.0, 0.060, 0.010)),
    ("LeftShoulder", "UpperChest", (0.020, 0.088, 0.0)),
    ("LeftUpperArm", "LeftShoulder", (0.085, 0.0, 0.0)),
    ("LeftLowerArm", "LeftUpperArm", (0.172, 0.0, 0.0)),
    ("LeftHand", "LeftLowerArm", (0.157, 0.0, 0.0)),
    ("RightShoulder", "UpperChest", (-0.020, 0.088, 0.0)),
    ("RightUpperArm", "RightShoulder", (-0.085, 0.0, 0.0)),
    ("RightLowerArm", "RightUpperArm", (-0.172, 0.0, 0.0)),
    ("RightHand", "RightLowerArm", (-0.157, 0.0, 0.0)),
    ("LeftUpperLeg", "Hips", (0.055, 0.0, 0.0)),
    ("LeftLowerLeg", "LeftUpperLeg", (0.0, -0.245, 0.0)),
    ("LeftFoot", "LeftLowerLeg", (0.0, -0.246, 0.0)),
    ("LeftToes", "LeftFoot", (0.0, -0.030, 0.080)),
    ("RightUpperLeg", "Hips", (-0.055, 0.0, 0.0)),
    ("RightLowerLeg", "RightUpperLeg", (0.0, -0.245, 0.0)),
    ("RightFoot", "RightLowerLeg", (0.0, -0.246, 0.0)),
    ("RightToes", "RightFoot", (0.0, -0.030, 0.080)),
)
_HUMANOID_ENDS = {
    "Head": (0.0, 0.097, 0.0),
    "LeftHand": (0.108, 0.0, 0.0),
    "RightHand": (-0.108, 0.0, 0.0),
    "LeftToes": (0.0, -0.004, 0.037),
    "RightToes": (0.0, -0.004, 0.037),
}


def humanoid(height_m: float = 1.0) -> Skeleton:
    """The humanoid skeleton of every take in a true T-pose, soles on y = 0, for a body of that height in metres.

    ``Toes`` is the ball of the foot; its End Site is the tip of the big toe.
    """
    names = tuple(name for name, _, _ in _HUMANOID)
    parents = tuple(-1 if parent is None else names.index(parent) for _, parent, _ in _HUMANOID)
    offsets = height_m * np.array([offset for _, _, offset in _HUMANOID])
    ends = {name: height_m * np.array(end) for name, end in _HUMANOID_ENDS.items()}
    return Skeleton(names=names, parents=parents, offsets=offsets, ends=ends)
