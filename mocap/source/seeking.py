"""Random access: single frames of a clip by number, for viewers that jump in it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator
from pathlib import Path
from threading import Lock

import av

from mocap.model.errors import MocapError
from mocap.source.pixels import Image, upright_rgb
from mocap.source.probing import VideoInfo, make_plan
from mocap.source.reading import frames_from

CACHE_BYTES = 200e6  # of decoded frames: 30 at 1080p, enough to step back and forth
FORWARD = 60  # most frames to decode on the way to a later one; beyond that, seeking a keyframe is faster


class FrameReader:
    """Frames of a clip, or of a part of it, by number; they are identical to those of ``Video``.

    Parameters
    ----------
    path : Path or str
        The video file.
    start_s, end_s : float or None
        The part, in seconds after the first frame.

    Notes
    -----
    Recently decoded frames are cached. Several threads may use one reader; they wait for each other.
    """

    def __init__(self, path: Path | str, *, start_s: float | None = None, end_s: float | None = None) -> None:
        self.path = Path(path)
        self._plan = make_plan(self.path, start_s, end_s)
        self._lock = Lock()
        self._kept: OrderedDict[int, Image] = OrderedDict()
        self._running: Generator[tuple[int, av.VideoFrame | None], None, None] | None = None
        self._next = 0

    @property
    def info(self) -> VideoInfo:
        """Properties of the chosen range."""
        return self._plan.info

    def __len__(self) -> int:
        """Number of frames of the range that the file contains."""
        return len(self._plan.wanted)

    def frame(self, number: int) -> Image:
        """Decode a frame.

        Parameters
        ----------
        number : int
            From 0, in the chosen range.

        Returns
        -------
        array (height, width, 3)
            RGB uint8.

        Raises
        ------
        MocapError
            If the frame cannot be decoded.
        """
        if not 0 <= number < len(self):
            raise ValueError(f"frame {number} is not among the {len(self)} of {self.path.name}")
        with self._lock:
            if number not in self._kept:
                self._decode_to(number)
            if number not in self._kept:
                raise MocapError(f"{self.path}: frame {number} cannot be decoded; the file is damaged there")
            self._kept.move_to_end(number)
            return self._kept[number]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._running is not None:
            self._running.close()
            self._running = None

    def _decode_to(self, number: int) -> None:
        if self._running is None or not self._next <= number < self._next + FORWARD:
            self._stop()
            self._running, self._next = frames_from(self.path, self._plan, number), number
        source = self._plan.source
        for slot, decoded in self._running:
            self._next = slot + 1
            if decoded is not None:
                self._keep(slot, upright_rgb(decoded, source.stored_size, source.orientation))
            if slot == number:
                return
        self._running = None

    def _keep(self, number: int, image: Image) -> None:
        self._kept[number] = image
        while len(self._kept) > 1 and len(self._kept) * image.nbytes > CACHE_BYTES:
            self._kept.popitem(last=False)
