"""Solve a take: from keypoints to motion in a world with a floor.

No video and no pose network is needed, so it runs also on a take that was read from a file.
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
    """Run all steps of the solve on the keypoints of a take.

    Parameters
    ----------
    take : with keypoints; an old motion is ignored.
    settings : camera, height, filter, solver.
    keeps_contacts : whether the contacts of the take are kept (somebody may have edited them), not detected again.

    Returns
    -------
    Take
        With new swaps, motion, contacts, gaps, camera and record of filters.

    Raises
    ------
    MocapError
        If the take has no person, nobody is visible long enough, or a moving camera was asked for and its path is
        unknown.
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
    """The scene before the first step: the camera at the origin, no person solved."""
    name = take.source.name
    if not take.people:
        raise MocapError(f"the take of {name} contains no person; process the video again")
    if settings.camera_motion == "moving" and take.camera_path is None:
        raise MocapError(f"the take of {name} does not contain the rotation of the camera; process the video again")
    if settings.camera_motion == "static":
        take = replace(take, camera_path=None)
    K = intrinsics_from_fov(settings.fov_degrees, take.source.size) if settings.fov_degrees else take.camera.K
    camera = Camera(K, np.eye(4), take.source.size)
    actors = tuple(Actor(person, person.keypoints_2d) for person in take.people)
    return Scene(take, settings, camera, actors, keeps_contacts)
