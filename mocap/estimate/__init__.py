"""Networks behind two Protocols. Which ones there are is read from the cards in the folder of models.

A card says what kind of network it is of; ``KINDS`` says which class runs a kind. The classes are named by strings and
imported on demand, so that listing them costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mocap.io.weights import Card, has_card, list_cards, read_card
from mocap.model.errors import MocapError, unknown_name
from mocap.model.keypoints import KeypointLayout
from mocap.model.rotation import Array

Frame = NDArray[np.uint8]  # (height, width, 3), RGB

# the kinds of network that cards name, with the class that runs each
KINDS = {
    "blazepose": "mocap.estimate.blazepose:BlazePoseEstimator",
    "blazepose-detector": "mocap.estimate.blazepose:BlazePoseDetector",
    "blazepose-lsp": "mocap.estimate.joints:BlazePoseLspEstimator",
    "joint-heatmaps": "mocap.estimate.joints:HeatmapEstimator",
    "joint-regressor": "mocap.estimate.joints:JointRegressor",
    "keypoint-rcnn": "mocap.estimate.keypoint_rcnn:KeypointRcnnEstimator",
}
DEFAULT_DETECTOR = "blazepose-detector"
# networks that training/ makes; a name without a card here has no weights yet
TRAINABLE = frozenset(
    {
        "alexnet",
        "blazepose-lsp",
        "blazepose-lsp-full",
        "blazepose-lsp-lite",
        "deeppose",
        "flowing-convnet",
        "heatmap",
        "heatmap-small",
        "resnet34",
    }
)
OPTIONAL_PACKAGES = ("torch", "torchvision")  # of the extra ``train``


@dataclass(frozen=True, eq=False)
class Detections:
    """People found in one frame, best first.

    boxes: (N, 4) xyxy pixels. scores: (N,) 0..1. regions: (N, 4) where a pose network should look: an oriented
    square as centre x, centre y, side (pixels) and rotation (radians, clockwise on screen; 0 = upright).
    """

    boxes: Array
    scores: Array
    regions: Array


@dataclass(frozen=True, eq=False)
class Poses:
    """What a pose network says of B (frame, region) pairs, not yet in time.

    xy: (B, K, 2) pixels of the whole frame. confidence: (B, K) 0..1. xyz: (B, K, 3) metres, camera axes (x right,
    y down, z forward), hips' middle at the origin, or None for a network without depth. scores: (B,) 0..1, whether
    there is a person in the region. next_regions: (B, 4) the region that fits what was seen, or None from a network
    that would not notice if it saw nobody: only a detector can say where people are then.
    """

    xy: Array
    confidence: Array
    xyz: Array | None
    scores: Array
    next_regions: Array | None


class Detector(Protocol):
    """Finds people in whole frames."""

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Detections of each RGB frame."""
        ...


class PoseEstimator(Protocol):
    """Finds the keypoints of one person in a region of a frame.

    parts: of a person that it gives, from ``mocap.model.take.PARTS``.
    """

    layout: KeypointLayout
    parts: tuple[str, ...]

    def estimate(self, frames: Sequence[Frame], regions: Array) -> Poses:
        """Poses of B regions (B, 4), each in the frame of the same index; all are in flight at once."""
        ...


def create_estimator(name: str, *, device: str = "auto") -> PoseEstimator:
    """The pose estimator of a model.

    Parameters
    ----------
    name
        A model whose card names an estimator.
    device
        auto, cpu, cuda or mps.

    Returns
    -------
    PoseEstimator
        With its weights loaded.

    Raises
    ------
    MocapError
        For unknown names, weights that are not there or damaged, and packages that are not installed.
    """
    card = estimator_card(name)
    estimator: PoseEstimator = _create(card, device)
    if (estimator.layout.name, estimator.parts) != (card.keypoints, card.parts):
        given = f"{estimator.layout.name} of {', '.join(estimator.parts)}"
        raise MocapError(f"the card of {name} says {card.keypoints} of {', '.join(card.parts)}; it gives {given}")
    return estimator


def create_detector(name: str = DEFAULT_DETECTOR, *, device: str = "auto") -> Detector:
    """The person detector of a model; parameters and errors as in ``create_estimator``."""
    return _create(_card_of("detector", name), device)  # type: ignore[no-any-return]


def estimator_names() -> list[str]:
    """The names that may be asked for: the estimators that have a card here, and those that can be trained."""
    return sorted({card.name for card in list_cards() if card.role == "estimator"} | TRAINABLE)


def estimator_card(name: str) -> Card:
    """The card of an estimator, read without loading it.

    Parameters
    ----------
    name
        As a user gives it.

    Returns
    -------
    Card
        Of the model.

    Raises
    ------
    MocapError
        For a name that is no estimator's: it lists those there are. For one that has no weights here yet, it says
        where to read how it is trained.
    """
    if name in TRAINABLE and not has_card(name):
        hint = "docs/dev/training.md says how to train it"
        raise MocapError(f"{name} has no weights here; {hint}; or use blazepose-heavy")
    return _card_of("estimator", name)


def _card_of(role: str, name: str) -> Card:
    card = read_card(name) if has_card(name) else None
    if card is None or card.role != role:
        raise unknown_name(role, name, [card.name for card in list_cards() if card.role == role])
    return card


def _create(card: Card, device: str):  # type: ignore[no-untyped-def]
    """The object that runs a model. A card may also name a class of its own, within this package."""
    module, _, attribute = KINDS.get(card.kind, card.kind).partition(":")
    if not attribute or not module.startswith(f"{__name__}."):
        raise MocapError(f"the card of {card.name} names the unknown kind '{card.kind}'; known: {', '.join(KINDS)}")
    try:
        factory = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name not in OPTIONAL_PACKAGES:
            raise
        needs = f"the {card.role} {card.name} needs {error.name}, which is not installed"
        raise MocapError(f"{needs}: pip install 'opentake[train]'") from error
    return factory(card.name, device=device)
