"""What every source of frames has, whether it is a video file, a folder of images or, later, a camera."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from mocap.source.images import DEFAULT_FPS, ImageFolder
from mocap.source.pixels import Image
from mocap.source.probing import VideoInfo
from mocap.source.reading import Video


class FrameSource(Protocol):
    """Upright RGB frames (height, width, 3) uint8, one after another, at exactly ``info.fps``.

    warnings: what was wrong with the frames read so far, for the user; complete after an iteration.
    """

    warnings: list[str]

    @property
    def name(self) -> str:
        """The file's or folder's name without the folders above it."""
        ...

    @property
    def info(self) -> VideoInfo:
        """Size, exact rate, number of frames and where they begin."""
        ...

    def __iter__(self) -> Generator[Image, None, None]:
        """All frames, from the first; each iteration begins anew, and closing it ends the reading."""
        ...

    def part(self, start: int, end: int) -> Iterable[Image]:
        """The frames [start, end) once more, counted as in an iteration."""
        ...

    def sha256(self) -> str:
        """The SHA-256 of the whole content in hexadecimal. Raises MocapError if it cannot be read."""
        ...


def open_source(
    path: str | Path,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    fps: Fraction | None = None,
    allow_damaged: bool = False,
) -> FrameSource:
    """The frames of a video file, or of a folder of images.

    Parameters
    ----------
    path : str or Path
        A file that FFmpeg reads, or a folder.
    start_s, end_s : float or None
        The part to read, in seconds after the first frame; None: from the beginning, to the end.
    fps : Fraction or None
        Frames a second of a folder of images, which does not say; None: 30. A video file has its own.
    allow_damaged : bool
        Read what a cut or damaged video file still holds.

    Returns
    -------
    FrameSource
        A ``Video`` or an ``ImageFolder``.

    Raises
    ------
    MocapError
        One line, for what cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        return ImageFolder(path, fps=fps or DEFAULT_FPS, start_s=start_s, end_s=end_s)
    return Video(path, start_s=start_s, end_s=end_s, allow_damaged=allow_damaged)
