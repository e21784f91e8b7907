"""Lifters: estimators of depth for image keypoints, behind one Protocol. A lifter is imported when it is needed."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from mocap.model.camera import Camera
from mocap.model.errors import unknown_name
from mocap.model.keypoints import Keypoints2D, Keypoints3D
from mocap.solve.lift.rays import Lifted
from mocap.solve.settings import DEFAULT_LIFTER

LIFTERS = {
    "lifter": "mocap.solve.lift.temporal:LearntDepth",  # from how the keypoints move
    "network": "mocap.solve.lift.rays:NetworkDepth",  # the pose network's own depth, frame by frame
}
WITH_WEIGHTS = ("lifter",)  # the lifters that are a model with a card


class Lifter(Protocol):
    """An estimator of depth for image keypoints."""

    def lift(self, image: Keypoints2D, network_3d: Keypoints3D | None, camera: Camera) -> Lifted:
        """Estimate the depth of image keypoints.

        Parameters
        ----------
        image : cleaned keypoints, pixels.
        network_3d : the pose network's own 3D keypoints, metres, origin at the middle of the hips; None if it has none.
        camera : of the image.

        Returns
        -------
        Lifted
            Keypoints in the camera frame, metres.
        """
        ...


def create_lifter(name: str = DEFAULT_LIFTER) -> Lifter:
    """Create a lifter by its name in LIFTERS. Raises MocapError for an unknown name."""
    if name not in LIFTERS:
        raise unknown_name("lifter", name, sorted(LIFTERS))
    module, _, attribute = LIFTERS[name].partition(":")
    return getattr(import_module(module), attribute)()  # type: ignore[no-any-return]
