"""What the page shows of a take over its clip: solved skeleton, estimated keypoints, and fault scores of frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mocap.app.annotate.images import Clip
from mocap.io.take_json import read_json
from mocap.model.errors import MocapError
from mocap.model.keypoints import KeypointLayout
from mocap.model.labels import Sample
from mocap.model.rotation import Array
from mocap.model.take import Person, Take
from mocap.report.preview import figure_of
from mocap.report.quality import measure
from mocap.solve.edit.corrections import correct

CORRECTIONS = ".corrections.csv"


def corrections_path(take: Path) -> Path:
    """The file for a take's corrections: ``walk.corrections.csv`` beside ``walk.json``."""
    return take.with_name(take.stem + CORRECTIONS)


class TakeView:
    """One person of a solved take, and the clip that it was made from.

    Parameters
    ----------
    path : Path
        The take (.json).
    person : int or None
        The person's id; None: the first.
    clip : Path or None
        The video; None: the file of its name beside the take.

    Raises
    ------
    MocapError
        If one of them is missing, or they do not belong together.
    """

    def __init__(self, path: Path, *, person: int | None = None, clip: Path | None = None) -> None:
        self.take = read_json(path)
        self.person = _person(self.take, path, person)
        self.clip = _clip(self.take, path, clip)
        self._show(self.person)

    def _show(self, person: Person) -> None:
        (quality,) = measure(replace(self.take, people=(person,)))
        figure = figure_of(person, self.take, 1.0)
        self.faults: Array = quality.faults
        self.worst: list[int] = quality.worst
        self._figure = figure

    def apply_corrections(self, samples: Sequence[Sample]) -> None:
        """Show the motion of this person changed to follow corrections; the take itself is not changed."""
        changed = correct(self.take, [sample for sample in samples if sample.person == self.person.id])
        self._show(next(person for person in changed.people if person.id == self.person.id))

    @property
    def layout(self) -> KeypointLayout:
        """The layout of the take's keypoints."""
        return self.person.keypoints_2d.layout

    def estimated(self, frame: int) -> Array:
        """Keypoints (K, 2) as the network estimated them, in pixels; NaN if missing."""
        return np.asarray(self.person.keypoints_2d.xy[frame])

    def bones(self, frame: int) -> list[tuple[str, list[float]]]:
        """Name and both ends (x, y, x, y) in pixels of the bones in a frame; none if the person is not visible."""
        figure = self._figure
        if figure.gap_reasons[frame]:
            return []
        lines = zip(figure.bone_names, figure.bones[frame].reshape(-1, 4))
        return [(name, line.round(1).tolist()) for name, line in lines if np.isfinite(line).all()]


def _person(take: Take, path: Path, wanted: int | None) -> Person:
    people = {person.id: person for person in take.people if person.motion is not None}
    if not people:
        raise MocapError(f"{path} holds nobody's motion: run `mocap solve` on it first")
    if wanted is not None and wanted not in people:
        raise MocapError(f"{path} has no person {wanted}; choose one of: {', '.join(map(str, people))}")
    return people[wanted] if wanted is not None else next(iter(people.values()))


def _clip(take: Take, path: Path, named: Path | None) -> Clip:
    video = named or path.parent / take.source.name
    if named is None and not video.is_file():
        raise MocapError(f"the clip {take.source.name} is not beside {path}; name it with --video")
    clip = Clip(video, start_s=take.source.start_s, frames=take.frames)
    if clip.size(0) != tuple(take.camera.size) or clip.fps != float(take.fps):
        raise MocapError(f"{video} is not the clip that the take was made from; use {take.source.name}")
    return clip
