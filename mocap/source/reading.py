"""Streaming the frames of a clip: every one at its time, or an error; never silently short."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Self

import av
import numpy as np

from mocap.model.errors import MocapError
from mocap.source.packets import decode_pictures
from mocap.source.pixels import Image, upright_rgb
from mocap.source.prefetch import prefetch
from mocap.source.probing import Plan, VideoInfo, make_plan, open_video, sha256_of, slack_frames

AHEAD = 4  # frames decoded ahead: 25 MB at 1080p
AHEAD_BYTES = 100e6  # but no more than this: one frame at 8K


class Video:
    """A clip, or a part of it, to iterate over: RGB uint8 (height, width, 3) frames at exactly ``info.fps``.

    Frame n shows what the camera saw at ``info.start_s + n / info.fps`` seconds after the first picture: the picture
    nearest to that time. Decoding runs ahead in a thread; a few frames are in memory. Every iteration opens the file
    anew. Leaving it as a context manager ends all iterations.

    Up to 2 frames or 0.1 s of pictures that cannot be decoded are bridged by the frame before, with a line in
    ``warnings``. More raises MocapError: at once for a file that was cut, else where the damage is met. With
    ``allow_damaged`` that, too, is a warning: lost frames come out black, so that times stay right and nothing is
    invented, and a lost end is left off (fewer than ``info.frames`` frames then).
    """

    def __init__(
        self,
        path: Path | str,
        *,
        start_s: float | None = None,
        end_s: float | None = None,
        allow_damaged: bool = False,
    ) -> None:
        self.path = Path(path)
        self.allow_damaged = allow_damaged
        self.warnings: list[str] = []
        self._is_closed = False
        self._plan = make_plan(self.path, start_s, end_s)
        if self._plan.is_cut:
            self._complain(_cut_text(self._plan))

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.path.name

    @property
    def info(self) -> VideoInfo:
        """The facts of the chosen range."""
        return self._plan.info

    def part(self, start: int, end: int) -> Video:
        """The frames [start, end) of the range once more."""
        begin, fps = self.info.start_s, self.info.fps
        times = {"start_s": float(begin + start / fps), "end_s": float(begin + end / fps)}
        return Video(self.path, allow_damaged=self.allow_damaged, **times)

    def sha256(self) -> str:
        """The SHA-256 of the file in hexadecimal."""
        return sha256_of(self.path)

    def __len__(self) -> int:
        return self._plan.info.frames

    def __iter__(self) -> Generator[Image, None, None]:
        width, height = self.info.size
        return prefetch(self._frames(), min(AHEAD, max(1, int(AHEAD_BYTES // (3 * width * height)))))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed = True

    def _complain(self, damage: str) -> None:
        if not self.allow_damaged:
            advice = "copy or export it again, or use what is there with --allow-damaged"
            raise MocapError(f"{self.path}: damaged: {damage}; {advice}")
        self._warn(damage)

    def _warn(self, damage: str) -> None:
        if damage not in self.warnings:
            self.warnings.append(damage)

    def _frames(self) -> Generator[Image, None, None]:
        source, slack = self._plan.source, slack_frames(self.info.fps)
        pictures = enumerate(_pictures_by_slot(self.path, self._plan))
        last = np.zeros((*self.info.size[::-1], 3), np.uint8)
        lost: list[int] = []
        run = 0
        for slot, picture in pictures:
            if self._is_closed:
                raise ValueError("the video was closed before all of its frames were read")
            if picture is not None:
                image = upright_rgb(picture, source.stored_size, source.orientation)
                yield from self._bridge(run, last if slot > run else image)
                yield image
                last, run = image, 0
                continue
            lost, run = [*lost, slot], run + 1
            if len(lost) > slack and not self.allow_damaged:
                lost += [later for later, missing in pictures if missing is None]
                self._complain(_loss_text(self._plan, lost))
        if lost:
            self._warn(_loss_text(self._plan, lost))
        if run <= slack and not self._plan.is_cut:
            yield from self._bridge(run, last)

    def _bridge(self, run: int, image: Image) -> Iterator[Image]:
        filler = image if run <= slack_frames(self.info.fps) else np.zeros_like(image)
        yield from (filler.copy() for _ in range(run))


def read_frames(
    path: Path | str, *, start_s: float | None = None, end_s: float | None = None, allow_damaged: bool = False
) -> Iterator[Image]:
    """The frames of a clip or of a part of it; see ``Video``, which also has their number and rate."""
    return iter(Video(path, start_s=start_s, end_s=end_s, allow_damaged=allow_damaged))


def _cut_text(plan: Plan) -> str:
    held, fps = len(plan.wanted), plan.info.fps
    if held < plan.info.frames:
        return f"only the first {held} of {plan.info.frames} frames are in the file ({float(held / fps):.2f} s)"
    return f"it is cut off after {held} frames ({float(held / fps):.2f} s) and does not say how long it was"


def _loss_text(plan: Plan, lost: list[int]) -> str:
    readable = len(plan.wanted) - len(lost)
    at_s = float(plan.info.start_s + lost[0] / plan.info.fps)
    return f"only {readable} of {plan.info.frames} frames can be decoded (the first loss is at {at_s:.2f} s)"


def _pictures_by_slot(path: Path, plan: Plan) -> Iterator[av.VideoFrame | None]:
    """The picture of each output frame in turn, or None for one that cannot be decoded."""
    return (picture for _, picture in pictures_from(path, plan, 0))


def pictures_from(path: Path, plan: Plan, first: int) -> Generator[tuple[int, av.VideoFrame | None], None, None]:
    """The number and the picture of each output frame from ``first`` on; None for one that cannot be decoded."""
    wanted = plan.wanted
    slot = first
    for pts, picture in _timed_pictures(path, plan, first):
        while slot < len(wanted) and wanted[slot] < pts:
            yield slot, None
            slot += 1
        while slot < len(wanted) and wanted[slot] == pts:
            yield slot, picture
            slot += 1
        if slot == len(wanted):
            return
    yield from ((missing, None) for missing in range(slot, len(wanted)))


def _timed_pictures(path: Path, plan: Plan, first: int) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decoded pictures and their time in ticks, from the last keyframe before a frame, or all if that fails."""
    first_wanted = int(plan.wanted[first]) if len(plan.wanted) else 0
    target = _seek_target(plan, first_wanted)
    pictures = _decode_from(path, plan, target)
    if target is not None:
        opening = list(islice(pictures, 1))
        has_arrived = bool(opening) and opening[0][0] <= first_wanted
        pictures = chain(opening, pictures) if has_arrived else _decode_from(path, plan, None)
    yield from pictures


def _seek_target(plan: Plan, first_wanted: int) -> int | None:
    keyframes = plan.source.packets.keyframes
    before = int(np.searchsorted(keyframes, first_wanted, side="right")) - 1
    return int(keyframes[before]) if before > 0 and plan.source.packets.has_times else None


def _decode_from(path: Path, plan: Plan, keyframe: int | None) -> Iterator[tuple[int, av.VideoFrame]]:
    pts = plan.source.packets.pts
    with open_video(path) as (container, stream):
        if keyframe is not None:
            with suppress(av.error.FFmpegError):  # not seekable: read from the start
                container.seek(keyframe, stream=stream)
        for count, picture in enumerate(decode_pictures(container, stream)):
            if picture.pts is not None and plan.source.packets.has_times:
                yield picture.pts, picture
            elif count < len(pts):
                yield int(pts[count]), picture  # a decoder without times gives its pictures in order
