"""The table of file formats for labels: the CSV of ``mocap annotate``, COCO keypoints JSON, and LSP's joints.mat."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mocap.io.outlets import by_suffix, imported
from mocap.model.errors import MocapError


@dataclass(frozen=True)
class LabelFormat:
    """A file format for labels.

    Parameters
    ----------
    suffix : str
        In lower case, with the point.
    reader : str
        ``module:function`` of ``read(path) -> list[Sample]``.
    function : str
        ``module:function`` of ``write(samples, path)``.
    is_shared : bool
        Whether other content has the same suffix: a ``.json`` may also be a take.
    """

    suffix: str
    reader: str
    function: str
    is_shared: bool = False


LABEL_FORMATS: dict[str, LabelFormat] = by_suffix((
    LabelFormat(".csv", "mocap.io.labels_csv:read_labels", "mocap.io.labels_csv:write_labels"),
    LabelFormat(".json", "mocap.io.coco_json:read_coco", "mocap.io.coco_json:write_coco", is_shared=True),
    LabelFormat(".mat", "mocap.io.lsp_mat:read_lsp", "mocap.io.lsp_mat:write_lsp"),
))  # fmt: skip


def is_of_labels(source: Path, output: Path) -> bool:
    """Whether one of the two suffixes is only used for labels, which means that labels are to be converted."""
    formats = (LABEL_FORMATS.get(path.suffix.lower()) for path in (source, output))
    return any(one is not None and not one.is_shared for one in formats)


def convert_labels(source: Path, output: Path) -> None:
    """Convert a file of labels to another format, with the layout LSP_14.

    Parameters
    ----------
    source, output : Path
        The suffixes select the formats.

    Raises
    ------
    MocapError
        For an unknown suffix (the message lists the known ones), or a file that cannot be read or written.
    """
    reader, writer = _format(source, "read").reader, _format(output, "write").function
    imported(writer)(imported(reader)(source), output)


def _format(path: Path, verb: str) -> LabelFormat:
    if path.suffix.lower() not in LABEL_FORMATS:
        raise MocapError(f"cannot {verb} {path} as labels: use one of: {', '.join(LABEL_FORMATS)}")
    return LABEL_FORMATS[path.suffix.lower()]
