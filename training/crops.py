"""From samples to arrays: the crop a network sees, and its joints in units of the crop's sides.

The founding report stretches the whole picture to the network's square. The other way cuts out a square around the
person with black where the picture ends, and keeps proportions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mocap.model.errors import unknown_name
from mocap.model.rotation import Array, Flags
from training.datasets.samples import Example, Image

CROPS = ("stretched", "square")
BOX_MARGIN = 0.2  # of a given box's longer side, on each side: what pictures that were cut out have around a person


@dataclass(frozen=True, eq=False)
class Crops:
    """N crops of S × S pixels.

    images: (N, S, S, 3) uint8. joints: (N, 14, 2) in units of the crop (0..1 inside), NaN where not labelled. hidden:
    (N, 14). corner, size: (N, 2) pixels of the picture, where the crop begins and how wide and high it is. picture:
    (N, 2) the picture's own width and height.
    """

    names: tuple[str, ...]
    images: NDArray[np.uint8]
    joints: Array
    hidden: Flags
    corner: Array
    size: Array
    picture: Array

    def __len__(self) -> int:
        return len(self.images)

    def to_pixels(self, points: Array) -> Array:
        """Pixels (N, 14, 2) of the pictures of points in units of the crops."""
        return points * self.size[:, None] + self.corner[:, None]

    def take(self, indices: Sequence[int] | Flags) -> Crops:
        """The crops of these indices."""
        chosen = np.arange(len(self))[np.asarray(indices)]
        names = tuple(self.names[i] for i in chosen)
        parts = (self.images, self.joints, self.hidden, self.corner, self.size, self.picture)
        return Crops(names, *(part[chosen] for part in parts))


def make_crops(samples: Sequence[Example], side: int, how: str) -> Crops:
    """The crops of samples, read and resized. MocapError for pictures that cannot be read."""
    if how not in CROPS:
        raise unknown_name("crop", how, list(CROPS))
    images = np.empty((len(samples), side, side, 3), np.uint8)
    corner, size, whole = (np.empty((len(samples), 2)) for _ in range(3))
    for i, sample in enumerate(samples):
        image = sample.picture.read()
        whole[i] = image.shape[1::-1]
        corner[i], size[i] = crop_place(image, sample.box, how)
        images[i] = cut(image, corner[i], size[i], side)
    pixels = np.array([sample.joints for sample in samples]).reshape(-1, 14, 2)
    hidden = np.array([sample.hidden for sample in samples]).reshape(-1, 14)
    joints = (pixels - corner[:, None]) / size[:, None]
    return Crops(tuple(sample.name for sample in samples), images, joints, hidden, corner, size, whole)


def crop_place(image: Image, box: Array | None, how: str) -> tuple[Array, Array]:
    """Corner (2,) and width and height (2,) in pixels of the crop of a picture."""
    low, high = np.zeros(2), np.array(image.shape[1::-1], dtype=np.float64)
    if box is not None:
        pad = BOX_MARGIN * (box[2:] - box[:2]).max()
        low, high = box[:2] - pad, box[2:] + pad
    if how == "stretched":
        return low, high - low
    side = (high - low).max()
    return 0.5 * (low + high) - 0.5 * side, np.array([side, side])


def cut(image: Image, corner: Array, size: Array, side: int) -> Image:
    """The crop (side, side, 3): averaged where it shrinks, black outside of the picture."""
    scale = size / side
    if scale.max() > 1.5:  # bilinear sampling alone would skip pixels
        smaller = 1 / scale.max()
        image = cv2.resize(image, None, fx=smaller, fy=smaller, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        corner, scale = corner * smaller, scale * smaller
    matrix = np.array(
        [[scale[0], 0, corner[0] + 0.5 * scale[0] - 0.5], [0, scale[1], corner[1] + 0.5 * scale[1] - 0.5]]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_CONSTANT)  # type: ignore[return-value]
