"""What there is to label: stills of a folder, or the frames of a clip, each by its index in a fixed list."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Protocol

import cv2
import numpy as np

from mocap.estimate import Frame
from mocap.model.errors import MocapError
from mocap.source import FrameReader

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
JPEG = (".jpg", ".jpeg")  # browsers turn these by their EXIF tag as OpenCV does; other kinds are sent turned
FRAME_QUALITY = 90
KEPT_BYTES = 100e6  # of encoded frames
LARGEST_BYTES = 200e6  # of a picture's file


@dataclass(frozen=True)
class Encoded:
    """A picture as it goes to the browser, upright there."""

    content: bytes
    media_type: str


class Pictures(Protocol):
    """Pictures by index. A picture that cannot be read is a MocapError."""

    @property
    def names(self) -> Sequence[str]:
        """The file of each picture: one name for all frames of a clip."""
        ...

    def __len__(self) -> int: ...

    def key(self, index: int) -> tuple[str, int]:
        """The name of the file and the frame in it."""
        ...

    def size(self, index: int) -> tuple[int, int]:
        """(width, height) of the upright picture."""
        ...

    def frame(self, index: int) -> Frame:
        """The upright picture, RGB."""
        ...

    def encoded(self, index: int) -> Encoded:
        """The picture for the browser."""
        ...


class Stills:
    """The pictures of a folder and of the folders in it, in the order of their names, numbers counted as numbers.

    Links that lead out of the folder are left out, and refused if they are made to later.
    """

    def __init__(self, folder: Path, only: Path | None = None) -> None:
        self._folder = folder.resolve()
        found = [only] if only else sorted(self._folder.rglob("*"), key=_natural)
        paths = [path for path in found if path.suffix.lower() in SUFFIXES and self._is_inside(path)]
        self._paths = [path for path in paths if path.is_file()]
        if not self._paths:
            raise MocapError(f"{folder}: no pictures in it; they end in one of: {', '.join(SUFFIXES)}")
        base = self._folder if only is None else only.parent
        self.names = [path.relative_to(base).as_posix() for path in self._paths]
        self._sizes: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._paths)

    def key(self, index: int) -> tuple[str, int]:
        """The picture's path in the folder, and 0."""
        return self.names[index], 0

    def size(self, index: int) -> tuple[int, int]:
        """(width, height) of the upright picture."""
        if index not in self._sizes:
            height, width = self.frame(index).shape[:2]
            self._sizes[index] = (width, height)
        return self._sizes[index]

    def frame(self, index: int) -> Frame:
        """The upright picture, RGB."""
        image = cv2.imdecode(np.frombuffer(self._content(index), np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise MocapError(f"{self.names[index]}: no picture that can be read; open it elsewhere and save it again")
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]

    def encoded(self, index: int) -> Encoded:
        """The file itself if it is a JPEG, else the upright picture as PNG."""
        if self._paths[index].suffix.lower() in JPEG:
            return Encoded(self._content(index), "image/jpeg")
        return Encoded(_encode(self.frame(index), ".png", []), "image/png")

    def _is_inside(self, path: Path) -> bool:
        try:
            return path.resolve(strict=True).is_relative_to(self._folder)
        except (OSError, RuntimeError):  # a link to nowhere, or in a ring
            return False

    def _content(self, index: int) -> bytes:
        path = self._paths[index]
        if not self._is_inside(path):
            raise MocapError(f"{self.names[index]}: is gone, or leads out of the folder now; start again")
        try:
            if path.stat().st_size > LARGEST_BYTES:
                raise MocapError(f"{self.names[index]}: is larger than {LARGEST_BYTES / 1e6:.0f} MB; make it smaller")
            content = path.read_bytes()
        except OSError as error:
            raise MocapError(f"{self.names[index]}: cannot be read ({error.strerror}); start again") from error
        if not content:
            raise MocapError(f"{self.names[index]}: an empty file; copy it again")
        return content


class Clip:
    """The frames of a video, decoded when asked for; numbers are those of ``mocap process``."""

    def __init__(self, path: Path, *, start_s: float | None = None, frames: int | None = None) -> None:
        self._reader = FrameReader(path, start_s=start_s)
        self._count = len(self._reader) if frames is None else min(frames, len(self._reader))
        self._lock = Lock()
        self._kept: OrderedDict[int, Encoded] = OrderedDict()
        self._kept_bytes = 0
        self.names = [path.name]

    @property
    def fps(self) -> float:
        """Frames a second."""
        return float(self._reader.info.fps)

    def __len__(self) -> int:
        return self._count

    def key(self, index: int) -> tuple[str, int]:
        """The clip's name and the frame."""
        return self.names[0], index

    def size(self, index: int) -> tuple[int, int]:
        """(width, height) of the upright frame."""
        return self._reader.info.size

    def frame(self, index: int) -> Frame:
        """The upright frame, RGB."""
        return self._reader.frame(index)

    def encoded(self, index: int) -> Encoded:
        """The frame as JPEG."""
        with self._lock:
            if index in self._kept:
                self._kept.move_to_end(index)
                return self._kept[index]
        made = Encoded(_encode(self.frame(index), ".jpg", [cv2.IMWRITE_JPEG_QUALITY, FRAME_QUALITY]), "image/jpeg")
        with self._lock:
            if index not in self._kept:
                self._kept[index] = made
                self._kept_bytes += len(made.content)
            while self._kept_bytes > KEPT_BYTES and len(self._kept) > 1:
                self._kept_bytes -= len(self._kept.popitem(last=False)[1].content)
        return made


def open_pictures(path: Path) -> Stills | Clip:
    """The pictures of a folder, a picture or a video. MocapError for anything else."""
    if path.is_dir():
        return Stills(path)
    if path.suffix.lower() in SUFFIXES:
        if not path.is_file():
            raise MocapError(f"{path}: no such file; check the path")
        return Stills(path.parent, path.parent.resolve() / path.name)
    return Clip(path)


def _encode(image: Frame, suffix: str, options: list[int]) -> bytes:
    is_written, content = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    assert is_written  # of an 8-bit picture to a format that OpenCV always has
    return content.tobytes()


@cache
def _natural(path: Path) -> tuple[tuple[int, int | str], ...]:
    """Sorts im2 before im10."""
    parts = re.split(r"(\d+)", path.as_posix().lower())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)
