"""The skeleton that animation moves: joints, parents and the T-pose given by offsets alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mocap.model.body import BODY
from mocap.model.rotation import Array


@dataclass(frozen=True, eq=False)
class Skeleton:
    """J joints in depth-first order, which is also the order of BVH columns.

    Parameters
    ----------
    names : of the J joints, unique.
    parents : index of each joint's parent, −1 for the root.
    offsets : array (J, 3)
        Position relative to the parent, metres, in the rest pose (zero rotations: a T-pose that faces +Z, +Y up, its
        left at +X).
    ends : offset (3,) of the End Site of each leaf, metres, by joint name.

    Raises
    ------
    ValueError
        For joints that are not one tree in depth-first order, names that repeat, or offsets that are not finite.
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
        """The index of a joint in every (J, …) array."""
        return self.names.index(name)

    def children(self, joint: int) -> list[int]:
        """Indices of the joints whose parent is ``joint``."""
        return [j for j, parent in enumerate(self.parents) if parent == joint]

    @property
    def leaves(self) -> list[int]:
        """Indices of the joints without children."""
        return [j for j in range(len(self)) if j not in self.parents]

    def end_of_chain(self, name: str) -> Array:
        """Offset (3,) in metres, at rest, from a joint to the End Site of the chain of only children below it."""
        joint, offset = self.index(name), np.zeros(3)
        while children := self.children(joint):
            joint = children[0]
            offset = offset + self.offsets[joint]
        return np.asarray(offset + self.ends[self.names[joint]])

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


def humanoid(height_m: float = 1.0) -> Skeleton:
    """The humanoid skeleton of every take: an exact T-pose with its soles at y = 0.

    Parameters
    ----------
    height_m : height of the body, metres.

    Notes
    -----
    ``Toes`` is the ball of the foot; its End Site is the tip of the big toe.
    """
    names = tuple(joint.name for joint in BODY.joints)
    parents = tuple(-1 if joint.parent is None else names.index(joint.parent) for joint in BODY.joints)
    offsets = height_m * np.array([joint.rest for joint in BODY.joints])
    ends = {joint.name: height_m * np.array(joint.end) for joint in BODY.joints if joint.end is not None}
    return Skeleton(names=names, parents=parents, offsets=offsets, ends=ends)
