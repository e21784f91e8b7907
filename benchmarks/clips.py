"""Clips of any length from a short one, played to and fro so that movement stays continuous."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av


def write_loop(source: Path, target: Path, frames: int) -> None:
    """Encode ``frames`` frames of the clip, forwards, backwards, forwards …, as H.264 at the clip's rate.

    The decoded clip is held in memory (YUV 4:2:0): a few seconds of it are enough.
    """
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        rate = Fraction(stream.average_rate or 30)
        pictures = [picture.reformat(format="yuv420p") for picture in container.decode(stream)]
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "20", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = pictures[0].width, pictures[0].height, "yuv420p"
        for number, index in zip(range(frames), _to_and_fro(len(pictures))):
            picture = pictures[index]
            picture.pts, picture.time_base, picture.pict_type = number, 1 / rate, 0
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def _to_and_fro(count: int) -> Iterator[int]:
    """0, 1 … count − 1, count − 2 … 1, 0, 1 … without end."""
    while True:
        yield from range(count)
        yield from range(count - 2, 0, -1)
