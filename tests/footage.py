"""Pictures of the example clip, and clips made of pictures: the same person in other wrappings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
from clips import Image

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "walk.mp4"
TICKS = 90_000  # a second
FINE = {"crf": "14", "preset": "veryfast", "threads": "2"}  # losses that no network sees


@dataclass(frozen=True)
class Encoding:
    """How pictures become a file: at ``fps``, or each at its own of ``times_s``; rotation: the tag, degrees ccw."""

    fps: Fraction = Fraction(30)
    times_s: Sequence[Fraction] | None = None
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    rotation: int = 0
    options: dict[str, str] = field(default_factory=lambda: dict(FINE))
    container_options: dict[str, str] = field(default_factory=dict)


def example_pictures(count: int, start: int = 0) -> list[Image]:
    """RGB pictures (height, width, 3) of the example clip, ``count`` of them from the one numbered ``start``."""
    with av.open(str(EXAMPLE)) as container:
        frames = islice(container.decode(video=0), start, start + count)
        return [frame.to_ndarray(format="rgb24") for frame in frames]


def write_pictures(path: Path, pictures: Iterable[Image], encoding: Encoding | None = None) -> Path:
    """Writes upright pictures of one size in the container that the suffix names, and returns its path."""
    encoding = encoding or Encoding()
    with av.open(str(path), "w", options=dict(encoding.container_options)) as container:
        stream = container.add_stream(encoding.codec, rate=encoding.fps, options=dict(encoding.options))
        stream.pix_fmt = encoding.pixel_format
        stream.codec_context.time_base = Fraction(1, TICKS)
        if encoding.rotation:
            stream.set_display_rotation(encoding.rotation)
        for number, upright in enumerate(pictures):
            stored = np.ascontiguousarray(np.rot90(upright, -encoding.rotation // 90))
            if not number:
                stream.height, stream.width = stored.shape[:2]
            frame = av.VideoFrame.from_ndarray(stored, format="rgb24")
            time_s = number / encoding.fps if encoding.times_s is None else encoding.times_s[number]
            frame.pts, frame.time_base = round(time_s * TICKS), Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def rewrapped(
    path: Path,
    source: Path = EXAMPLE,
    *,
    options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Copies a clip's packets as they are into the container that the suffix names, and returns its path."""
    with av.open(str(source)) as old, av.open(str(path), "w", options=options or {}) as new:
        new.metadata.update(metadata or {})
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
    return path
