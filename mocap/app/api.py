"""The Python API: the functions of ``import mocap``, loaded when they are used."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from mocap.app import process as pipeline
from mocap.app.settings import CaptureSettings
from mocap.io import outlets
from mocap.io.rounding import rounded
from mocap.io.take_json import read_json
from mocap.model import kinematics
from mocap.model.errors import MocapError
from mocap.model.motion import Motion
from mocap.model.rotation import Array
from mocap.model.take import Take
from mocap.source import FrameSource


class Joints(NamedTuple):
    """The positions of joints over time.

    Parameters
    ----------
    names : tuple of str
        The J joints, a parent before its children; Unity's humanoid names in a take.
    positions : array (T, J, 3)
        Metres in the world: +Y up, the floor at y = 0.
    """

    names: tuple[str, ...]
    positions: Array


def process(clip: str | Path | FrameSource, **settings: Any) -> Take:
    """Make a take from a clip, as ``mocap process`` does.

    Parameters
    ----------
    clip : str, Path or FrameSource
        A video file, a folder of images, or an open source of frames.
    **settings
        Fields of ``CaptureSettings`` (``people="all"``, ``start_s=2.0``, ``estimator="blazepose-lite"``) and of
        ``SolveSettings`` (``height_m=1.75``, ``fov_degrees=65.0``, ``cutoff_hz=10.0``).

    Returns
    -------
    Take
        With keypoints, solved motion, contacts, camera and everything else that is in a take's JSON.

    Raises
    ------
    MocapError
        For a clip that cannot be read, is damaged or has no visible person, and for a setting outside its range.
    TypeError
        For an unknown setting; the message lists the known ones.
    """
    defaults = CaptureSettings()
    of_solve = {field.name for field in fields(defaults.solve)}
    known = {field.name for field in fields(defaults)} - {"solve"}
    if unknown := sorted(set(settings) - known - of_solve):
        raise TypeError(f"unknown settings {', '.join(unknown)}; known: {', '.join(sorted(known | of_solve))}")
    solve = replace(defaults.solve, **{name: value for name, value in settings.items() if name in of_solve})
    capture = replace(defaults, solve=solve, **{name: value for name, value in settings.items() if name in known})
    return pipeline.process(clip, capture)


def read(path: str | Path) -> Take:
    """Read a take.

    Parameters
    ----------
    path : str or Path
        A ``take.json``.

    Returns
    -------
    Take
        Equal to the one that was written.

    Raises
    ------
    MocapError
        For a file that is missing, damaged or not a take. A BVH contains only a motion: see ``read_motion``.
    """
    path = Path(path)
    if path.suffix.lower() != ".json" and path.suffix.lower() in outlets.READERS:
        raise MocapError(f"{path} holds a motion, not a take; read it with mocap.read_motion")
    return read_json(path)


def read_motion(path: str | Path, *, person: int | None = None, units: str = "m") -> Motion:
    """Read one person's motion from a take, a BVH, or any other format that can be read.

    Parameters
    ----------
    path : str or Path
        The suffix selects the format.
    person : int or None
        The person's id; None: the first person.
    units : str
        Length unit of a BVH: ``m`` or ``cm``.

    Returns
    -------
    Motion
        Skeleton, root positions and rotations, in metres.

    Raises
    ------
    MocapError
        For a file that cannot be read, or an id that is not in it.
    """
    recording = outlets.read(path, units=units)
    if person is not None and person not in recording.motions:
        raise MocapError(f"{path} has no motion of person {person}; choose one of: {_listed(recording.motions)}")
    return recording.motion if person is None else recording.motions[person]


def write(content: Take | Motion, path: str | Path, *, units: str = "m") -> list[Path]:
    """Write a take or a motion in the format of the path's suffix.

    Parameters
    ----------
    content : Take or Motion
        ``take.json`` needs a take.
    path : str or Path
        Where a format holds one person, several people get ``walk_1.bvh``, ``walk_2.bvh`` and so on.
    units : str
        Length unit of a BVH: ``m`` or ``cm``.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    MocapError
        For an unknown suffix, a take without motion, or a file that cannot be written.
    """
    recording = _recording(content)
    if not recording.motions and outlets.outlet_for(path).is_one_person:
        raise MocapError(f"cannot write {path}: the take holds nobody's motion")
    return outlets.write(recording, path, units=units)


def joint_positions(content: Take | Motion, *, person: int | None = None) -> Joints:
    """The positions of one person's joints in the world.

    Parameters
    ----------
    content : Take or Motion
        For a take, the motion of one person is used.
    person : int or None
        The person's id; None: the first person who has a motion.

    Returns
    -------
    Joints
        Names (J) and positions (T, J, 3) in metres.

    Raises
    ------
    MocapError
        If the take has no such person or no motion.
    """
    motion = content if isinstance(content, Motion) else _motion_of(content, person)
    return Joints(motion.skeleton.names, kinematics.joint_positions(motion))


def _recording(content: Take | Motion) -> outlets.Recording:
    if isinstance(content, Motion):
        return outlets.Recording({1: content})
    return outlets.recording_of(rounded(content))


def _motion_of(take: Take, person: int | None) -> Motion:
    motions = outlets.recording_of(take).motions
    if not motions or (person is not None and person not in motions):
        whom = "nobody" if not motions else f"only person {_listed(motions)}"
        raise MocapError(f"the take of {take.source.name} has the motion of {whom}")
    return next(iter(motions.values())) if person is None else motions[person]


def _listed(motions: dict[int, Motion]) -> str:
    return ", ".join(map(str, motions))
