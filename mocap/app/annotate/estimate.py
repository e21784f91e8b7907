"""A first guess of the labels, by the pose network that a user names."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from mocap.app.annotate.pictures import Pictures
from mocap.estimate import create_detector, create_estimator, estimator_card
from mocap.evaluate.lsp import estimate_middle_person
from mocap.model.rotation import Array

if TYPE_CHECKING:
    from mocap.estimate import Detector, PoseEstimator


class Guesser:
    """A person detector and a pose network, loaded with the first guess; one picture at a time.

    Raises MocapError for an unknown name.
    """

    def __init__(self, name: str, device: str) -> None:
        estimator_card(name)
        self._name, self._device = name, device
        self._lock = Lock()
        self._networks: tuple[Detector, PoseEstimator] | None = None

    def guess(self, pictures: Pictures, index: int) -> Array:
        """Places (14, 2) by LSP_14 of the person nearest to the picture's middle, pixels; NaN if there is nobody."""
        frame = pictures.frame(index)
        with self._lock:
            if self._networks is None:
                detector = create_detector(device=self._device)
                self._networks = detector, create_estimator(self._name, device=self._device)
            return np.asarray(estimate_middle_person([frame], *self._networks).consensus()[-1, 0])
