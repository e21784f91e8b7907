"""Files of labels by suffix: the CSV of ``mocap annotate``, COCO keypoints JSON and LSP's joints.mat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mocap.io.coco_json import read_coco, write_coco
from mocap.io.labels_csv import read_labels, write_labels
from mocap.io.lsp_mat import read_lsp, write_lsp
from mocap.model.errors import MocapError
from mocap.model.labels import Sample

LABEL_READERS: dict[str, Callable[[Path], list[Sample]]] = {".csv": read_labels, ".json": read_coco, ".mat": read_lsp}
LABEL_WRITERS: dict[str, Callable[[Sequence[Sample], Path], None]] = {
    ".csv": write_labels,
    ".json": write_coco,
    ".mat": write_lsp,
}
OF_LABELS_ALONE = (".csv", ".mat")  # JSON may also be a take


def is_of_labels(source: Path, output: Path) -> bool:
    """Whether one of two files can hold nothing but labels, so that the other one holds them too."""
    return not {source.suffix.lower(), output.suffix.lower()}.isdisjoint(OF_LABELS_ALONE)


def convert_labels(source: Path, output: Path) -> None:
    """Write the labels of one file, by LSP_14, into another. MocapError lists the suffixes."""
    for path, verb, known in ((source, "read", LABEL_READERS), (output, "write", LABEL_WRITERS)):
        if path.suffix.lower() not in known:
            raise MocapError(f"cannot {verb} {path} as labels: use one of: {', '.join(known)}")
    LABEL_WRITERS[output.suffix.lower()](LABEL_READERS[source.suffix.lower()](source), output)
