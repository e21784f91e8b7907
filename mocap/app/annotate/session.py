"""A labelling session: the images, their labels and all operations on them, with the page's JSON values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mocap.app.annotate.estimate import Guesser
from mocap.app.annotate.images import ImageSet
from mocap.app.annotate.store import LabelStore
from mocap.app.annotate.takes import TakeView
from mocap.model.errors import MocapError
from mocap.model.keypoints import LSP_14, KeypointLayout
from mocap.model.labels import OCCLUDED, OPEN, STATES, VISIBLE, Sample, sample_from_points
from mocap.model.rotation import Array

DECIMALS = 3  # of a pixel, for computed positions; manual ones are not rounded
OUTSIDE = 1.0  # fraction of the image's longer side: keypoints may be that far outside


@dataclass(frozen=True, eq=False)
class Session:
    """A set of images with their labels.

    Parameters
    ----------
    title : str
        Shown on the page.
    images : ImageSet
        The images.
    store : LabelStore
        The labels.
    layout : KeypointLayout
        The keypoints to label.
    guesser : Guesser or None
        The pose network for initial labels, if there is one.
    take : TakeView or None
        The take to correct, if there is one.
    person : int
        Which person is labelled, from 1.
    """

    title: str
    images: ImageSet
    store: LabelStore
    layout: KeypointLayout = LSP_14
    guesser: Guesser | None = None
    take: TakeView | None = None
    person: int = 1

    def describe(self) -> dict[str, Any]:
        """The set without its labels, as the page needs it at the start."""
        found = [self.store.get(self._key(index)) for index in range(len(self.images))]
        return {
            "title": self.title,
            "kind": "take" if self.take else "clip" if len(self.images.names) < len(self.images) else "stills",
            "output": self.store.path.name,
            "names": list(self.images.names),
            "states": [STATES.index(sample.state) if sample else 0 for sample, _ in found],
            "fps": getattr(self.images, "fps", None),
            "layout": {
                "names": list(self.layout.names),
                "edges": [list(edge) for edge in self.layout.edges],
                "mirror_pairs": [list(pair) for pair in self.layout.mirror_pairs],
            },
            "can_guess": self.guesser is not None,
            **self._faults(),
        }

    def _faults(self) -> dict[str, Any]:
        if self.take is None:
            return {"worst": [], "faults": []}
        return {"worst": self.take.worst, "faults": self.take.faults.round(2).tolist()}

    def sample(self, index: int) -> dict[str, Any]:
        """The labels of an image, and the take's keypoints and bones in it."""
        sample, revision = self.store.get(self._key(index))
        size = self.images.size(index)
        answer = {"index": index, "revision": revision, "size": list(size), **_as_json(sample, self.layout)}
        if self.take:
            estimated = self.take.estimated(index)
            answer["estimated"] = [None if np.isnan(point).any() else point.tolist() for point in estimated]
            answer["bones"] = self.take.bones(index)
        return answer

    def save(self, index: int, body: Any) -> dict[str, Any]:
        """Store the labels of an image from the page's JSON; returns their new revision. Raises ValueError."""
        sample = self._from_json(index, body)
        return {"revision": self.store.put(sample, _whole(body, "revision"))}

    def interpolate(self, first: int, last: int) -> list[int]:
        """Label the images between two labelled ones by linear interpolation.

        Parameters
        ----------
        first, last : int
            Indices of the two labelled images.

        Returns
        -------
        list of int
            The images that got labels; those that are done are not changed.

        Raises
        ------
        ValueError
            If the indices are not in order.
        MocapError
            If one of the two has no labels.

        Notes
        -----
        A keypoint is interpolated if both images have it; it is occluded if it is occluded in one of them.
        """
        if not 0 <= first < last < len(self.images):
            raise ValueError("expected two images of the set, in order")
        ends = [self.store.get(self._key(index))[0] for index in (first, last)]
        a, b = ends
        if a is None or b is None:
            raise MocapError("label both images first, then interpolate between them")
        changes, filled = [], []
        for index in range(first + 1, last):
            old, revision = self.store.get(self._key(index))
            if old is None or old.state != "done":
                fraction = (index - first) / (last - first)
                changes.append((self._between(index, a, b, fraction), revision))
                filled.append(index)
        self.store.put_all(changes)
        return filled

    def apply_corrections(self) -> dict[str, Any]:
        """Make the take's motion follow the corrections so far, and show it; returns its fault scores."""
        if self.take is None:
            raise MocapError("there is no motion to correct: start with a take (.json)")
        self.take.apply_corrections(self.store.all())
        return self._faults()

    def guess(self, index: int) -> list[list[float] | None]:
        """Keypoints in an image from the pose network; null outside of it. Raises MocapError if nobody is detected."""
        if self.guesser is None:
            raise MocapError("no network was given: start with --estimator blazepose-heavy")
        positions = self.guesser.guess(self.images, index)
        is_inside = ((positions >= 0) & (positions <= self.images.size(index))).all(axis=1)  # others cannot be clicked
        if not is_inside.any():
            raise MocapError("the network detects nobody here; place the keypoints by hand")
        return [one.round(DECIMALS).tolist() if inside else None for one, inside in zip(positions, is_inside)]

    def _key(self, index: int) -> tuple[str, int, int]:
        return (*self.images.key(index), self.person)

    def _between(self, index: int, a: Sample, b: Sample, fraction: float) -> Sample:
        both = a.is_placed & b.is_placed
        lowest = np.minimum(a.visibility, b.visibility)
        visibility = np.where(both, np.where(lowest == OCCLUDED, OCCLUDED, VISIBLE), np.minimum(lowest, 0))
        positions = ((1 - fraction) * a.xy + fraction * b.xy).round(DECIMALS)
        return self._made(index, positions, visibility, "doubtful")

    def _made(self, index: int, positions: Array, visibility: Array, state: str) -> Sample:
        image, frame = self.images.key(index)
        facts = {"frame": frame, "person": self.person, "size": self.images.size(index), "state": state}
        return sample_from_points(image, positions, visibility.astype(np.int8), layout=self.layout, **facts)

    def _from_json(self, index: int, body: Any) -> Sample:
        if not isinstance(body, dict) or body.get("state") not in STATES:
            raise ValueError(f"expected an object whose state is one of {', '.join(STATES)}")
        size = self.images.size(index)
        if body.get("size") != list(size):
            raise MocapError(f"the browser shows another image size than {size[0]} × {size[1]}; update the browser")
        points = body.get("points")
        if not isinstance(points, list) or len(points) != len(self.layout):
            raise ValueError(f"expected {len(self.layout)} points")
        joints = np.array([_point(point, size) for point in points])
        return self._made(index, joints[:, :2], joints[:, 2], body["state"])


