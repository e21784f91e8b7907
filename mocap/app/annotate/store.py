"""The labels of a set, in memory and in a CSV file, which is complete after each change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Condition

from mocap.io.files import atomic_path, check_target
from mocap.io.labels_csv import columns_of, labels_to_text, read_labels
from mocap.model.errors import MocapError
from mocap.model.keypoints import KeypointLayout
from mocap.model.labels import OPEN, Sample

Key = tuple[str, int, int]  # image, frame, person
AHEAD_S = 2.0  # that a change waits for its previous revision, as requests may arrive in another order


@dataclass(frozen=True)
class Conflict(Exception):
    """The sample was changed by somebody else since it was read."""

    key: Key


class LabelStore:
    """Samples by key, each with a revision number that increases with every change.

    Parameters
    ----------
    path : Path
        The CSV file.
    layout : KeypointLayout
        Of the samples.
    order : sequence of Key
        The keys of the set, in the order of the file. Samples of other images are kept after them.

    Raises
    ------
    MocapError
        For a damaged file, which is not changed, or a file that cannot be written.
    """

    def __init__(self, path: Path, layout: KeypointLayout, order: Sequence[Key]) -> None:
        self.path, self._layout = path, layout
        self._changed = Condition()
        self._order = {key: index for index, key in enumerate(order)}
        check_target(path)
        samples = read_labels(path, layout) if path.exists() else []
        self._samples = {sample.key: sample for sample in samples}
        self._lines = {sample.key: _line(sample, layout) for sample in samples}
        self._revisions = dict.fromkeys(self._samples, 1)
        self._stamp = self._stamp_on_disk()

    def get(self, key: Key) -> tuple[Sample | None, int]:
        """The sample, if there is one, and its revision; 0 before the first change."""
        with self._changed:
            return self._samples.get(key), self._revision(key)

    def all(self) -> list[Sample]:
        """All samples of the file."""
        with self._changed:
            return list(self._samples.values())

    def put(self, sample: Sample, revision: int) -> int:
        """Store a sample on disk.

        Parameters
        ----------
        sample : Sample
            The changed sample.
        revision : int
            The revision that was changed.

        Returns
        -------
        int
            The new revision.

        Raises
        ------
        Conflict
            If the sample has another revision now.
        MocapError
            If the file was changed by another program or cannot be written.
        """
        return self.put_all([(sample, revision)])[0]

    def put_all(self, changes: Sequence[tuple[Sample, int]]) -> list[int]:
        """Store several samples on disk, all or none; returns their new revisions. Raises as ``put``."""
        with self._changed:
            for sample, revision in changes:
                self._changed.wait_for(partial(self._reached, sample.key, revision), AHEAD_S)
                if self._revision(sample.key) != revision:
                    raise Conflict(sample.key)
            samples, lines = dict(self._samples), dict(self._lines)
            for sample, _ in changes:
                if sample.state == "todo" and (sample.visibility == OPEN).all():
                    samples.pop(sample.key, None)
                    lines.pop(sample.key, None)
                else:
                    samples[sample.key] = sample
                    lines[sample.key] = _line(sample, self._layout)
            self._write(lines)
            self._samples, self._lines = samples, lines
            for sample, revision in changes:
                self._revisions[sample.key] = revision + 1
            self._changed.notify_all()
            return [revision + 1 for _, revision in changes]

    def _revision(self, key: Key) -> int:
        return self._revisions.get(key, 0)

    def _reached(self, key: Key, revision: int) -> bool:
        return self._revision(key) >= revision

    def _write(self, lines: dict[Key, str]) -> None:
        if self._stamp_on_disk() != self._stamp:
            raise MocapError(f"{self.path} was changed by another program: stop, check the file, and start again")
        last = len(self._order)
        ordered = sorted(lines, key=lambda key: (self._order.get(key, last), key))
        text = "\n".join([",".join(columns_of(self._layout)), *(lines[key] for key in ordered)]) + "\n"
        with atomic_path(self.path) as temporary:
            temporary.write_bytes(text.encode())
        self._stamp = self._stamp_on_disk()

    def _stamp_on_disk(self) -> tuple[int, int, int] | None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def _line(sample: Sample, layout: KeypointLayout) -> str:
    return labels_to_text([sample], layout).splitlines()[1]
