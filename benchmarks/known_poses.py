"""How far poses are from those that a training knows: the mean angle between the directions of nine bones."""

from __future__ import annotations

import numpy as np

from mocap.model.rotation import Array
from training.captured_bodies import NAMES, Body
from training.motions import POINTS

BONES = tuple((f"{side}_{a}", f"{side}_{b}") for side in ("left", "right")
              for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")))  # fmt: skip
EVERY = 3  # frames: neighbouring poses are alike
CANDIDATES = 16  # nearest by the sum of cosines, of which the mean angle decides
MIRRORED_BONES = [0, 5, 6, 7, 8, 1, 2, 3, 4]


def bone_directions(points: Array, names: tuple[str, ...], up: Array) -> Array:
    """Measure where nine bones point, whichever way the body faces.

    Parameters
    ----------
    points : (N, P, 3)
        Joints of N poses, any unit.
    names : tuple of P str
        The joints' names.
    up : (N, 3)
        Unit directions against gravity.

    Returns
    -------
    (N, 9, 3)
        Unit directions of the trunk, then of upper arm, forearm, thigh and shin, left before right; y is up and the
        hips lie along x.
    """
    at = {name: points[:, names.index(name)] for bone in BONES for name in bone}
    middle = lambda part: at[f"left_{part}"] + at[f"right_{part}"]  # noqa: E731
    ways = np.stack([middle("shoulder") - middle("hip"), *(at[b] - at[a] for a, b in BONES)], axis=1)
    across = at["left_hip"] - at["right_hip"]
    across = across - np.sum(across * up, axis=-1, keepdims=True) * up
    x = across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
    frames = np.stack([x, up, np.cross(x, up)], axis=1)
    ways = ways @ frames.swapaxes(1, 2)
    return np.asarray(ways / np.maximum(np.linalg.norm(ways, axis=-1, keepdims=True), 1e-9))


class KnownPoses:
    """The poses of takes, and of their mirror images."""

    def __init__(self, bodies: list[Body]) -> None:
        points = np.concatenate([body.points[::EVERY] for body in bodies]).astype(float)
        ways = bone_directions(points, POINTS, np.broadcast_to([0.0, 1, 0], (len(points), 3)))
        self._ways = np.concatenate([ways, ways[:, MIRRORED_BONES] * [-1, 1, 1]]).astype(np.float32)

    def angles(self, seen: Array, up: Array) -> Array:
        """Measure how far poses are from the nearest known ones.

        Parameters
        ----------
        seen : (T, 33, 3)
            Landmarks of BlazePose along any axes.
        up : (3,)
            Unit direction against gravity along the same axes.

        Returns
        -------
        (ceil(T / 3),)
            The mean angle over nine bones to the nearest known pose, for every third frame, degrees.
        """
        ways = bone_directions(seen[::EVERY], NAMES, np.broadcast_to(up, (len(seen[::EVERY]), 3))).astype(np.float32)
        alike = ways.reshape(len(ways), -1) @ self._ways.reshape(len(self._ways), -1).T
        nearest = np.argpartition(-alike, min(CANDIDATES, alike.shape[1] - 1), axis=1)[:, :CANDIDATES]
        cosines = np.sum(ways[:, None] * self._ways[nearest], axis=-1)
        return np.asarray(np.degrees(np.arccos(np.clip(cosines, -1, 1))).mean(axis=-1).min(axis=1))
