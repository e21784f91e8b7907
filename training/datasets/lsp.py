"""Leeds Sports Pose and its extension, as distributed: a folder or zip with images/ and joints.mat.

Johnson & Everingham, "Clustered Pose and Nonlinear Appearance Models" (BMVC 2010) and "Learning Effective Human Pose
Estimation from Inaccurate Annotation" (CVPR 2011).
"""

from __future__ import annotations

import io
from pathlib import Path

from mocap.io.lsp_mat import read_joints
from mocap.model.errors import MocapError
from mocap.model.labels import OCCLUDED, Visibility
from mocap.model.rotation import Array
from training.datasets.samples import Example, Picture, members, read_member

LSP_IMAGES, LSPET_IMAGES = 2000, 10_000
FEWEST_JOINTS = 4  # of a picture of the extension: fewer say little


def read_lsp(store: Path) -> list[Example]:
    """The 2000 examples in their order: the first 1000 are the official training half. All joints are labelled."""
    return [
        Example(f"lsp/{i:04d}", Picture(store, f"images/im{i:04d}.jpg"), xy, flags == OCCLUDED)
        for i, (xy, flags) in enumerate(zip(*_joints(store, LSP_IMAGES)), start=1)
    ]


def read_lspet(store: Path) -> list[Example]:
    """Examples of the extension that have a picture and at least four labelled joints, in order."""
    there = members(store)
    return [
        Example(f"lspet/{i:05d}", Picture(store, member), xy, flags == OCCLUDED)
        for i, (xy, flags) in enumerate(zip(*_joints(store, LSPET_IMAGES)), start=1)
        if (member := f"images/im{i:05d}.jpg") in there and (flags > 0).sum() >= FEWEST_JOINTS
    ]


def _joints(store: Path, images: int) -> tuple[Array, Visibility]:
    xy, flags = read_joints(io.BytesIO(read_member(store, "joints.mat")), store)
    if len(xy) != images:
        raise MocapError(f"{store}: joints.mat has {len(xy)} images, not {images}; is it the right dataset?")
    return xy, flags
