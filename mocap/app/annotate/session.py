"""One sitting: the pictures, their labels, and what may be done with them, in the values of the page's JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mocap.app.annotate.estimate import Guesser
from mocap.app.annotate.pictures import Pictures
from mocap.app.annotate.store import LabelStore
from mocap.app.annotate.takes import TakeView
from mocap.model.errors import MocapError
from mocap.model.keypoints import LSP_14, KeypointLayout
from mocap.model.labels import OCCLUDED, OPEN, STATES, VISIBLE, Sample, sample_from_points
from mocap.model.rotation import Array

DECIMALS = 3  # of a pixel, for what is computed; what was placed keeps its own
OUTSIDE = 1.0  # of the picture's longer side: keypoints may lie that far beyond its edge


@dataclass(frozen=True, eq=False)
class Session:
    """What is labelled, by whom it is guessed, and of whom: person is a number from 1.

    take: the take whose frames are corrected, if it is one.
    """

    title: str
    pictures: Pictures
    store: LabelStore
    layout: KeypointLayout = LSP_14
    guesser: Guesser | None = None
    take: TakeView | None = None
    person: int = 1

    def describe(self) -> dict[str, Any]:
        """The whole set without its labels: what the page begins with."""
        found = [self.store.get(self._key(index)) for index in range(len(self.pictures))]
        return {
            "title": self.title,
            "kind": "take" if self.take else "clip" if len(self.pictures.names) < len(self.pictures) else "stills",
            "output": self.store.path.name,
            "names": list(self.pictures.names),
            "states": [STATES.index(sample.state) if sample else 0 for sample, _ in found],
            "fps": getattr(self.pictures, "fps", None),
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
        """The labels of a picture, and what the take shows there."""
        sample, revision = self.store.get(self._key(index))
        size = self.pictures.size(index)
        answer = {"index": index, "revision": revision, "size": list(size), **_as_json(sample, self.layout)}
        if self.take:
            seen = self.take.seen(index)
            answer["seen"] = [None if np.isnan(point).any() else point.tolist() for point in seen]
            answer["bones"] = self.take.bones(index)
        return answer

    def save(self, index: int, body: Any) -> dict[str, Any]:
        """The new revision of a picture's labels, from the page's JSON. ValueError for JSON of another form."""
        sample = self._from_json(index, body)
        return {"revision": self.store.put(sample, _whole(body, "revision"))}

    def interpolate(self, first: int, last: int) -> list[int]:
        """The indices between two labelled pictures that got labels on the line between them; done ones keep theirs.

        A keypoint is on the line where both have it, and occluded if it is in one of them.
        """
        if not 0 <= first < last < len(self.pictures):
            raise ValueError("expected two pictures of the set, in order")
        ends = [self.store.get(self._key(index))[0] for index in (first, last)]
        a, b = ends
        if a is None or b is None:
            raise MocapError("label both pictures first, then what lies between them")
        changes, filled = [], []
        for index in range(first + 1, last):
            old, revision = self.store.get(self._key(index))
            if old is None or old.state != "done":
                share = (index - first) / (last - first)
                changes.append((self._between(index, a, b, share), revision))
                filled.append(index)
        self.store.put_all(changes)
        return filled

    def bend(self) -> dict[str, Any]:
        """The faults of the take's motion bent to the corrections so far, which is shown from now on."""
        if self.take is None:
            raise MocapError("there is no motion to bend: start with a take (.json)")
        self.take.bend(self.store.all())
        return self._faults()

    def guess(self, index: int) -> list[list[float] | None]:
        """The network's places in a picture, null where it has none inside of it. MocapError if it sees nobody."""
        if self.guesser is None:
            raise MocapError("no network was named: start with --estimator blazepose-heavy")
        places = self.guesser.guess(self.pictures, index)
        is_inside = ((places >= 0) & (places <= self.pictures.size(index))).all(axis=1)  # elsewhere no hand reaches it
        if not is_inside.any():
            raise MocapError("the network finds nobody here; place the keypoints by hand")
        return [place.round(DECIMALS).tolist() if inside else None for place, inside in zip(places, is_inside)]

    def _key(self, index: int) -> tuple[str, int, int]:
        return (*self.pictures.key(index), self.person)

    def _between(self, index: int, a: Sample, b: Sample, share: float) -> Sample:
        both = a.is_placed & b.is_placed
        lowest = np.minimum(a.visibility, b.visibility)
        visibility = np.where(both, np.where(lowest == OCCLUDED, OCCLUDED, VISIBLE), np.minimum(lowest, 0))
        places = ((1 - share) * a.xy + share * b.xy).round(DECIMALS)
        return self._made(index, places, visibility, "doubtful")

    def _made(self, index: int, places: Array, visibility: Array, state: str) -> Sample:
        image, frame = self.pictures.key(index)
        facts = {"frame": frame, "person": self.person, "size": self.pictures.size(index), "state": state}
        return sample_from_points(image, places, visibility.astype(np.int8), layout=self.layout, **facts)

    def _from_json(self, index: int, body: Any) -> Sample:
        if not isinstance(body, dict) or body.get("state") not in STATES:
            raise ValueError(f"expected an object whose state is one of {', '.join(STATES)}")
        size = self.pictures.size(index)
        if body.get("size") != list(size):
            raise MocapError(f"the browser shows the picture in another size than {size[0]} × {size[1]}; update it")
        points = body.get("points")
        if not isinstance(points, list) or len(points) != len(self.layout):
            raise ValueError(f"expected {len(self.layout)} points")
        joints = np.array([_point(point, size) for point in points])
        return self._made(index, joints[:, :2], joints[:, 2], body["state"])


