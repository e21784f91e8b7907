"""The interface of all sources of frames: a video file, a folder of images or, later, a camera."""

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
    """Upright RGB frames (height, width, 3) uint8, in order, at exactly ``info.fps``.

    Parameters
    ----------
    warnings : list of str
        Problems of the frames read so far, as text for the user; complete after an iteration.
    """

    warnings: list[str]

    @property
    def name(self) -> str:
        """The name of the file or folder, without its path."""
        ...

    @property
    def info(self) -> VideoInfo:
        """Size, exact frame rate, number of frames and start time."""
        ...

    def __iter__(self) -> Generator[Image, None, None]:
        """Iterate over all frames from the first. Each iteration starts again; closing it stops the reading."""
        ...

    def part(self, start: int, end: int) -> Iterable[Image]:
        """Read the frames [start, end) again, numbered as in an iteration."""
        ...

    def sha256(self) -> str:
        """The SHA-256 digest of the whole content in hexadecimal. Raises MocapError if it cannot be read."""
        ...


def open_source(
    path: str | Path,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    fps: Fraction | None = None,
    allow_damaged: bool = False,
) -> FrameSource:
    """Open a video file, or a folder of images, as a source of frames.

    Parameters
    ----------
    path : str or Path
        A file that FFmpeg reads, or a folder.
    start_s, end_s : float or None
        The part to read, in seconds after the first frame; None: from the beginning, to the end.
    fps : Fraction or None
        Frame rate of a folder of images, which stores none; None: 30. Ignored for a video file, which has its own.
    allow_damaged : bool
        Read the frames that a truncated or damaged video file still contains.

    Returns
    -------
    FrameSource
        A ``Video`` or an ``ImageFolder``.

    Raises
    ------
    MocapError
        If the source cannot be read; the message is one line.
    """
    path = Path(path)
    if path.is_dir():
        return ImageFolder(path, fps=fps or DEFAULT_FPS, start_s=start_s, end_s=end_s)
    return Video(path, start_s=start_s, end_s=end_s, allow_damaged=allow_damaged)
