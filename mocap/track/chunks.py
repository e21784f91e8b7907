"""Chunks: a stream of frames is cut into pieces from one key frame to the next, and at every scene cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from mocap.model.rotation import Array
from mocap.source.pixels import Image

CHUNK_BYTES = 256e6  # of frames kept; three chunks are in memory, which at 8K would be gigabytes
CUT_DIFFERENCE = 0.10  # mean absolute difference of neighbouring frames, as a fraction of full scale
CUT_HISTOGRAM = 0.30  # fraction of pixels that changed their colour bin


@dataclass(eq=False)
class Chunk:
    """A key frame and the frames up to the next one.

    Parameters
    ----------
    first : index of the key frame.
    frames : by index, those that are kept: the key frame, every step-th after it, and the last.
    length : number of frames, kept or not.
    starts_shot : whether a scene cut is before it.
    next_key : index of the next key frame; None until it is known, or where a scene cut is before that.
    """

    first: int
    frames: dict[int, Image] = field(default_factory=dict)
    length: int = 0
    starts_shot: bool = False
    next_key: int | None = None

    def add(self, frame: Image, step: int) -> None:
        """Add the next frame; the frame before it is dropped unless it is a step-th frame."""
        if (self.length - 1) % step:
            self.frames.pop(self.first + self.length - 1, None)
        self.frames[self.first + self.length] = frame
        self.length += 1


def chunks(frames: Iterable[Image], stride: int, step: int) -> Iterator[Chunk]:
    """Cut a stream of frames into chunks.

    Parameters
    ----------
    frames : RGB.
    stride : most frames of a chunk; fewer where frames are huge (CHUNK_BYTES).
    step : every step-th frame of a chunk is kept.
    """
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
    """About 64 × 64 pixels of the frame, sampled without averaging, which costs almost no time."""
    height, width = frame.shape[:2]
    return frame[:: max(1, height // 64), :: max(1, width // 64)].astype(np.int16)


def is_scene_cut(before: Array, after: Array) -> bool:
    """Whether a scene cut lies between two small RGB images (H, W, 3) in 0..255: pixels and colours both changed."""
    if np.mean(np.abs(after - before)) < CUT_DIFFERENCE * 255:
        return False
    changed = 0.5 * np.sum(np.abs(_colour_histogram(before) - _colour_histogram(after)))
    return bool(changed > CUT_HISTOGRAM)


def _colour_histogram(image: Array) -> Array:
    """Fraction (64,) of the pixels in each of 4 × 4 × 4 colour bins."""
    bins = (image.reshape(-1, 3) // 64) @ np.array([16, 4, 1])
    return np.bincount(bins, minlength=64) / len(bins)