def _as_json(sample: Sample | None, layout: KeypointLayout) -> dict[str, Any]:
    if sample is None:
        return {"state": STATES[0], "points": [[None, None, OPEN]] * len(layout)}
    places = [point if v > 0 else [None, None] for point, v in zip(sample.xy.tolist(), sample.visibility.tolist())]
    return {
        "state": sample.state,
        "points": [[*point, v] for point, v in zip(places, sample.visibility.tolist())],
    }


def _point(point: Any, size: tuple[int, int]) -> tuple[float, float, int]:
    """x, y (NaN where there is no place) and visibility of a point of the page's JSON."""
    if not isinstance(point, list) or len(point) != 3 or type(point[2]) is not int or point[2] not in range(-1, 3):
        raise ValueError("expected points of x, y and a visibility from -1 to 2")
    x, y, visibility = point
    if visibility < OCCLUDED:
        return np.nan, np.nan, visibility
    for value in (x, y):
        if type(value) not in (int, float) or not -OUTSIDE * max(size) <= value <= (1 + OUTSIDE) * max(size):
            raise ValueError("a point lies far outside of the picture")
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
    """A session for pictures, a clip, or a take (.json). output: the CSV; a name beside the source if None."""
    from mocap.app.annotate.pictures import open_pictures
    from mocap.app.annotate.takes import corrections_path

    if source.suffix.lower() == ".json":
        view = TakeView(source, person=person, clip=clip)
        if guesser is not None:
            raise MocapError("a take has its keypoints already: leave --estimator out")
        path = output or corrections_path(source)
        keys = [(*view.clip.key(index), view.person.id) for index in range(len(view.clip))]
        store = LabelStore(path, view.layout, keys)
        return Session(source.name, view.clip, store, view.layout, take=view, person=view.person.id)
    if clip is not None:
        raise MocapError("--video goes with a take; name the clip alone to label its frames")
    pictures = open_pictures(source)
    number = person or 1
    path = output or (source / "labels.csv" if source.is_dir() else source.with_name(source.stem + ".labels.csv"))
    keys = [(*pictures.key(index), number) for index in range(len(pictures))]
    return Session(source.resolve().name, pictures, LabelStore(path, LSP_14, keys), guesser=guesser, person=number)
