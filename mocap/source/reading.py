"""Stream the frames of a clip. Every frame has its correct time; missing ones are reported, never skipped."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Self

import av
import numpy as np

from mocap.model.errors import MocapError
from mocap.source.packets import decode_frames
from mocap.source.pixels import Image, upright_rgb
from mocap.source.prefetch import prefetch
from mocap.source.probing import Plan, VideoInfo, make_plan, open_video, sha256_of, slack_frames

AHEAD = 4  # frames decoded in advance: 25 MB at 1080p
AHEAD_BYTES = 100e6  # but no more than this: one frame at 8K


class Video:
    """A clip, or a part of it: iterate over its frames, RGB uint8 (height, width, 3), at exactly ``info.fps``.

    Parameters
    ----------
    path : Path or str
        The video file.
    start_s, end_s : float or None
        The part to read, in seconds after the first frame.
    allow_damaged : bool
        Read what a truncated or damaged file still contains; see Notes.

    Raises
    ------
    MocapError
        If the file cannot be read as video or is truncated; while iterating, if more frames are damaged than Notes
        allow.

    Notes
    -----
    Output frame n is the stored frame nearest to ``info.start_s + n / info.fps`` seconds after the first one. A thread
    decodes in advance; only a few frames are in memory. Every iteration opens the file again. Leaving the context
    manager ends all iterations.

    Up to 2 frames or 0.1 s that cannot be decoded are replaced by the frame before, with a line in ``warnings``. More
    damage is an error, or with ``allow_damaged`` a warning: lost frames are then black, so that times stay correct and
    no content is invented, and a lost end is omitted (the clip then has fewer than ``info.frames`` frames).
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
        """The name of the file, without its path."""
        return self.path.name

    @property
    def info(self) -> VideoInfo:
        """Properties of the chosen range."""
        return self._plan.info

    def part(self, start: int, end: int) -> Video:
        """The frames [start, end) of the range, to be read again."""
        begin, fps = self.info.start_s, self.info.fps
        times = {"start_s": float(begin + start / fps), "end_s": float(begin + end / fps)}
        return Video(self.path, allow_damaged=self.allow_damaged, **times)

    def sha256(self) -> str:
        """The SHA-256 digest of the file in hexadecimal."""
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
            advice = "copy or export it again, or use the readable part with --allow-damaged"
            raise MocapError(f"{self.path}: damaged: {damage}; {advice}")
        self._warn(damage)

    def _warn(self, damage: str) -> None:
        if damage not in self.warnings:
            self.warnings.append(damage)

    def _frames(self) -> Generator[Image, None, None]:
        source, slack = self._plan.source, slack_frames(self.info.fps)
        decoded_frames = enumerate(_frames_by_slot(self.path, self._plan))
        last = np.zeros((*self.info.size[::-1], 3), np.uint8)
        lost: list[int] = []
        run = 0
        for slot, decoded in decoded_frames:
            if self._is_closed:
                raise ValueError("the video was closed before all of its frames were read")
            if decoded is not None:
                image = upright_rgb(decoded, source.stored_size, source.orientation)
                yield from self._bridge(run, last if slot > run else image)
                yield image
                last, run = image, 0
                continue
            lost, run = [*lost, slot], run + 1
            if len(lost) > slack and not self.allow_damaged:
                lost += [later for later, missing in decoded_frames if missing is None]
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
    """Iterate over the frames of a clip or of a part of it; see ``Video`` for parameters and errors."""
    return iter(Video(path, start_s=start_s, end_s=end_s, allow_damaged=allow_damaged))


def _cut_text(plan: Plan) -> str:
    held, fps = len(plan.wanted), plan.info.fps
    if held < plan.info.frames:
        return f"only the first {held} of {plan.info.frames} frames are in the file ({float(held / fps):.2f} s)"
    return f"it is cut off after {held} frames ({float(held / fps):.2f} s) and its full length is unknown"


def _loss_text(plan: Plan, lost: list[int]) -> str:
    readable = len(plan.wanted) - len(lost)
    at_s = float(plan.info.start_s + lost[0] / plan.info.fps)
    return f"only {readable} of {plan.info.frames} frames can be decoded (the first loss is at {at_s:.2f} s)"


def _frames_by_slot(path: Path, plan: Plan) -> Iterator[av.VideoFrame | None]:
    """The stored frame for each output frame, in order; None if it cannot be decoded."""
    return (decoded for _, decoded in frames_from(path, plan, 0))


def frames_from(path: Path, plan: Plan, first: int) -> Generator[tuple[int, av.VideoFrame | None], None, None]:
    """Decode the output frames from ``first`` on.

    Parameters
    ----------
    path : Path
        The video file.
    plan : Plan
        Which stored frame is used for each output frame.
    first : int
        Number of the first output frame.

    Yields
    ------
    int
        Number of the output frame.
    av.VideoFrame or None
        The stored frame for it; None if it cannot be decoded.
    """
    wanted = plan.wanted
    slot = first
    for pts, decoded in _timed_frames(path, plan, first):
        while slot < len(wanted) and wanted[slot] < pts:
            yield slot, None
            slot += 1
        while slot < len(wanted) and wanted[slot] == pts:
            yield slot, decoded
            slot += 1
        if slot == len(wanted):
            return
    yield from ((missing, None) for missing in range(slot, len(wanted)))


def _timed_frames(path: Path, plan: Plan, first: int) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decoded frames with timestamps in ticks, from the last keyframe before ``first``, or all if seeking fails."""
    first_wanted = int(plan.wanted[first]) if len(plan.wanted) else 0
    target = _seek_target(plan, first_wanted)
    frames = _decode_from(path, plan, target)
    if target is not None:
        opening = list(islice(frames, 1))
        has_arrived = bool(opening) and opening[0][0] <= first_wanted
        frames = chain(opening, frames) if has_arrived else _decode_from(path, plan, None)
    yield from frames


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
        for count, decoded in enumerate(decode_frames(container, stream)):
            if decoded.pts is not None and plan.source.packets.has_times:
                yield decoded.pts, decoded
            elif count < len(pts):
                yield int(pts[count]), decoded  # a decoder without timestamps returns frames in order
