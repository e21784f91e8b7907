"""Depth for image keypoints: lifters behind one Protocol. Names are strings, imported on demand."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from mocap.model.camera import Camera
from mocap.model.errors import unknown_name
from mocap.model.keypoints import Keypoints2D, Keypoints3D
from mocap.solve.lift.rays import Lifted
from mocap.solve.settings import DEFAULT_LIFTER

LIFTERS = {
    "lifter": "mocap.solve.lift.temporal:LearntDepth",  # from the movement of the keypoints
    "network": "mocap.solve.lift.rays:NetworkDepth",  # as the pose network says, frame by frame
}
WITH_WEIGHTS = ("lifter",)  # the lifters that are a model with a card


class Lifter(Protocol):
    """Gives image keypoints their depth."""

    def lift(self, image: Keypoints2D, guess: Keypoints3D | None, camera: Camera) -> Lifted:
        """Keypoints in the camera frame, metres; ``guess`` is the pose network's own hip-centred 3D, if it has one."""
        ...


def create_lifter(name: str = DEFAULT_LIFTER) -> Lifter:
    """The lifter of that name. Raises MocapError for unknown names."""
    if name not in LIFTERS:
        raise unknown_name("lifter", name, sorted(LIFTERS))
    module, _, attribute = LIFTERS[name].partition(":")
    return getattr(import_module(module), attribute)()  # type: ignore[no-any-return]
