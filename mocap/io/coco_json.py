"""Read and write labels as COCO keypoints JSON (cocodataset.org, "Data format", keypoint detection).

Convention: in COCO the centre of the first pixel is at 0; here it is at 0.5.
Two things have no key in COCO and are stored in keys that other readers ignore: the ``frame`` number beside the image,
and in ``attributes`` of an annotation the state of the image and the keypoints that are still open.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mocap.io.files import atomic_path
from mocap.io.json_text import load
from mocap.model.errors import MocapError
from mocap.model.keypoints import LSP_14, KeypointLayout
from mocap.model.labels import ABSENT, OPEN, Sample, mapped, sample_from_points
from mocap.model.rotation import Array

CENTRE = 0.5
LARGEST = 1e6  # of a coordinate, pixels
PERSON = 1  # id of the only category


def write_coco(samples: Sequence[Sample], path: str | Path, layout: KeypointLayout = LSP_14) -> None:
    """Write samples as a COCO document.

    Parameters
    ----------
    samples : sequence of Sample
        All of the layout.
    path : str or Path
        The file; it is written completely or not at all.
    layout : KeypointLayout
        Names and edges of the category.

    Raises
    ------
    MocapError
        If the file cannot be written.
    """
    images = {key: number for number, key in enumerate(dict.fromkeys(s.key[:2] for s in samples), start=1)}
    sizes = {sample.key[:2]: sample.size for sample in samples}
    document = {
        "images": [
            {"id": number, "file_name": name, "frame": frame, "width": size[0], "height": size[1]}
            for (name, frame), number in images.items()
            for size in [sizes[name, frame]]
        ],
        "annotations": [
            _annotation(sample, number, images[sample.key[:2]]) for number, sample in enumerate(samples, start=1)
        ],
        "categories": [
            {
                "id": PERSON,
                "name": "person",
                "supercategory": "person",
                "keypoints": list(layout.names),
                "skeleton": [[a + 1, b + 1] for a, b in layout.edges],
            }
        ],
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_coco(path: str | Path, layout: KeypointLayout = LSP_14) -> list[Sample]:
    """Read the people of a COCO keypoints document.

    Parameters
    ----------
    path : str or Path
        The file.
    layout : KeypointLayout
        Of the samples to make. Keypoints are matched by name; those that the category does not have are open.

    Returns
    -------
    list of Sample
        In the order of the document. Annotations without keypoints, for example of crowds, are left out.

    Raises
    ------
    MocapError
        For a file that is damaged or not of this format. The message names the annotation.
    """
    path = Path(path)
    document = load(path)
    try:
        images = {image["id"]: image for image in document["images"]}
        layouts = {
            category["id"]: KeypointLayout(str(category["name"]), tuple(map(str, category["keypoints"])), (), ())
            for category in document["categories"]
            if category.get("keypoints")
        }
        annotations = [a for a in document["annotations"] if a.get("keypoints") and a["category_id"] in layouts]
    except (KeyError, TypeError, AttributeError) as error:
        raise MocapError(f"cannot read {path}: it is no COCO keypoints file ({error!r} is missing or wrong)") from error
    samples = []
    people: dict[Any, int] = {}
    for number, annotation in enumerate(annotations):
        try:
            image = images[annotation["image_id"]]
            people[image["id"]] = people.get(image["id"], 0) + 1
            sample = _sample(annotation, image, layouts[annotation["category_id"]], people[image["id"]])
            samples.append(mapped(sample, layout))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MocapError(f"cannot read {path}: annotations[{number}]: {error}; it is damaged") from error
    return samples


def _annotation(sample: Sample, number: int, image: int) -> dict[str, Any]:
    placed = sample.is_placed
    points = np.where(placed[:, None], sample.xy - CENTRE, 0.0)
    flags = np.maximum(sample.visibility, ABSENT)
    box = _box(sample.xy[placed])
    still_open = [name for name, v in zip(sample.layout.names, sample.visibility) if v == OPEN]
    return {
        "id": number,
        "image_id": image,
        "category_id": PERSON,
        "iscrowd": 0,
        "bbox": box,
        "area": box[2] * box[3],
        "num_keypoints": int(placed.sum()),
        "keypoints": [value for (x, y), v in zip(points.tolist(), flags.tolist()) for value in (x, y, v)],
        "attributes": {"state": sample.state, "open": still_open},
    }


def _box(xy: Array) -> list[float]:
    """Bounding box x, y, width, height of points (N, 2)."""
    if not len(xy):
        return [0.0, 0.0, 0.0, 0.0]
    low, high = xy.min(axis=0), xy.max(axis=0)
    return [float(value) for value in (*low, *(high - low))]


def _sample(annotation: dict[str, Any], image: dict[str, Any], layout: KeypointLayout, person: int) -> Sample:
    values = np.array(annotation["keypoints"], float)
    if values.shape != (3 * len(layout),):
        raise ValueError(f"expected {3 * len(layout)} numbers in keypoints, got {values.size}")
    if not np.all(np.abs(values) < LARGEST):
        raise ValueError("a value in keypoints is not a number or too large")
    joints = values.reshape(-1, 3)
    flags = joints[:, 2].astype(np.int8)
    attributes = annotation.get("attributes") or {}
    for name in attributes.get("open", []):
        flags[layout.index(name)] = OPEN
    return sample_from_points(
        str(image["file_name"]),
        joints[:, :2] + CENTRE,
        flags,
        layout=layout,
        frame=int(image.get("frame", 0)),
        person=person,
        size=(int(image.get("width", 0)), int(image.get("height", 0))),
        state=attributes.get("state", "done"),
    )
