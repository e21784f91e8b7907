"""Input of a comparison: the 14 points over time, contact points and contacts, read from any of the known formats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mocap.evaluate import rigs
from mocap.evaluate.metrics import EVALUATION_POINTS
from mocap.io.bvh import read_bvh
from mocap.io.json_text import load
from mocap.io.take_json import read_json
from mocap.io.trc import read_trc
from mocap.io.truth_json import is_truth, read_truth
from mocap.model.body import BODY
from mocap.model.errors import MocapError
from mocap.model.motion import Motion
from mocap.model.rotation import Array, Flags
from mocap.model.take import Person, Take
from mocap.solve.clean import filters
from mocap.solve.contact import detection
from mocap.solve.contact.points import contact_points

TRC_MARKERS = {
    point: point[0].upper() + point.partition("_")[2].title().replace("_", "") for point in EVALUATION_POINTS
}
TRC_SOLES = {"LeftHeel": "LHeel", "LeftToes": "LBigToe", "RightHeel": "RHeel", "RightToes": "RBigToe"}
TRUTH_POINTS = {point: point.replace("big_toe", "toe") for point in EVALUATION_POINTS}
TRUTH_SOLES = {"LeftHeel": "left_heel", "LeftToes": "left_toe", "RightHeel": "right_heel", "RightToes": "right_toe"}
NETWORK_POINTS = {point: point.replace("big_toe", "foot_index") for point in EVALUATION_POINTS}
LEFT_LEG = [joint.keypoint for joint in BODY.of_kind("leg")[0].joints if joint.keypoint]
LEG_M = (0.3, 1.4)  # length of thigh and shin of any person; other values are not metres


@dataclass(frozen=True, eq=False)
class PointTrack:
    """The 14 points of one person over time.

    Parameters
    ----------
    origin : what the points are and where they come from, in words.
    times_s : array (T,)
        Seconds, rising.
    points : array (T, 14, 3)
        Metres, NaN where missing, in the order of EVALUATION_POINTS.
    soles : positions (T, 3) in metres by contact point, those that are known.
    contacts : flags (T,) of frames in contact, by contact point.
    has_floor : whether y = 0 is the floor.
    """

    origin: str
    times_s: Array
    points: Array
    soles: dict[str, Array] = field(default_factory=dict)
    contacts: dict[str, Flags] = field(default_factory=dict)
    has_floor: bool = False


def read_capture(path: Path, *, person: int | None = None, keypoints: bool = False) -> PointTrack:
    """Read the captured person that is compared with a reference.

    Parameters
    ----------
    path : a take's JSON or a BVH.
    person : id; None is the first.
    keypoints : whether to take the network's own 3D instead of the solved motion.

    Returns
    -------
    PointTrack
        NaN in frames in which the person is not visible. Time 0 is the clip's first frame.

    Raises
    ------
    MocapError
        For a file that cannot be read, and a person that the take does not have.
    """
    if path.suffix.lower() == ".bvh" and not keypoints:
        return _from_bvh(path, 1.0)
    if path.suffix.lower() != ".json":
        kinds = "take.json alone has keypoints" if keypoints else "use take.json or a .bvh"
        raise MocapError(f"cannot measure {path}: {kinds}")
    take = read_json(path)
    return capture_of(take, _person(take, person, path), keypoints=keypoints)


def capture_of(take: Take, person: Person, *, keypoints: bool = False) -> PointTrack:
    """The points of one person of a take; as ``read_capture``."""
    times = take.source.start_s + np.arange(take.frames) / float(take.fps)
    if keypoints:
        return PointTrack(f"person {person.id}, the network's own 3D keypoints", times, _network_points(person))
    if person.motion is None:
        raise MocapError(f"person {person.id} has no motion yet: run `mocap solve` on the take first")
    visible = _visible(person)
    track = _from_motion(person.motion, f"person {person.id}, solved motion")
    contacts = {name: _in_spans(person.contacts.get(name, []), take.frames) for name in track.soles}
    points = np.where(visible[:, None, None], track.points, np.nan)
    return replace(track, times_s=times, points=points, contacts=contacts)


def read_reference(path: Path, *, metres_a_unit: float = 1.0) -> PointTrack:
    """Read the reference with which a captured person is compared.

    Parameters
    ----------
    path : a TRC, a BVH or a truth JSON.
    metres_a_unit : of a BVH, whose format does not state its unit.

    Returns
    -------
    PointTrack
        Times are the Time column of a TRC; the first frame of the others is at 0. Contacts that the file does not have
        are detected by the CONTACT rule on its points, low-passed at 6 Hz.

    Raises
    ------
    MocapError
        For points that the file does not have, and a body of impossible size.
    """
    readers: dict[str, Callable[[], PointTrack]] = {
        ".trc": lambda: _from_trc(path),
        ".bvh": lambda: _from_bvh(path, metres_a_unit),
        ".json": lambda: _from_json(path),
    }
    if path.suffix.lower() not in readers:
        raise MocapError(f"no reference can be read from {path}: use one of: {', '.join(readers)}")
    track = readers[path.suffix.lower()]()
    _check_size(path, track)
    return track


def _from_trc(path: Path) -> PointTrack:
    markers = read_trc(path)
    columns = {name: markers.xyz[:, j] for j, name in enumerate(markers.names)}
    soles = {name: columns[marker] for name, marker in TRC_SOLES.items() if marker in columns}
    points = _stacked(columns, TRC_MARKERS, path)
    return PointTrack(
        f"{path.name}, {len(columns)} markers", markers.times_s, points, soles, _contacts_by_rule(soles, markers.fps)
    )


def _from_json(path: Path) -> PointTrack:
    if not is_truth(load(path)):
        return read_capture(path)
    truth = read_truth(path)
    columns = {name: truth.xyz[:, j] for j, name in enumerate(truth.names)}
    soles = {name: columns[point] for name, point in TRUTH_SOLES.items() if point in columns}
    contacts = {
        name: _in_spans(truth.contacts[TRUTH_SOLES[name]], len(truth.xyz))
        for name in soles
        if TRUTH_SOLES[name] in truth.contacts
    }
    return PointTrack(
        f"{path.name}, exact points",
        np.arange(len(truth.xyz)) / float(truth.fps),
        _stacked(columns, TRUTH_POINTS, path),
        soles,
        contacts or _contacts_by_rule(soles, float(truth.fps)),
        has_floor=True,
    )


def _from_bvh(path: Path, metres_a_unit: float) -> PointTrack:
    motion = read_bvh(path)
    skeleton = motion.skeleton
    ends = {name: metres_a_unit * end for name, end in skeleton.ends.items()}
    skeleton = replace(skeleton, offsets=metres_a_unit * skeleton.offsets, ends=ends)
    motion = replace(motion, skeleton=skeleton, root_world=metres_a_unit * motion.root_world)
    try:
        track = _from_motion(motion, path.name)
    except MocapError as error:
        raise MocapError(f"cannot compare {path}: {error}") from error
    return replace(track, contacts=_contacts_by_rule(track.soles, float(motion.fps)))


def _from_motion(motion: Motion, origin: str) -> PointTrack:
    points, rig = rigs.points_of(motion)
    if rig is rigs.OURS:
        soles = contact_points(motion)
    else:
        toes = (("LeftToes", "left_big_toe"), ("RightToes", "right_big_toe"))
        soles = {name: points[:, EVALUATION_POINTS.index(point)] for name, point in toes}
    times = np.arange(len(motion)) / float(motion.fps)
    return PointTrack(f"{origin}, {rig.name} joints", times, points, soles, has_floor=rig is rigs.OURS)


def _network_points(person: Person) -> Array:
    keypoints = person.keypoints_3d
    if keypoints is None:
        raise MocapError(f"person {person.id} has no 3D keypoints: the network estimates none")
    columns = {name: keypoints.xyz[:, k] for k, name in enumerate(keypoints.layout.names)}
    return _stacked(columns, NETWORK_POINTS, Path(keypoints.layout.name))


def _stacked(columns: dict[str, Array], names: dict[str, str], path: Path) -> Array:
    """The 14 points (T, 14, 3) from columns (T, 3) by the file's own names; MocapError lists the missing ones."""
    if missing := [name for name in names.values() if name not in columns]:
        raise MocapError(f"{path} lacks {', '.join(missing)}; needed are all of: {', '.join(names.values())}")
    return np.stack([columns[names[point]] for point in EVALUATION_POINTS], axis=1)


