"""How right joints are, by the field's measures and by the founding report's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mocap.evaluate import metrics
from mocap.evaluate.lsp import LIMBS, limb_ends
from mocap.model.keypoints import LSP_14
from mocap.model.rotation import Array, Flags
from training.crops import Crops

THRESHOLDS = (0.2, 0.1)  # of the torso's longer diagonal


@dataclass(frozen=True, eq=False)
class Scores:
    """Over N images by the order of LSP_14: (14,), and of LIMBS: (10,); percent, and pixels of the picture.

    same_larger: the founding report's "accuracy", which Keras computes for two numbers: whether the larger of x and y,
    in the stretched picture, is the same one in prediction and label. NaN where nothing was predicted in any image.
    """

    images: int
    pck20: Array
    pck10: Array
    auc: Array
    pcp: Array
    pixels: Array
    same_larger: Array

    def as_json(self) -> dict[str, Any]:
        """JSON values by joint and limb, with the means."""
        by_joint = {"pck20": self.pck20, "pck10": self.pck10, "auc": self.auc, "pixels": self.pixels}
        by_joint["same_larger"] = self.same_larger
        values: dict[str, Any] = {"images": self.images}
        for name, numbers in by_joint.items():
            values[name] = _named(LSP_14.names, numbers)
        values["pcp"] = _named(LIMBS, self.pcp)
        return values


def scores_of(points: Array, crops: Crops) -> Scores:
    """Scores of joints (N, 14, 2) in units of the crops."""
    found, truth = crops.to_pixels(points), crops.to_pixels(crops.joints)
    errors = metrics.errors_in_torsos(found, truth, metrics.torso_diameters(truth, LSP_14))
    asked = np.isfinite(found).all(axis=-1).any(axis=0)
    both = np.isfinite(limb_ends(found)).all(axis=(-1, -2)).any(axis=0)
    pck20, pck10 = (metrics.pck(errors, threshold) for threshold in THRESHOLDS)
    same = same_larger(found / crops.picture[:, None], truth / crops.picture[:, None])
    pixels = np.full(len(LSP_14), np.nan)
    pixels[asked] = np.nanmean(np.linalg.norm(found - truth, axis=-1)[:, asked], axis=0)
    return Scores(
        images=len(crops),
        pck20=_where(asked, pck20),
        pck10=_where(asked, pck10),
        auc=_where(asked, metrics.auc(errors)),
        pcp=_where(both, metrics.limbs_correct(limb_ends(found), limb_ends(truth))),
        pixels=pixels,
        same_larger=_where(asked, same),
    )


def _where(asked: Flags, values: Array) -> Array:
    return np.where(asked, values, np.nan)


def same_larger(points: Array, truth: Array) -> Array:
    """Percent (14,) of labelled points (N, 14, 2) whose larger coordinate is the label's; Keras takes x in a tie."""
    labelled = np.isfinite(truth).all(axis=-1)
    same = (points[..., 1] > points[..., 0]) == (truth[..., 1] > truth[..., 0])
    return np.asarray(100 * (same & labelled).sum(axis=0) / np.maximum(labelled.sum(axis=0), 1))


def constant_guess(training: Crops) -> Array:
    """The mean place (14, 2), in units of the crop, of each joint: what can be said without a look."""
    return np.asarray(np.nanmean(training.joints, axis=0))


def _named(names: Sequence[str], values: Array) -> dict[str, float | None]:
    """Rounded values by name, with the mean of those that there are; None where there is none."""
    there = values[np.isfinite(values)]
    every = [*values, there.mean() if len(there) else np.nan]
    return {name: round(float(v), 4) if np.isfinite(v) else None for name, v in zip((*names, "mean"), every)}
