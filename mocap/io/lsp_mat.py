"""Read and write joints.mat, the MATLAB file of Leeds Sports Pose (Johnson & Everingham, 2010) and LSP Extended.

Its keypoints are those of the layout LSP_14.

``joints`` is (3, 14, N) in LSP, whose third row is 1 where a keypoint is hidden, and (14, 3, N) in LSP Extended, whose
third column is 1 where a keypoint was labelled. Images are im0001.jpg, im0002.jpg … (Extended: five digits).
Convention: the centre of the first pixel is at 1 in the file and at 0.5 here.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from mocap.io.files import atomic_path
from mocap.model.errors import MocapError
from mocap.model.keypoints import LSP_14
from mocap.model.labels import ABSENT, OCCLUDED, VISIBLE, Sample, Visibility, mapped
from mocap.model.rotation import Array

MATLAB_CENTRE = 0.5
KEYPOINTS = len(LSP_14)


def read_joints(file: str | Path | IO[bytes], name: str | Path) -> tuple[Array, Visibility]:
    """Read a joints.mat of either data set.

    Parameters
    ----------
    file : str, Path or binary file
        The content.
    name : str or Path
        The file's name, for messages.

    Returns
    -------
    xy : array (N, 14, 2)
        Positions in pixels; NaN for an absent keypoint.
    visibility : array (N, 14)
        ``VISIBLE``, ``OCCLUDED`` or ``ABSENT``.

    Raises
    ------
    MocapError
        For a file that is damaged or has another shape.
    """
    from scipy.io import loadmat  # imported here: it takes half a second
    from scipy.io.matlab import MatReadError

    try:
        joints: Any = loadmat(file)["joints"]
    except (KeyError, ValueError, TypeError, NotImplementedError, OSError, zlib.error, MatReadError) as error:
        raise MocapError(f"cannot read {name}: joints.mat is missing or damaged") from error
    if joints.ndim == 3 and joints.shape[:2] == (3, KEYPOINTS):
        values = np.transpose(joints, (2, 1, 0)).astype(np.float64)
        flags = np.where(values[..., 2] == 1, OCCLUDED, VISIBLE)
    elif joints.ndim == 3 and joints.shape[:2] == (KEYPOINTS, 3):
        values = np.transpose(joints, (2, 0, 1)).astype(np.float64)
        flags = np.where(values[..., 2] == 1, VISIBLE, ABSENT)
    else:
        raise MocapError(f"cannot read {name}: joints is {joints.shape}, not (3, 14, N) or (14, 3, N)")
    xy = values[..., :2] - MATLAB_CENTRE
    flags = np.where(np.isfinite(xy).all(axis=-1), flags, ABSENT).astype(np.int8)
    return np.where(flags[..., None] > ABSENT, xy, np.nan), flags


def read_lsp(path: str | Path, images: Sequence[str] | None = None) -> list[Sample]:
    """Read a joints.mat as samples, one for each image.

    Parameters
    ----------
    path : str or Path
        The file.
    images : sequence of str or None
        Names of the images, in the order of the file; None: im0001.jpg, im0002.jpg and so on.

    Returns
    -------
    list of Sample
        In the order of the file.

    Raises
    ------
    MocapError
        For a damaged file, or another number of images.
    """
    xy, flags = read_joints(Path(path), path)
    digits = 4 if len(xy) < 10_000 else 5
    names = [f"im{n:0{digits}d}.jpg" for n in range(1, len(xy) + 1)] if images is None else list(images)
    if len(names) != len(xy):
        raise MocapError(f"cannot read {path}: it has {len(xy)} images, not {len(names)}; name the right folder")
    return [Sample(name, points, visibility) for name, points, visibility in zip(names, xy, flags)]


def write_lsp(samples: Iterable[Sample], path: str | Path) -> None:
    """Write samples, in their order, as LSP's (3, 14, N). A keypoint without a position is NaN; LSP has none."""
    from scipy.io import savemat

    by_image = [mapped(sample, LSP_14) for sample in samples]
    joints = np.full((3, KEYPOINTS, len(by_image)), np.nan)
    for n, sample in enumerate(by_image):
        joints[:2, :, n] = sample.xy.T + MATLAB_CENTRE
        joints[2, :, n] = sample.visibility == OCCLUDED
    with atomic_path(path) as temporary:
        savemat(temporary, {"joints": joints}, appendmat=False, do_compression=True)
