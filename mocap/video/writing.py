"""H.264 files, whole or not at all."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np

from mocap.errors import MocapError
from mocap.video.pixels import Image

_SUFFIXES = (".mp4", ".mov", ".mkv")
_BT709, _LIMITED_RANGE = 1, 1  # ITU-T H.273
# A fixed number of threads: x264 gives other bytes for another number.
_ENCODER = {"crf": "20", "preset": "veryfast", "threads": "4"}


class VideoWriter:
    """A context manager that writes RGB uint8 (height, width, 3) frames of one size as H.264 at a constant, exact rate.

    size: (width, height) pixels; odd sizes get one more row or column, a copy of the last. The file appears under
    its name when the block ends well; an error or Ctrl-C leaves nothing. The same frames give the same bytes. Raises
    MocapError for an unknown suffix and a place that cannot be written.
    """

    def __init__(self, path: Path | str, size: tuple[int, int], fps: Fraction, *, crf: int = 20) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in _SUFFIXES:
            raise MocapError(f"{self.path}: videos are written as one of: {', '.join(_SUFFIXES)}; change the suffix")
        self.size = size
        self._fps = Fraction(fps)
        self._encoder = _ENCODER | {"crf": str(crf)}
        self._count = 0
        self._partial = self.path.with_name(f".{self.path.stem}.{os.getpid()}.part{self.path.suffix}")

    def __enter__(self) -> Self:
        self._container = av.open(str(self._partial), "w", options={"movflags": "faststart", "fflags": "+bitexact"})
        stream = self._container.add_stream("libx264", rate=self._fps, options=self._encoder)
        stream.width, stream.height = (side + side % 2 for side in self.size)
        stream.pix_fmt = "yuv420p"
        stream.time_base = 1 / self._fps
        context = stream.codec_context
        context.flags |= int(av.codec.context.Flags.bitexact)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        self._stream = stream
        try:
            self._partial.touch()  # PyAV opens it with the first frame: a wrong place is to be known before the work
        except OSError as error:
            raise self._unwritable(error) from error
        return self

    def write(self, image: Image) -> None:
        """Appends a frame. Raises ValueError for another size, MocapError if the disk is full."""
        if image.shape != (self.size[1], self.size[0], 3) or image.dtype != np.uint8:
            raise ValueError(
                f"expected a uint8 frame {(self.size[1], self.size[0], 3)}, got {image.dtype} {image.shape}"
            )
        frame = av.VideoFrame.from_ndarray(_padded(image), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.pts, frame.time_base = self._count, 1 / self._fps
        self._count += 1
        self._mux(frame)

    def _mux(self, frame: av.VideoFrame | None) -> None:
        try:
            self._container.mux(self._stream.encode(frame))
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> MocapError:
        return MocapError(f"{self.path}: cannot be written ({error.strerror}); choose another place")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
            else:
                self._container.close()
        finally:
            self._partial.unlink(missing_ok=True)

    def _finish(self) -> None:
        if not self._count:
            self._container.close()
            raise MocapError(f"{self.path}: not written, there are no frames to write")
        self._mux(None)
        try:
            self._container.close()
            self._partial.replace(self.path)
        except OSError as error:
            raise self._unwritable(error) from error


def _padded(image: Image) -> Image:
    height, width = image.shape[:2]
    if height % 2 == width % 2 == 0:
        return np.ascontiguousarray(image)
    return np.asarray(cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)
