"""A stream of frames in pieces: from one key frame to the next, never across a scene cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from mocap.model.rotation import Array
from mocap.source.pixels import Image

CHUNK_BYTES = 256e6  # of frames kept; three chunks are in memory, which at 8K would be gigabytes
CUT_DIFFERENCE = 0.10  # mean absolute difference of neighbouring frames, of full scale
CUT_HISTOGRAM = 0.30  # share of pixels that changed their colour bin


@dataclass(eq=False)
class Chunk:
    """A key frame and the frames up to the next one; ``starts_shot`` after a scene cut.

    frames: by index; the key frame, every step-th after it, and the last. length: of all. next_key: the key frame after
    it, None until it is known or if a new shot comes between.
    """

    first: int
    frames: dict[int, Image] = field(default_factory=dict)
    length: int = 0
    starts_shot: bool = False
    next_key: int | None = None

    def add(self, frame: Image, step: int) -> None:
        """Take up the next frame; the one before is let go if it is none to be looked at."""
        if (self.length - 1) % step:
            self.frames.pop(self.first + self.length - 1, None)
        self.frames[self.first + self.length] = frame
        self.length += 1


def chunks(frames: Iterable[Image], stride: int, step: int) -> Iterator[Chunk]:
    """Chunks of up to ``stride`` frames, of which every ``step``-th is kept; fewer where frames are huge."""
    chunk: Chunk | None = None
    previous: Array | None = None
    for index, frame in enumerate(frames):
        thumbnail = _thumbnail(frame)
        cut = previous is not None and is_scene_cut(previous, thumbnail)
        previous = thumbnail
        if chunk is None or cut or chunk.length == stride or len(chunk.frames) * frame.nbytes >= CHUNK_BYTES:
            if chunk is not None:
                yield chunk
            chunk = Chunk(index, starts_shot=cut)
        chunk.add(frame, step)
    if chunk is not None:
        yield chunk


def _thumbnail(frame: Image) -> Array:
    """About 64 × 64 pixels of the frame, picked, not averaged: it costs nothing."""
    height, width = frame.shape[:2]
    return frame[:: max(1, height // 64), :: max(1, width // 64)].astype(np.int16)


def is_scene_cut(before: Array, after: Array) -> bool:
    """Whether two small RGB pictures (H, W, 3) in 0..255 are from different shots: both places and colours changed."""
    if np.mean(np.abs(after - before)) < CUT_DIFFERENCE * 255:
        return False
    changed = 0.5 * np.sum(np.abs(_colour_histogram(before) - _colour_histogram(after)))
    return bool(changed > CUT_HISTOGRAM)


def _colour_histogram(picture: Array) -> Array:
    """Shares (64,) of the pixels in each of 4 × 4 × 4 colour bins."""
    bins = (picture.reshape(-1, 3) // 64) @ np.array([16, 4, 1])
    return np.bincount(bins, minlength=64) / len(bins)
