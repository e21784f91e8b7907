"""A folder of images as a source of frames: one image per frame, in the order of their names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from mocap.model.errors import MocapError
from mocap.source.pixels import Image
from mocap.source.prefetch import prefetch
from mocap.source.probing import VideoInfo, frame_range

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"))
DEFAULT_FPS = Fraction(30)
_LOWEST_FPS, _HIGHEST_FPS = 1, 1000


class ImageFolder:
    """The images of a folder as frames, RGB uint8 (height, width, 3), at a given frame rate.

    Parameters
    ----------
    path : Path
        The folder. Images are sorted by name, numbers in it by value: ``frame_2.png`` before ``frame_10.png``.
    fps : Fraction
        Frame rate in frames per second.
    start_s, end_s : float or None
        The part to read, in seconds after the first image.

    Raises
    ------
    MocapError
        For a folder without images, and, when it is read, for an image of another size or one that cannot be read.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        fps: Fraction = DEFAULT_FPS,
        start_s: float | None = None,
        end_s: float | None = None,
    ) -> None:
        self.path = Path(path)
        self.warnings: list[str] = []
        if not _LOWEST_FPS <= fps <= _HIGHEST_FPS:
            raise MocapError(f"{self.path}: {float(fps):g} is not a frame rate; give one from 1 to 1000")
        self._files = _images_in(self.path)
        first, end = frame_range(self.path, (start_s, end_s), fps, len(self._files))
        self._wanted = self._files[first:end]
        height, width = _read(self._wanted[0]).shape[:2]
        self._info = VideoInfo(
            size=(width, height),
            fps=fps,
            frames=end - first,
            start_s=first / fps,
            duration_s=(end - first) / fps,
            rotation_degrees=0,
            is_variable_rate=False,
            codec="images",
            fov_degrees=None,
        )

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @property
    def info(self) -> VideoInfo:
        """Size, frame rate and length of the chosen range. ``fov_degrees`` is None: lens data of images is not read."""
        return self._info

    def __len__(self) -> int:
        return len(self._wanted)

    def __iter__(self) -> Generator[Image, None, None]:
        return prefetch(self.part(0, len(self)))

    def part(self, start: int, end: int) -> Iterable[Image]:
        """The frames [start, end) of the chosen range."""
        return (self._of_one_size(file) for file in self._wanted[start:end])

    def sha256(self) -> str:
        """The SHA-256 digest of all images of the folder and their names, in order, in hexadecimal."""
        digest = hashlib.sha256()
        for file in self._files:
            digest.update(f"{file.name}\0".encode(errors="surrogateescape"))
            digest.update(hashlib.sha256(_content(file)).digest())
        return digest.hexdigest()

    def _of_one_size(self, file: Path) -> Image:
        image = _read(file)
        size = image.shape[1::-1]
        if size != self._info.size:
            expected = "{} x {}".format(*self._info.size)
            found = "{} x {}".format(*size)
            raise MocapError(f"{file}: is {found} pixels, the images before it {expected}; resize them to one size")
        return image


def _images_in(folder: Path) -> list[Path]:
    files = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    if not files:
        raise MocapError(f"{folder}: a folder without images ({', '.join(sorted(SUFFIXES))}); name a video or another")
    return sorted(files, key=_natural_order)


def _natural_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise MocapError(f"{file}: cannot be read ({error.strerror}); check its permissions") from error


def _read(file: Path) -> Image:
    """Read an image and rotate it upright by its EXIF tag."""
    content = np.frombuffer(_content(file), np.uint8)
    try:
        decoded = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
    except cv2.error:
        decoded = None
    if decoded is None:
        raise MocapError(f"{file}: cannot be read as an image; remove it or export it again")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
