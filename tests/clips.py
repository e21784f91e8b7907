"""Synthetic clips: every picture carries its own number, so that a test can say which one came out."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_BITS, _BLOCK = 9, 16  # the number is written in black and white squares along the top: 144 pixels


def numbered_image(number: int, size: tuple[int, int] = (160, 96)) -> Image:
    """An upright RGB picture (height, width, 3) with a number in it, a red lower left and noise in its middle."""
    width, height = size
    image = np.full((height, width, 3), 110, np.uint8)
    image[_BLOCK : height - 24] = np.random.default_rng(number).integers(70, 150, (height - _BLOCK - 24, width, 3))
    for bit in range(_BITS):
        image[:_BLOCK, bit * _BLOCK : (bit + 1) * _BLOCK] = 255 * (number >> bit & 1)
    image[-24:, :24] = (200, 30, 30)
    return image


def number_of(image: Image) -> int:
    """The number in a picture made by ``numbered_image``, also after lossy coding."""
    middles = image[_BLOCK // 2, _BLOCK // 2 : _BITS * _BLOCK : _BLOCK].mean(axis=-1)
    return int(sum(1 << bit for bit in range(_BITS) if middles[bit] > 127))


def is_black(image: Image) -> bool:
    """Whether a picture shows nothing at all."""
    return bool(image.max() == 0)


@dataclass(frozen=True)
class Clip:
    """What to write: ``count`` numbered pictures, upright ones of ``size``, stored as the tag ``rotation`` demands.

    times_s: when each is shown; at ``fps`` if not given. rotation: degrees, counter-clockwise. aspect: a pixel's width
    by its height. audio_s: seconds of silence beside the pictures. metadata: of the container, as phones write it.
    """

    count: int = 30
    fps: Fraction = Fraction(30)
    size: tuple[int, int] = (160, 96)
    times_s: Sequence[Fraction] | None = None
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    rotation: int = 0
    is_mirrored: bool = False
    aspect: Fraction = Fraction(1)
    audio_s: float = 0.0
    options: dict[str, str] = field(default_factory=lambda: {"g": "10", "crf": "28", "preset": "veryfast"})
    container_options: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> Path:
        """Writes the clip, in the container that the suffix names, and returns its path."""
        with av.open(str(path), "w", options=dict(self.container_options)) as container:
            container.metadata.update(self.metadata)
            stream = container.add_stream(self.codec, rate=self.fps, options=dict(self.options))
            images = self._stored_images()
            first = next(images)
            stream.height, stream.width = first.shape[:2]
            stream.pix_fmt = self.pixel_format
            stream.sample_aspect_ratio = self.aspect
            if self.times_s is not None:
                stream.codec_context.time_base = Fraction(1, 90_000)
            if self.rotation or self.is_mirrored:
                stream.set_display_rotation(self.rotation, hflip=self.is_mirrored)
            sound = container.add_stream("aac", rate=8000) if self.audio_s else None
            for number, image in enumerate([first, *images]):
                container.mux(stream.encode(self._frame(image, number)))
            container.mux(stream.encode(None))
            if sound is not None:
                _mux_silence(container, sound, self.audio_s)
        return path

    def _stored_images(self) -> Iterator[Image]:
        for number in range(self.count):
            upright = numbered_image(number, self.size)
            turned = upright[:, ::-1] if self.is_mirrored else upright
            yield np.ascontiguousarray(np.rot90(turned, -self.rotation // 90))

    def _frame(self, image: Image, number: int) -> av.VideoFrame:
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        if self.times_s is None:
            frame.pts, frame.time_base = number, 1 / self.fps
        else:
            frame.pts, frame.time_base = round(self.times_s[number] * 90_000), Fraction(1, 90_000)
        return frame


def _mux_silence(container: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    for start in range(0, round(seconds * 8000), 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 8000, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def write_audio(path: Path, seconds: float = 1.0) -> Path:
    """Writes a file with silence and nothing to see, and returns its path."""
    with av.open(str(path), "w") as container:
        _mux_silence(container, container.add_stream("aac", rate=8000), seconds)
    return path


def cut_off(path: Path, share: float) -> Path:
    """Leaves only the first share of a file's bytes, and returns its path."""
    content = path.read_bytes()
    path.write_bytes(content[: round(len(content) * share)])
    return path


def corrupt(path: Path, begin: float, end: float) -> Path:
    """Overwrites a file's bytes between two shares of its length with noise, and returns its path."""
    content = bytearray(path.read_bytes())
    first, last = round(begin * len(content)), round(end * len(content))
    content[first:last] = random.Random(0).randbytes(last - first)
    path.write_bytes(content)
    return path
