"""A take: everything that is known about one clip, as values in memory. Readers and writers of files are apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from mocap.model.body import BODY, GROUPS
from mocap.model.camera import Camera, warp_points
from mocap.model.keypoints import Keypoints2D, Keypoints3D
from mocap.model.motion import Motion
from mocap.model.rotation import Array

CONTACT_POINTS = tuple(BODY.contacts)
LICENCE_KINDS = ("code", "weights", "data")
SWAPPED_LIMBS = (*GROUPS[1:], "body")
COMMERCIAL_USE = ("yes", "no", "unknown")
BODY_PART = "body"
PARTS = (BODY_PART, "left_hand", "right_hand", "face")  # of a person, each estimated by a network of its own
FIRST_BODY = (0, BODY_PART)  # the first view's body: the observation that every person has


@dataclass(frozen=True)
class Gap:
    """Frames [start, end) in which the person was not measured, and why."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True)
class Swap:
    """Frames [start, end) in which the network exchanged left and right, and of what: one of SWAPPED_LIMBS."""

    start: int
    end: int
    limb: str


@dataclass(frozen=True, eq=False)
class Observation:
    """The keypoints of one part of a person in one view, over all T frames.

    Parameters
    ----------
    keypoints_2d : Keypoints2D
        As the network estimated them, pixels of that view's frames.
    keypoints_3d : Keypoints3D or None
        As the network estimated them, metres, camera axes of that view; the origin is the middle of the hips for a
        body, the wrist for a hand, and the middle between the eyes for a face.
    boxes : array (T, 4) or None
        Bounding boxes xyxy in pixels, NaN where the part is not visible.
    """

    keypoints_2d: Keypoints2D
    keypoints_3d: Keypoints3D | None = None
    boxes: Array | None = None

    def __post_init__(self) -> None:
        frames = len(self.keypoints_2d)
        if self.keypoints_3d is not None and len(self.keypoints_3d) != frames:
            raise ValueError(f"keypoints_3d has {len(self.keypoints_3d)} frames, keypoints_2d has {frames}")
        if self.boxes is not None:
            if self.boxes.shape != (frames, 4):
                raise ValueError(f"expected boxes {(frames, 4)}, got {self.boxes.shape}")
            _check_boxes(self.boxes)


@dataclass(frozen=True, eq=False)
class Person:
    """One person over all T frames of the clip.

    Parameters
    ----------
    id : number of the person, unique in the take.
    boxes : array (T, 4)
        Bounding boxes xyxy in pixels, NaN where the person is not visible.
    keypoints_2d : as the network estimated them, pixels.
    keypoints_3d : as the network estimated them, metres, camera axes, origin at the middle of the hips; or None.
    motion : solved from the keypoints, or None.
    contacts : sorted spans [start, end) of frames in contact, by contact point.
    gaps : sorted.
    swaps : sorted, those of one limb not overlapping; the keypoints still have them, the motion does not.
    further : observations of other parts and in other views, by (index of the view, part). Boxes and keypoints above
        are those of the body in the first view; ``observations`` has them all.

    Raises
    ------
    ValueError
        For lengths that differ, unknown names, or spans that are empty, out of order or outside of the clip.
    """

    id: int
    boxes: Array
    keypoints_2d: Keypoints2D
    keypoints_3d: Keypoints3D | None = None
    motion: Motion | None = None
    contacts: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    swaps: list[Swap] = field(default_factory=list)
    further: dict[tuple[int, str], Observation] = field(default_factory=dict)

    @property
    def observations(self) -> dict[tuple[int, str], Observation]:
        """All observations by (view, part): the body in the first view, then the others."""
        return {FIRST_BODY: Observation(self.keypoints_2d, self.keypoints_3d, self.boxes), **self.further}

    def __post_init__(self) -> None:
        frames = len(self.boxes)
        if self.boxes.shape != (frames, 4):
            raise ValueError(f"expected boxes (T, 4), got {self.boxes.shape}")
        _check_boxes(self.boxes)
        for name in ("keypoints_2d", "keypoints_3d", "motion"):
            part = getattr(self, name)
            if part is not None and len(part) != frames:
                raise ValueError(f"{name} has {len(part)} frames, boxes have {frames}")
        if unknown := set(self.contacts) - set(CONTACT_POINTS):
            raise ValueError(f"unknown contact points {sorted(unknown)}; known: {', '.join(CONTACT_POINTS)}")
        for point, spans in self.contacts.items():
            _check_spans(f"contacts of {point}", spans, frames)
        _check_spans("gaps", [(gap.start, gap.end) for gap in self.gaps], frames)
        if unknown := {swap.limb for swap in self.swaps} - set(SWAPPED_LIMBS):
            raise ValueError(f"unknown swapped limbs {sorted(unknown)}; known: {', '.join(SWAPPED_LIMBS)}")
        for limb in SWAPPED_LIMBS:
            _check_spans(f"swaps of {limb}", [(s.start, s.end) for s in self.swaps if s.limb == limb], frames)
        for (view, part), observation in self.further.items():
            _check_further(view, part, observation, frames)

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True)
class Source:
    """The clip that a take was made from.

    Parameters
    ----------
    name : of the file, without its folder.
    sha256 : digest of the file.
    size : (width, height) pixels.
    fps, frames : the file's own, exact, before any resampling.
    start_s : where the take begins in the clip, seconds.

    Raises
    ------
    ValueError
        For a name with a folder, or numbers out of range.
    """

    name: str
    sha256: str
    size: tuple[int, int]
    fps: Fraction
    frames: int
    start_s: float = 0.0

    def __post_init__(self) -> None:
        if "/" in self.name or "\\" in self.name:
            raise ValueError("a source is named without its folder")
        if min(self.size) <= 0 or self.fps <= 0 or self.frames < 0 or not np.isfinite(self.start_s):
            raise ValueError("a source needs a positive size and fps, no negative frames and a finite start")