def _as_json(sample: Sample | None, layout: KeypointLayout) -> dict[str, Any]:
    if sample is None:
        return {"state": STATES[0], "points": [[None, None, OPEN]] * len(layout)}
    positions = [point if v > 0 else [None, None] for point, v in zip(sample.xy.tolist(), sample.visibility.tolist())]
    return {
        "state": sample.state,
        "points": [[*point, v] for point, v in zip(positions, sample.visibility.tolist())],
    }


def _point(point: Any, size: tuple[int, int]) -> tuple[float, float, int]:
    """x, y (NaN if there is no position) and visibility of a point of the page's JSON."""
    if not isinstance(point, list) or len(point) != 3 or type(point[2]) is not int or point[2] not in range(-1, 3):
        raise ValueError("expected points of x, y and a visibility from -1 to 2")
    x, y, visibility = point
    if visibility < OCCLUDED:
        return np.nan, np.nan, visibility
    for value in (x, y):
        if type(value) not in (int, float) or not -OUTSIDE * max(size) <= value <= (1 + OUTSIDE) * max(size):
            raise ValueError("a point is far outside of the image")
    return float(x), float(y), visibility


def _whole(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    if type(value) is not int or value < 0:
        raise ValueError(f"expected {name}, a whole number from 0")
    return value


def open_session(
    source: Path,
    output: Path | None,
    *,
    guesser: Guesser | None = None,
    person: int | None = None,
    clip: Path | None = None,
) -> Session:
    """Open a session.

    Parameters
    ----------
    source : Path
        A folder of images, an image, a clip, or a take (.json).
    output : Path or None
        The CSV for the labels; None: a file beside the source.
    guesser : Guesser or None
        The pose network for initial labels.
    person : int or None
        The person to label; None: the first.
    clip : Path or None
        The clip of a take; None: the file of its name beside the take.

    Returns
    -------
    Session
        With the labels that the CSV already has.

    Raises
    ------
    MocapError
        If a file is missing or damaged, or the arguments do not fit together.
    """
    from mocap.app.annotate.images import open_images
    from mocap.app.annotate.takes import corrections_path

    if source.suffix.lower() == ".json":
        view = TakeView(source, person=person, clip=clip)
        if guesser is not None:
            raise MocapError("a take already has keypoints: omit --estimator")
        path = output or corrections_path(source)
        keys = [(*view.clip.key(index), view.person.id) for index in range(len(view.clip))]
        store = LabelStore(path, view.layout, keys)
        return Session(source.name, view.clip, store, view.layout, take=view, person=view.person.id)
    if clip is not None:
        raise MocapError("--video is for takes; give the clip itself to label its frames")
    images = open_images(source)
    number = person or 1
    path = output or (source / "labels.csv" if source.is_dir() else source.with_name(source.stem + ".labels.csv"))
    keys = [(*images.key(index), number) for index in range(len(images))]
    return Session(source.resolve().name, images, LabelStore(path, LSP_14, keys), guesser=guesser, person=number)
