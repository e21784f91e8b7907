"""Round the values of a take to the decimals of its file, before they are solved or written.

A rounded take does not change when it is written and read back. Solving it again therefore gives the same bytes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mocap.model import rotation
from mocap.model.keypoints import Keypoints2D, Keypoints3D
from mocap.model.motion import Motion
from mocap.model.rotation import Array
from mocap.model.take import Observation, Person, Take, View

PIXEL_DECIMALS = 2
KEYPOINT_METRE_DECIMALS = 4
ROOT_DECIMALS = 6
QUATERNION_DECIMALS = 8  # 2e-8 rad at most
CONFIDENCE_DECIMALS = 3
PATH_DECIMALS = 9  # of homographies: an error of 1e-9 in perspective moves no pixel by 0.01
LEAST_CONFIDENCE = 0.001  # a visible keypoint must not get 0, which means missing


def rounded(take: Take) -> Take:
    """The take with all values rounded as in its file."""
    path = None if take.camera_path is None else rounded_path(take.camera_path)
    people = tuple(rounded_person(person) for person in take.people)
    views = tuple(_rounded_view(view) for view in take.further_views)
    return replace(take, people=people, camera_path=path, further_views=views)


def rounded_path(homographies: Array) -> Array:
    """The camera path (T, 3, 3), rounded as in the file."""
    return _round(homographies, PATH_DECIMALS)


def rounded_person(person: Person) -> Person:
    """The person with bounding boxes, keypoints and motion rounded as in the file."""
    return replace(
        person,
        boxes=_round(person.boxes, PIXEL_DECIMALS),
        keypoints_2d=rounded_keypoints_2d(person.keypoints_2d),
        keypoints_3d=rounded_keypoints_3d(person.keypoints_3d) if person.keypoints_3d is not None else None,
        motion=rounded_motion(person.motion) if person.motion is not None else None,
        further={key: _rounded_observation(observation) for key, observation in person.further.items()},
    )


def _rounded_view(view: View) -> View:
    return view if view.camera_path is None else replace(view, camera_path=rounded_path(view.camera_path))


def _rounded_observation(observation: Observation) -> Observation:
    space, boxes = observation.keypoints_3d, observation.boxes
    return Observation(
        rounded_keypoints_2d(observation.keypoints_2d),
        None if space is None else rounded_keypoints_3d(space),
        None if boxes is None else _round(boxes, PIXEL_DECIMALS),
    )


def rounded_keypoints_2d(keypoints: Keypoints2D) -> Keypoints2D:
    """Keypoints rounded to 0.01 pixel. Confidence is rounded to 0.001, but a positive one never becomes 0."""
    xy = _round(keypoints.xy, PIXEL_DECIMALS)
    return replace(keypoints, xy=xy, confidence=_rounded_confidence(keypoints.confidence))


def rounded_keypoints_3d(keypoints: Keypoints3D) -> Keypoints3D:
    """Keypoints rounded to 0.1 mm. Confidence is rounded to 0.001, but a positive one never becomes 0."""
    xyz = _round(keypoints.xyz, KEYPOINT_METRE_DECIMALS)
    return replace(keypoints, xyz=xyz, confidence=_rounded_confidence(keypoints.confidence))


def rounded_motion(motion: Motion) -> Motion:
    """The motion with its root rounded to 1 µm and its quaternions to eight decimals; bone offsets stay exact.

    After rounding, the norm of a quaternion differs from 1 by up to 1e-8. It is not normalised again: that would change
    the digits.
    """
    return replace(
        motion,
        root_world=_round(motion.root_world, ROOT_DECIMALS),
        local_wxyz=rotation.make_continuous(_round(motion.local_wxyz, QUATERNION_DECIMALS)),
        confidence=_round(motion.confidence, CONFIDENCE_DECIMALS),
    )


def _rounded_confidence(confidence: Array) -> Array:
    shown = np.maximum(_round(confidence, CONFIDENCE_DECIMALS), LEAST_CONFIDENCE)
    return np.where(confidence > 0, shown, 0.0)


def _round(values: Array, decimals: int) -> Array:
    return np.asarray(np.round(values, decimals) + 0.0)