@dataclass(frozen=True, eq=False)
class View:
    """One camera's view of a take: its clip, the camera, and how it rotated; as in `Take`.

    All views have the take's frame rate and the same frame 0; ``source.start_s`` is its time in each clip.
    """

    source: Source
    camera: Camera
    camera_path: Array | None = None


@dataclass(frozen=True, eq=False)
class Take:
    """The result for one clip: T frames at one exact rate, one camera, the people, and how it was made.

    Parameters
    ----------
    source, camera : of the first view.
    fps : exact.
    frames : T; frame 0 is the same for all people.
    people : with different ids.
    settings : of the solve, JSON values.
    filters : the filters and steps that ran, in order, JSON values.
    models : {name, sha256, licence} of each.
    licences : {part, kind, licence, commercial_use} of each.
    warnings : for the user.
    cuts : frames with which a new scene begins.
    versions : of the programs that made the take, by name.
    quality : figures of a report, JSON values; empty where none was made.
    camera_path : array (T, 3, 3) or None
        Homographies from pixels of each frame to pixels of ``camera``, for a clip in which the camera rotated.
    further_views : of other cameras; ``views`` has them all.

    Raises
    ------
    ValueError
        For people or views that do not fit the take, or values out of range.
    """

    source: Source
    fps: Fraction
    frames: int
    camera: Camera
    people: tuple[Person, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    filters: list[Any] = field(default_factory=list)
    models: list[dict[str, str]] = field(default_factory=list)
    licences: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    quality: dict[str, Any] = field(default_factory=dict)
    camera_path: Array | None = None
    further_views: tuple[View, ...] = ()

    @property
    def views(self) -> tuple[View, ...]:
        """All views; observations name them by their index here."""
        return (View(self.source, self.camera, self.camera_path), *self.further_views)

    def __post_init__(self) -> None:
        if self.fps <= 0 or self.frames < 0:
            raise ValueError("a take needs a positive fps and no negative number of frames")
        if len({person.id for person in self.people}) != len(self.people):
            raise ValueError("people must have different ids")
        for path in (view.camera_path for view in self.views):
            if path is not None and path.shape != (self.frames, 3, 3):
                raise ValueError(f"expected camera_path {(self.frames, 3, 3)}, got {path.shape}")
        for person in self.people:
            self._check_person(person)
        _check_spans("cuts", list(zip([0, *self.cuts], [*self.cuts, self.frames])) if self.cuts else [], self.frames)
        for licence in self.licences:
            if licence["kind"] not in LICENCE_KINDS or licence["commercial_use"] not in COMMERCIAL_USE:
                raise ValueError(f"licence of '{licence['part']}': unknown kind or commercial use")

    def in_camera(self, xy: Array) -> Array:
        """Points (T, ..., 2) from pixels of the frames to pixels of ``camera``."""
        return xy if self.camera_path is None else warp_points(self.camera_path, xy)

    def in_frames(self, xy: Array) -> Array:
        """Points (T, ..., 2) from pixels of ``camera`` to pixels of the frames."""
        return xy if self.camera_path is None else warp_points(np.linalg.inv(self.camera_path), xy)

    def _check_person(self, person: Person) -> None:
        if len(person) != self.frames:
            raise ValueError(f"person {person.id} has {len(person)} frames, the take {self.frames}")
        for part in (person.keypoints_2d, person.keypoints_3d, person.motion):
            if part is not None and part.fps != self.fps:
                raise ValueError(f"person {person.id} has {part.fps} fps, the take {self.fps}")
        for (view, part_name), observation in person.further.items():
            if view >= len(self.views):
                raise ValueError(f"person {person.id}: the {part_name} is in view {view}, which is not in the take")
            if observation.keypoints_2d.fps != self.fps:
                fps = observation.keypoints_2d.fps
                raise ValueError(f"person {person.id}: the {part_name} has {fps} fps, the take {self.fps}")


def _check_further(view: int, part: str, observation: Observation, frames: int) -> None:
    if (view, part) == FIRST_BODY or view < 0 or part not in PARTS:
        raise ValueError(f"further observations are of another view than 0 or of a part among {', '.join(PARTS[1:])}")
    if len(observation.keypoints_2d) != frames:
        raise ValueError(f"the {part} in view {view} has {len(observation.keypoints_2d)} frames, boxes have {frames}")


def _check_boxes(boxes: Array) -> None:
    missing = np.isnan(boxes)
    if np.any(missing.any(axis=1) != missing.all(axis=1)):
        raise ValueError("a box is known as a whole or not at all")
    if np.any(np.isinf(boxes)) or np.any(boxes[:, 2:] < boxes[:, :2]):
        raise ValueError("boxes must be finite, with x0 ≤ x1 and y0 ≤ y1")


def _check_spans(what: str, spans: list[tuple[int, int]], frames: int) -> None:
    ends_before = 0
    for start, end in spans:
        if not ends_before <= start < end <= frames:
            raise ValueError(f"{what}: [{start}, {end}) is empty, out of order or outside of {frames} frames")
        ends_before = end
