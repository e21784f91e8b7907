"""Pictures labelled by ourselves (CSV) or by others in COCO's form, with the folder that holds the pictures."""

from __future__ import annotations

from pathlib import Path

from mocap.io.coco_json import read_coco
from mocap.io.labels_csv import read_labels
from mocap.model.errors import MocapError
from mocap.model.labels import Sample
from training.datasets.samples import Example, Picture, box_around, example_of

FEWEST_JOINTS = 4  # fewer say little and place no crop
UNFINISHED = "todo"


def read_csv_examples(path: Path, pictures: Path | None = None) -> list[Example]:
    """Examples of a table of labels; pictures: the folder that was labelled, by default the table's own.

    The crop is placed around the labelled joints, since the table has no boxes.
    """
    return _examples(read_labels(path), pictures or path.parent)


def read_coco_examples(path: Path, pictures: Path | None = None) -> list[Example]:
    """Examples of a COCO keypoints document; COCO's own persons lack neck and head top, which are then not labelled."""
    return _examples(read_coco(path), pictures or path.parent)


def read_examples(path: Path) -> list[Example]:
    """Examples of a .csv of our own or a COCO .json, pictures or clip beside it. MocapError where none is usable."""
    readers = {".csv": read_csv_examples, ".json": read_coco_examples}
    if path.suffix.lower() not in readers:
        raise MocapError(f"{path}: labels end in .csv (`mocap annotate`) or .json (COCO)")
    if not (found := readers[path.suffix.lower()](path)):
        raise MocapError(f"{path}: no picture in it has {FEWEST_JOINTS} joints and is marked doubtful or done")
    return found


def _examples(samples: list[Sample], pictures: Path) -> list[Example]:
    return [
        example_of(sample, Picture(pictures, sample.image, sample.frame), box_around(sample.xy))
        for sample in samples
        if sample.state != UNFINISHED and sample.is_placed.sum() >= FEWEST_JOINTS
    ]
