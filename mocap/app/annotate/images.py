"""The images to label: images of a folder, or the frames of a clip, each with an index in a fixed list."""

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
JPEG = (".jpg", ".jpeg")  # browsers and OpenCV rotate these by their EXIF tag; other formats are sent upright
FRAME_QUALITY = 90
KEPT_BYTES = 100e6  # of encoded frames
LARGEST_BYTES = 200e6  # of an image file


@dataclass(frozen=True)
class Encoded:
    """An image file for the browser, which shows it upright."""

    content: bytes
    media_type: str


class ImageSet(Protocol):
    """Images by index. The methods raise MocapError for an image that cannot be read."""

    @property
    def names(self) -> Sequence[str]:
        """The file name of each image; one name for all frames of a clip."""
        ...

    def __len__(self) -> int: ...

    def key(self, index: int) -> tuple[str, int]:
        """The name of the file and the frame in it."""
        ...

    def size(self, index: int) -> tuple[int, int]:
        """(width, height) of the upright image."""
        ...

    def frame(self, index: int) -> Frame:
        """The upright image, RGB."""
        ...

    def encoded(self, index: int) -> Encoded:
        """The image as a file for the browser."""
        ...


class Stills:
    """The images of a folder and of the folders in it, sorted by name, with numbers in names by value.

    Parameters
    ----------
    folder : Path
        The folder. Links to files outside of it are ignored, and rejected if they are changed later.
    only : Path or None
        A single image of the folder, instead of all.

    Raises
    ------
    MocapError
        If there are no images.
    """

    def __init__(self, folder: Path, only: Path | None = None) -> None:
        self._folder = folder.resolve()
        found = [only] if only else sorted(self._folder.rglob("*"), key=_natural)
        paths = [path for path in found if path.suffix.lower() in SUFFIXES and self._is_inside(path)]
        self._paths = [path for path in paths if path.is_file()]
        if not self._paths:
            raise MocapError(f"{folder}: no images in it; their suffix must be one of: {', '.join(SUFFIXES)}")
        base = self._folder if only is None else only.parent
        self.names = [path.relative_to(base).as_posix() for path in self._paths]
        self._sizes: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._paths)

    def key(self, index: int) -> tuple[str, int]:
        """The path of the image in the folder, and 0."""
        return self.names[index], 0

    def size(self, index: int) -> tuple[int, int]:
        """(width, height) of the upright image."""
        if index not in self._sizes:
            height, width = self.frame(index).shape[:2]
            self._sizes[index] = (width, height)
        return self._sizes[index]

    def frame(self, index: int) -> Frame:
        """The upright image, RGB."""
        image = cv2.imdecode(np.frombuffer(self._content(index), np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise MocapError(
                f"{self.names[index]}: cannot be read as an image; open it in another program and save it again"
            )
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]

    def encoded(self, index: int) -> Encoded:
        """The file itself if it is a JPEG, else the upright image as PNG."""
        if self._paths[index].suffix.lower() in JPEG:
            return Encoded(self._content(index), "image/jpeg")
        return Encoded(_encode(self.frame(index), ".png", []), "image/png")

    def _is_inside(self, path: Path) -> bool:
        try:
            return path.resolve(strict=True).is_relative_to(self._folder)
        except (OSError, RuntimeError):  # a broken link, or a loop of links
            return False

    def _content(self, index: int) -> bytes:
        path = self._paths[index]
        if not self._is_inside(path):
            raise MocapError(
                f"{self.names[index]}: does not exist any more, or is now a link out of the folder; start again"
            )
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
    """The frames of a video, decoded on demand, with the same numbers as in ``mocap process``.

    Parameters
    ----------
    path : Path
        The video.
    start_s : float or None
        Time of the first frame, in seconds.
    frames : int or None
        Largest number of frames; None: to the end.
    """

    def __init__(self, path: Path, *, start_s: float | None = None, frames: int | None = None) -> None:
        self._reader = FrameReader(path, start_s=start_s)
        self._count = len(self._reader) if frames is None else min(frames, len(self._reader))
        self._lock = Lock()
        self._kept: OrderedDict[int, Encoded] = OrderedDict()
        self._kept_bytes = 0
        self.names = [path.name]

    @property
    def fps(self) -> float:
        """Frames per second."""
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


def open_images(path: Path) -> Stills | Clip:
    """Open a folder of images, an image or a video.

    Parameters
    ----------
    path : Path
        The folder or file.

    Returns
    -------
    Stills or Clip
        Its images.

    Raises
    ------
    MocapError
        For everything else.
    """
    if path.is_dir():
        return Stills(path)
    if path.suffix.lower() in SUFFIXES:
        if not path.is_file():
            raise MocapError(f"{path}: no such file; check the path")
        return Stills(path.parent, path.parent.resolve() / path.name)
    return Clip(path)


def _encode(image: Frame, suffix: str, options: list[int]) -> bytes:
    is_written, content = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    assert is_written  # of an 8-bit image to a format that OpenCV always supports
    return content.tobytes()


@cache
def _natural(path: Path) -> tuple[tuple[int, int | str], ...]:
    """Sorts im2 before im10."""
    parts = re.split(r"(\d+)", path.as_posix().lower())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)
