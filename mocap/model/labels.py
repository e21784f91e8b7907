"""Labels: the keypoints of one person in one image, placed by hand, and whether each is visible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mocap.model.keypoints import LSP_14, KeypointLayout
from mocap.model.rotation import Array, Flags

OPEN, ABSENT, OCCLUDED, VISIBLE = -1, 0, 1, 2  # visibility of a keypoint; from 0 on as in COCO
STATES = ("todo", "doubtful", "done")  # of an image

Visibility = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Sample:
    """The labels of one person in one image.

    Parameters
    ----------
    image : str
        Path of the image or clip, relative to the folder that was labelled, with forward slashes.
    xy : array (K, 2)
        Pixels of the upright image, origin at its top-left corner, a pixel's centre at half integers; NaN where there
        is no keypoint.
    visibility : array (K,)
        OPEN (not labelled yet), ABSENT, OCCLUDED or VISIBLE.
    layout : the K keypoints.
    frame : index in a clip, from 0; 0 for a still image.
    person : number from 1 that distinguishes the people of an image.
    size : (width, height) pixels, (0, 0) if unknown.
    state : one of STATES.

    Raises
    ------
    ValueError
        For other shapes or values, or where positions and visibility contradict each other.
    """

    image: str
    xy: Array
    visibility: Visibility
    layout: KeypointLayout = LSP_14
    frame: int = 0
    person: int = 1
    size: tuple[int, int] = (0, 0)
    state: str = "done"

    def __post_init__(self) -> None:
        if self.xy.shape != (len(self.layout), 2) or self.visibility.shape != (len(self.layout),):
            raise ValueError(f"expected {len(self.layout)} keypoints, got {self.xy.shape} and {self.visibility.shape}")
        if not np.isin(self.visibility, (OPEN, ABSENT, OCCLUDED, VISIBLE)).all():
            raise ValueError("visibility must be -1 (open), 0 (absent), 1 (occluded) or 2 (visible)")
        if np.any(np.isfinite(self.xy).all(axis=1) != self.is_placed):
            raise ValueError("a keypoint that is visible or occluded has a finite position, and no other has one")
        if np.any(np.isfinite(self.xy).any(axis=1) != self.is_placed):
            raise ValueError("a keypoint has both coordinates or none")
        if self.state not in STATES:
            raise ValueError(f"state must be one of {', '.join(STATES)}, not '{self.state}'")
        if self.frame < 0 or self.person < 1 or min(self.size) < 0:
            raise ValueError("frames count from 0, people from 1, and sizes are not negative")

    @property
    def is_placed(self) -> Flags:
        """Flags (K,) of the keypoints that have a position."""
        return np.asarray(self.visibility > ABSENT)

    @property
    def key(self) -> tuple[str, int, int]:
        """Image, frame and person: unique for each sample."""
        return self.image, self.frame, self.person


def sample_from_points(image: str, xy: Array, visibility: Visibility, **facts: object) -> Sample:
    """A sample in which keypoints that are open or absent have no position (NaN).

    Parameters
    ----------
    image : as in `Sample`.
    xy : (K, 2) pixels; positions of open and absent keypoints are ignored.
    visibility : (K,), as in `Sample`.
    **facts : the other fields of `Sample`.
    """
    flags = np.asarray(visibility, np.int8)
    return Sample(image, np.where((flags > ABSENT)[:, None], xy, np.nan), flags, **facts)  # type: ignore[arg-type]


def mapped(sample: Sample, layout: KeypointLayout) -> Sample:
    """The sample in another layout: keypoints are matched by name, and those without a match are open."""
    xy, visibility = np.full((len(layout), 2), np.nan), np.full(len(layout), OPEN, np.int8)
    for k, name in enumerate(layout.names):
        if name in sample.layout.names:
            old = sample.layout.index(name)
            xy[k], visibility[k] = sample.xy[old], sample.visibility[old]
    facts = {"frame": sample.frame, "person": sample.person, "size": sample.size, "state": sample.state}
    return sample_from_points(sample.image, xy, visibility, layout=layout, **facts)