def _person(take: Take, person: int | None, path: Path) -> Person:
    for candidate in take.people:
        if person is None or candidate.id == person:
            return candidate
    ids = ", ".join(str(candidate.id) for candidate in take.people) or "nobody"
    raise MocapError(f"{path} has no person {person if person is not None else ''}; it has: {ids}")


def _visible(person: Person) -> Flags:
    """Flags (T,) of frames outside of gaps."""
    visible = np.ones(len(person), bool)
    for gap in person.gaps:
        visible[gap.start : gap.end] = False
    return visible


def _contacts_by_rule(soles: dict[str, Array], fps: float) -> dict[str, Flags]:
    """Contact flags (T,) of points (T, 3) by the CONTACT rule, low-passed as a take is; none where missing."""
    contacts = {}
    for name, point in soles.items():
        smooth = filters.low_pass(point, fps)
        contacts[name] = np.zeros(len(point), bool)
        for start, end in filters.runs(np.isfinite(smooth).all(axis=1)):
            spans = detection.spans_down(smooth[start:end], fps, detection.CONTACT)
            contacts[name][start:end] = _in_spans(spans, end - start)
    return contacts


def _in_spans(spans: list[tuple[int, int]], frames: int) -> Flags:
    inside = np.zeros(frames, bool)
    for start, end in spans:
        inside[start:end] = True
    return inside


def _check_size(path: Path, track: PointTrack) -> None:
    """Raise MocapError where the left leg has an impossible length, so that the unit cannot be metres."""
    hip, knee, ankle = (track.points[:, EVALUATION_POINTS.index(name)] for name in LEFT_LEG)
    lengths = np.linalg.norm(hip - knee, axis=-1) + np.linalg.norm(knee - ankle, axis=-1)
    known = lengths[np.isfinite(lengths)]
    if not len(known):
        raise MocapError(f"{path} has the whole left leg in no frame; use another reference")
    if not LEG_M[0] <= np.median(known) <= LEG_M[1]:
        raise MocapError(
            f"the legs in {path} are {np.median(known):.3g} long, which cannot be metres; say with --reference-unit "
            "how many metres its unit has (0.01 for cm, 0.05644 for cgspeed's CMU files)"
        )
