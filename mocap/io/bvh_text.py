"""A BVH file as numpy arrays. ``bvh_tokens`` parses the text; ``bvh`` interprets the numbers as a motion."""

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
    """A parsed BVH file; its values are not yet interpreted.

    Parameters
    ----------
    joints : list of BvhJoint
        In the order of the file.
    names : list of str
        The joints' names as Blender makes them: unique and without spaces.
    frame_time : str
        ``Frame Time`` as text, in seconds.
    frame_time_line : int
        Its line number, from 1.
    numbers : array (T, C)
        The motion values, in the file's units; C is the number of channels of all joints.
    """

    joints: list[BvhJoint]
    names: list[str]
    frame_time: str
    frame_time_line: int
    numbers: Array

    def channel(self, joint: int, name: str) -> Array | None:
        """Values (T,) of one channel of a joint; None if the joint has no such channel."""
        if name not in self.joints[joint].channels:
            return None
        return np.asarray(self.numbers[:, self.first_column(joint) + self.joints[joint].channels.index(name)])

    def first_column(self, joint: int) -> int:
        """Index of the first column of ``numbers`` that belongs to a joint."""
        return sum(len(other.channels) for other in self.joints[:joint])


def parse_bvh(path: str | Path) -> BvhText:
    """Parse a BVH file. Corrected faults of the file are logged as warnings.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    BvhText
        Its joints and numbers.

    Raises
    ------
    MocapError
        For a file that is damaged, has several roots or cannot be read. The message names the line where possible.
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
