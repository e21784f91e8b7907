"""Initial labels from a pose network, where the user names one."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from mocap.app.annotate.images import ImageSet
from mocap.estimate import create_detector, create_estimator, estimator_card
from mocap.evaluate.lsp import estimate_middle_person
from mocap.model.rotation import Array

if TYPE_CHECKING:
    from mocap.estimate import Detector, PoseEstimator


class Guesser:
    """A person detector and a pose network, loaded when they are first used; they process one image at a time.

    Parameters
    ----------
    name, device : str
        The pose network, and where it runs.

    Raises
    ------
    MocapError
        For an unknown name.
    """

    def __init__(self, name: str, device: str) -> None:
        estimator_card(name)
        self._name, self._device = name, device
        self._lock = Lock()
        self._networks: tuple[Detector, PoseEstimator] | None = None

    def guess(self, images: ImageSet, index: int) -> Array:
        """Estimate the keypoints of the person nearest to the middle of an image.

        Parameters
        ----------
        images : ImageSet
            The set.
        index : int
            Of the image.

        Returns
        -------
        array (14, 2)
            Positions in pixels, in the order of LSP_14; NaN if nobody is detected.
        """
        frame = images.frame(index)
        with self._lock:
            if self._networks is None:
                detector = create_detector(device=self._device)
                self._networks = detector, create_estimator(self._name, device=self._device)
            return np.asarray(estimate_middle_person([frame], *self._networks).consensus()[-1, 0])
