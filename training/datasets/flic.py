"""Frames Labeled In Cinema: a folder with examples.mat and images/ (Sapp & Taskar, "MODEC", CVPR 2013).

Each example has 29 points (2, 29), NaN where not labelled, of which the first twelve are of the limbs, and says whether
it is one of the official training or test examples. Knees and ankles are nearly always missing.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from mocap.model.errors import MocapError
from mocap.model.keypoints import LSP_14
from mocap.model.labels import ABSENT, VISIBLE
from mocap.model.rotation import Array
from training.datasets.samples import Example, Picture, box_around, read_member

# the first twelve of FLIC's points; left and right are the person's own
POINTS = tuple(f"{side}_{joint}" for side, joint in (
    *(("left", joint) for joint in ("shoulder", "elbow", "wrist")),
    *(("right", joint) for joint in ("shoulder", "elbow", "wrist")),
    *(("left", joint) for joint in ("hip", "knee", "ankle")),
    *(("right", joint) for joint in ("hip", "knee", "ankle")),
))  # fmt: skip
FEWEST_JOINTS = 4
MATLAB_CENTRE = 0.5  # the first pixel's centre is at 1 in the file and at 0.5 here


def read_flic(store: Path, part: str) -> list[Example]:
    """The official ``train`` or ``test`` examples of a folder or zip. MocapError for files that are damaged."""
    try:
        packed = io.BytesIO(read_member(store, "examples.mat"))
        rows: Any = np.atleast_1d(loadmat(packed, squeeze_me=True, struct_as_record=True)["examples"])
        chosen = [row for row in rows if row[f"is{part}"]]
        return [example for row in chosen if (example := _example(store, row)) is not None]
    except (KeyError, ValueError, TypeError, IndexError, NotImplementedError, MatReadError) as error:
        raise MocapError(
            f"{store}: examples.mat is damaged or not FLIC's ({error}); fetch the dataset again"
        ) from error


def _example(store: Path, row: Any) -> Example | None:
    """The example of a struct; None where too few joints are labelled."""
    coordinates = np.asarray(row["coords"], dtype=np.float64)[:, : len(POINTS)].T - MATLAB_CENTRE
    places = dict(zip(POINTS, coordinates))
    joints = np.array([places.get(name, np.full(2, np.nan)) for name in LSP_14.names])
    flags = np.where(np.isfinite(joints).all(axis=1), VISIBLE, ABSENT)
    if (flags == VISIBLE).sum() < FEWEST_JOINTS:
        return None
    name = str(row["filepath"])
    return Example(f"flic/{name}", Picture(store, f"images/{name}"), joints, flags < ABSENT, _person_box(joints, row))


def _person_box(joints: Array, row: Any) -> Array:
    """The box (4,) of the labelled joints and the torso that FLIC's detector found."""
    torso = np.asarray(row["torsobox"], dtype=np.float64).reshape(2, 2)
    return box_around(np.concatenate([joints, torso]))
