"""A BVH file as arrays, before its numbers are given a meaning (the words are read by ``bvh_tokens``)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mocap.io.bvh_tokens import LARGEST, POSITIONS, ROTATIONS, BvhJoint, read
from mocap.model.errors import MocapError
from mocap.model.rotation import Array

__all__ = ["LARGEST", "POSITIONS", "ROTATIONS", "BvhJoint", "BvhText", "parse_bvh"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class BvhText:
    """A parsed file: joints in file order, ``Frame Time`` as written, numbers (T, all channels) as written.

    names: the joints' names as Blender gives them, unique and without spaces.
    """

    joints: list[BvhJoint]
    names: list[str]
    frame_time: str
    frame_time_line: int
    numbers: Array

    def channel(self, joint: int, name: str) -> Array | None:
        """Values (T,) of a joint's channel, or None where the joint does not have it."""
        if name not in self.joints[joint].channels:
            return None
        return np.asarray(self.numbers[:, self.first_column(joint) + self.joints[joint].channels.index(name)])

    def first_column(self, joint: int) -> int:
        """The column of ``numbers`` in which a joint's channels begin."""
        return sum(len(other.channels) for other in self.joints[:joint])


def parse_bvh(path: str | Path) -> BvhText:
    """The words of a BVH file as arrays; what was put right is logged as a warning.

    Raises
    ------
    MocapError
        With the line, where the file is damaged, has several roots or cannot be read.
    """
    path = Path(path)
    try:
        tokens = read(path)
    except OSError as error:
        raise MocapError(f"cannot read {path}: {error.strerror or error}; check the name") from error
    except ValueError as error:
        raise MocapError(f"cannot read {path}: {error}") from error
    for warning in tokens.warnings:
        log.warning("%s: %s", path.name, warning)
    numbers = np.array(tokens.numbers, float).reshape(tokens.frames, tokens.channels)
    return BvhText(tokens.joints, tokens.names(), tokens.frame_time, tokens.frame_time_line, numbers)
