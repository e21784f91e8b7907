"""Keypoints of a take become motion in a world with a floor.

This half of the work needs neither video nor pose networks: it runs on a take that was read from a file as well.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mocap.model.camera import Camera, intrinsics_from_fov
from mocap.model.errors import MocapError
from mocap.model.take import Take
from mocap.solve.scene import Actor, Scene
from mocap.solve.settings import SolveSettings
from mocap.solve.steps import STEPS


def reconstruct(take: Take, settings: SolveSettings, *, keeps_contacts: bool = False) -> Take:
    """A take with swaps, motion, contacts, gaps and camera solved anew from its keypoints.

    Parameters
    ----------
    take : with keypoints; its old motion does not count.
    keeps_contacts : whether feet stand as the take's contacts say, which somebody may have edited.

    Raises
    ------
    MocapError : if nobody is visible long enough.
    """
    scene = _begin(take, settings, keeps_contacts=keeps_contacts)
    for step in STEPS:
        scene = step(scene)
    return replace(
        scene.take,
        people=tuple(actor.person for actor in scene.actors),
        camera=scene.camera,
        settings=settings.as_json(),
        filters=list(scene.record),
        quality={},
    )


def _begin(take: Take, settings: SolveSettings, *, keeps_contacts: bool) -> Scene:
    """The scene before the first step: the camera at the origin, nobody solved."""
    name = take.source.name
    if not take.people:
        raise MocapError(f"the take of {name} holds nobody; process the video again")
    if settings.camera_motion == "moving" and take.camera_path is None:
        raise MocapError(f"the take of {name} does not say how the camera turned; process the video again")
    if settings.camera_motion == "static":
        take = replace(take, camera_path=None)
    K = intrinsics_from_fov(settings.fov_degrees, take.source.size) if settings.fov_degrees else take.camera.K
    camera = Camera(K, np.eye(4), take.source.size)
    actors = tuple(Actor(person, person.keypoints_2d) for person in take.people)
    return Scene(take, settings, camera, actors, keeps_contacts)
