"""Crops as other cameras might have seen them: mirrored, turned, moved, resized, in other light.

By torchvision's transforms v2, which move the joints (``tv_tensors.KeyPoints``) with the picture. Which joint is left
and which is right changes in a mirror: that is done here.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mocap.estimate.torchvision_operators import import_torchvision
from mocap.model.keypoints import LSP_14

import_torchvision()  # before its parts are
from torchvision.transforms import v2  # noqa: E402
from torchvision.transforms.v2 import functional as F  # noqa: E402
from torchvision.tv_tensors import Image, KeyPoints  # noqa: E402


@dataclass(frozen=True)
class Changes:
    """How much crops are changed. degrees, shift (of the side), smallest and largest scale: of the picture."""

    mirror: float = 0.5
    degrees: float = 30.0
    shift: float = 0.06
    smallest: float = 0.75
    largest: float = 1.25
    light: float = 0.3

    def weakened(self, share: float) -> Changes:
        """These, with all but mirrors that share as far from none."""
        return Changes(
            self.mirror,
            self.degrees * share,
            self.shift * share,
            1 - (1 - self.smallest) * share,
            1 + (self.largest - 1) * share,
            self.light * share,
        )


class Mirror(v2.Transform):
    """The picture as in a mirror, its joints under the names they have there; always."""

    _order = LSP_14.mirrored()

    def transform(self, inpt: object, params: dict[str, object]) -> object:
        """The mirrored image or joints."""
        if isinstance(inpt, KeyPoints):  # by ourselves: a pixel's centre lies at half integers here
            points = inpt.as_subclass(Tensor)[self._order]
            width = inpt.canvas_size[1]
            return KeyPoints(torch.stack([width - points[:, 0], points[:, 1]], -1), canvas_size=inpt.canvas_size)
        return F.horizontal_flip(inpt)


def augmentation(changes: Changes) -> v2.Transform:
    """A random transform of (image, joints)."""
    light = changes.light
    return v2.Compose(
        [
            v2.RandomApply([Mirror()], changes.mirror),
            v2.RandomAffine(
                changes.degrees,
                translate=(changes.shift, changes.shift),
                scale=(changes.smallest, changes.largest),
                interpolation=v2.InterpolationMode.BILINEAR,
            ),
            v2.ColorJitter(brightness=light, contrast=light, saturation=light),
        ]
    )


def augmented(transform: v2.Transform, image: Tensor, joints: Tensor) -> tuple[Tensor, Tensor]:
    """A changed image (3, S, S) uint8 and its joints (14, 2) in units of the side; NaN stays NaN."""
    side = image.shape[-1]
    changed, points = transform(Image(image), KeyPoints(joints * side, canvas_size=(side, side)))
    return changed.as_subclass(Tensor), points.as_subclass(Tensor) / side


def seeded(seed: int, epoch: int, index: int) -> None:
    """Makes what is drawn for a crop depend on these numbers alone, whoever prepares it and when."""
    torch.manual_seed((seed * 1_000_003 + epoch) * 1_000_003 + index)
