"""Write H.264 files, completely or not at all."""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av.video.stream import VideoStream

from mocap.io.files import atomic_path
from mocap.model.errors import MocapError
from mocap.source.pixels import Image

_SUFFIXES = (".mp4", ".mov", ".mkv")
_BT709, _LIMITED_RANGE = 1, 1  # ITU-T H.273
# For reproducible bytes: x264's output depends on the number of threads, and its mbtree reads uninitialised memory.
_ENCODER = {"crf": "22", "preset": "veryfast", "threads": "4", "x264-params": "mbtree=0"}


class VideoWriter:
    """Context manager that writes frames as an H.264 video with a constant, exact frame rate.

    Parameters
    ----------
    path : Path or str
        The file: .mp4, .mov or .mkv.
    size : tuple of int
        (width, height) of all frames in pixels. An odd size gets one more row or column, a copy of the last.
    fps : Fraction
        Frames per second.

    Raises
    ------
    MocapError
        For an unknown suffix, a file that cannot be written, or if no frame was written.

    Notes
    -----
    The file gets its name when the block ends without an error; after an error or Ctrl-C there is no file. The same
    frames give the same bytes.
    """

    def __init__(self, path: Path | str, size: tuple[int, int], fps: Fraction) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in _SUFFIXES:
            raise MocapError(f"cannot write {self.path}: videos are written as one of: {', '.join(_SUFFIXES)}")
        self.size = size
        self._fps = Fraction(fps)
        self._count = 0

    def __enter__(self) -> Self:
        options = {"movflags": "faststart", "fflags": "+bitexact"}
        with ExitStack() as files:
            temporary = files.enter_context(atomic_path(self.path))
            self._container = files.enter_context(av.open(str(temporary), "w", options=options))
            self._stream = self._add_stream()
            self._open_files = files.pop_all()
        return self

    def _add_stream(self) -> VideoStream:
        stream = self._container.add_stream("libx264", rate=self._fps, options=_ENCODER)
        stream.width, stream.height = (side + side % 2 for side in self.size)
        stream.pix_fmt = "yuv420p"
        stream.time_base = 1 / self._fps
        context = stream.codec_context
        context.flags |= int(av.codec.context.Flags.bitexact)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        return stream

    def write(self, image: Image) -> None:
        """Append a frame, RGB uint8 (height, width, 3). Raises ValueError for another size or type."""
        expected = (self.size[1], self.size[0], 3)
        if image.shape != expected or image.dtype != np.uint8:
            raise ValueError(f"expected a uint8 frame {expected}, got {image.dtype} {image.shape}")
        frame = av.VideoFrame.from_ndarray(_padded(image), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.pts, frame.time_base = self._count, 1 / self._fps
        self._count += 1
        self._container.mux(self._stream.encode(frame))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._open_files.pop_all() as closing:
            if error is not None:
                closing.__exit__(kind, error, trace)  # closes the files with the error, which removes them
            elif self._count:
                self._container.mux(self._stream.encode(None))
            else:
                raise MocapError(f"cannot write {self.path}: there are no frames to write")


def _padded(image: Image) -> Image:
    height, width = image.shape[:2]
    if height % 2 == width % 2 == 0:
        return np.ascontiguousarray(image)
    return np.asarray(cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)
