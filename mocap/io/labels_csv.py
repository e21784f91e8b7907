"""Read and write labels as CSV, one sample per line, for ``numpy.genfromtxt`` and spreadsheets.

The first line names the columns: ``image, frame, person, width, height, state``, then ``<keypoint>_x``,
``<keypoint>_y`` and ``<keypoint>_v`` for each keypoint of the layout, in its order. The fields are those of
``labels.Sample``; x and y are ``nan`` where there is no keypoint, and v is its visibility: -1 open, 0 absent,
1 occluded, 2 visible. Special characters in names of images are percent-encoded as in URLs, ``%2C`` for a comma, so
that no field needs quotes:

    numpy.genfromtxt("labels.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from mocap.io.files import atomic_path
from mocap.model.errors import MocapError
from mocap.model.keypoints import LSP_14, KeypointLayout
from mocap.model.labels import Sample

FACTS = ("image", "frame", "person", "width", "height", "state")
MAX_BYTES = 500_000_000
LARGEST = 1e6  # of a coordinate, pixels
_SPECIAL_CHARACTERS = re.compile("[%,#\"'\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]|^ | $")


def columns_of(layout: KeypointLayout) -> tuple[str, ...]:
    """The names of the columns for a layout, in order."""
    return (*FACTS, *(f"{name}_{part}" for name in layout.names for part in "xyv"))


def write_labels(samples: Sequence[Sample], path: str | Path, layout: KeypointLayout = LSP_14) -> None:
    """Write samples as CSV; numbers keep all their digits.

    Parameters
    ----------
    samples : sequence of Sample
        All of the layout.
    path : str or Path
        The file; it is written completely or not at all.
    layout : KeypointLayout
        Gives the columns.

    Raises
    ------
    MocapError
        If the file cannot be written.
    """
    text = labels_to_text(samples, layout)
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode())


def labels_to_text(samples: Iterable[Sample], layout: KeypointLayout = LSP_14) -> str:
    """The content of the file, as ``write_labels`` writes it."""
    return "\n".join([",".join(columns_of(layout)), *(_line(sample) for sample in samples)]) + "\n"


def read_labels(path: str | Path, layout: KeypointLayout = LSP_14) -> list[Sample]:
    """Read the samples of a CSV file.

    Parameters
    ----------
    path : str or Path
        A file with the columns of ``layout`` in any order. Other columns are ignored.
    layout : KeypointLayout
        Of the samples.

    Returns
    -------
    list of Sample
        In the order of the lines.

    Raises
    ------
    MocapError
        For a file that is damaged or not such a table. The message names the line and the column.
    """
    path = Path(path)
    lines = _text(path).splitlines()
    names = lines[0].split(",") if lines else []
    if missing := [name for name in columns_of(layout) if names.count(name) != 1]:
        raise MocapError(
            f"cannot read {path}: its first line does not name the column '{missing[0]}' once; "
            f"is it a table of labels for {layout.name}?"
        )
    samples = [_sample(path, number, line, names, layout) for number, line in enumerate(lines[1:], start=2)]
    keys: set[tuple[str, int, int]] = set()
    for number, sample in enumerate(samples, start=2):
        if sample.key in keys:
            raise MocapError(f"cannot read {path}: line {number}: the same person and image as before; remove one line")
        keys.add(sample.key)
    return samples


def _line(sample: Sample) -> str:
    facts = [_escaped(sample.image), sample.frame, sample.person, *sample.size, sample.state]
    joints = [
        field for (x, y), v in zip(sample.xy.tolist(), sample.visibility.tolist()) for field in (repr(x), repr(y), v)
    ]
    return ",".join(map(str, [*facts, *joints]))


def _escaped(name: str) -> str:
    return _SPECIAL_CHARACTERS.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), name)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MocapError(f"cannot read {path}: it is over {MAX_BYTES // 10**6} MB; it is not a table of labels")
        content = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MocapError(f"cannot read {path}: it is not UTF-8 text (byte {error.start}); it is damaged") from error
    except (OSError, ValueError) as error:
        raise MocapError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}; check the path") from error
    if not content.endswith("\n"):
        raise MocapError(f"cannot read {path}: its last line is cut short; the file is damaged, use a copy of it")
    return content.replace("\r\n", "\n")


def _sample(path: Path, number: int, line: str, names: list[str], layout: KeypointLayout) -> Sample:
    fields = line.split(",")
    if len(fields) != len(names):
        raise MocapError(
            f"cannot read {path}: line {number} has {len(fields)} fields instead of {len(names)}; it is damaged"
        )
    row = dict(zip(names, fields))
    try:
        joints = np.array([[float(row[f"{name}_{part}"]) for part in "xyv"] for name in layout.names])
        if np.any(np.abs(joints) > LARGEST):
            raise ValueError(f"a number is beyond {LARGEST:g}")
        if np.isnan(joints[:, 2]).any() or np.any(joints[:, 2] % 1):
            raise ValueError("visibility must be -1 (open), 0 (absent), 1 (occluded) or 2 (visible)")
        return Sample(
            image=unquote(row["image"], errors="strict"),
            xy=joints[:, :2],
            visibility=joints[:, 2].clip(-100, 100).astype(np.int8),
            layout=layout,
            frame=int(row["frame"]),
            person=int(row["person"]),
            size=(int(row["width"]), int(row["height"])),
            state=row["state"],
        )
    except ValueError as error:
        raise MocapError(f"cannot read {path}: line {number}: {error}; it is damaged") from error
