"""What a video file holds, read before any work is done: one pass over its packets, one decoded picture."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from mocap.model.camera import fov_of_lens
from mocap.model.errors import MocapError
from mocap.source.packets import PacketTable, declared_end_s, decode_pictures, read_packets
from mocap.source.pixels import Orientation, orientation_of, square_size
from mocap.source.timing import Rate, Ticks, choose_rate, nearest_sources

_ATTACHED_PICTURE = 1 << 10  # AV_DISPOSITION_ATTACHED_PIC: cover art
_TEXT_FORMATS = {"tty"}  # FFmpeg draws text files as video
_FOCAL_LENGTH = "com.apple.quicktime.camera.focal_length.35mm_equivalent"  # a QuickTime metadata key, mm
_SHORTEST_MM, _LONGEST_MM = 8, 500  # no phone has another lens
_SLACK_FRAMES, _SLACK_S = 2, 0.1  # see slack_frames


@dataclass(frozen=True)
class VideoInfo:
    """The facts of the chosen range of a clip.

    size: (width, height) pixels, upright and square. fps: exact. frames: output frames of the range. start_s and
    duration_s: the range in seconds after the first picture, snapped to whole frames (frames = duration_s · fps).
    rotation_degrees: the tag, counter-clockwise. is_variable_rate: pictures were dropped or repeated to reach fps.
    fov_degrees: of the picture's longer side, where the file tells the lens.
    """

    size: tuple[int, int]
    fps: Fraction
    frames: int
    start_s: Fraction
    duration_s: Fraction
    rotation_degrees: int
    is_variable_rate: bool
    codec: str
    fov_degrees: float | None


@dataclass(frozen=True, eq=False)
class Source:
    """A whole file as found: its packets, how its pictures are stored, and what the container promises.

    promised_end_s: when the container says the video ends, on the packets' clock; None if it does not say. fov_degrees:
    of the picture's longer side; None likewise.
    """

    packets: PacketTable
    codec: str
    stored_size: tuple[int, int]
    orientation: Orientation
    promised_end_s: float | None
    fov_degrees: float | None


@dataclass(frozen=True, eq=False)
class Plan:
    """How to read a range: which picture gives each output frame.

    wanted: (S,) presentation time, in ticks, of the picture for each output frame; S < info.frames if the file was
    cut. is_cut: pictures are missing at the end of the range.
    """

    info: VideoInfo
    source: Source
    wanted: Ticks
    is_cut: bool


def probe(path: Path | str, start_s: float | None = None, end_s: float | None = None) -> VideoInfo:
    """The facts of a clip, or of its part between two times in seconds after its first picture.

    Raises MocapError, one line, for what cannot be read as video. ``frames`` counts what a whole file would give;
    whether it is all there, ``Video`` says.
    """
    return make_plan(Path(path), start_s, end_s).info


def sha256_of(path: Path | str) -> str:
    """The SHA-256 of a file in hexadecimal. Raises MocapError if it cannot be read."""
    _require_file(Path(path))
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def slack_frames(fps: Fraction) -> int:
    """How many pictures may be missing without a word: 2, or a tenth of a second.

    Containers round a stream's length to their own clock, count the last picture's time or not, and encoders lose a
    picture or two at an edge. A tenth of a second is below what gap filling bridges without trace.
    """
    return max(_SLACK_FRAMES, round(_SLACK_S * fps))


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The opened container and its video stream, decoding on several threads; closed on leaving."""
    _require_file(path)
    try:
        container = av.open(str(path))
    except av.error.FFmpegError as error:
        message = "not a video, or cut off before its index; play it to check, then copy or export it again"
        raise MocapError(f"{path}: {message}") from error
    with container:
        stream = _video_stream(container, path)
        stream.thread_type = "AUTO"
        yield container, stream


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise MocapError(f"{path}: a folder, not a video; name the file inside it")
    if path.exists() and not path.is_file():
        raise MocapError(f"{path}: a device or pipe, not a file; record it to a file first")
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise MocapError(f"{path}: an empty file; copy or export the clip again")
    except FileNotFoundError as error:
        raise MocapError(f"{path}: no such file; check the path") from error
    except OSError as error:
        raise MocapError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    found = [stream for stream in container.streams.video if not stream.disposition & _ATTACHED_PICTURE]
    if not found or set(container.format.name.split(",")) & _TEXT_FORMATS:
        kinds = ", ".join(sorted({stream.type for stream in container.streams if stream not in found}))
        kinds = kinds or ("text" if found else "nothing")
        raise MocapError(f"{path}: has no video in it (only {kinds}); choose a file with pictures")
    if found[0].codec_context is None:
        raise MocapError(f"{path}: in a codec this build of FFmpeg cannot decode; export it as H.264")
    return found[0]


def read_source(path: Path) -> Source:
    """The whole file as found. Raises MocapError, one line, for what cannot be read as video."""
    with open_video(path) as (container, stream):
        packets = read_packets(container, stream)
        codec, promised_end_s = stream.codec_context.name, declared_end_s(container, stream, packets)
        aspect, fov_degrees = float(stream.sample_aspect_ratio or 1), _told_fov(container, stream)
    if not len(packets.pts):
        raise MocapError(f"{path}: holds no pictures (zero duration); copy or export the clip again")
    with open_video(path) as (container, stream):
        first = next(decode_pictures(container, stream), None)
        if first is None:
            raise MocapError(f"{path}: none of its {len(packets.pts)} pictures can be decoded; export the clip again")
        size = square_size(first.width, first.height, aspect)
        return Source(packets, codec, size, orientation_of(first), promised_end_s, fov_degrees)


def _told_fov(container: InputContainer, stream: VideoStream) -> float | None:
    """Angle of view of the picture's longer side in degrees, from the focal length that phones write; None without."""
    told = {**container.metadata, **stream.metadata}.get(_FOCAL_LENGTH, "")
    try:
        equivalent_mm = float(told)
    except ValueError:
        return None
    return fov_of_lens(equivalent_mm) if _SHORTEST_MM <= equivalent_mm <= _LONGEST_MM else None


def make_plan(path: Path, start_s: float | None, end_s: float | None) -> Plan:
    """The plan for reading a range of a clip. Raises MocapError, one line, for what cannot be read as video."""
    source = read_source(path)
    packets = source.packets
    rate = choose_rate(packets.pts, packets.tick_s, packets.declared_rates)
    held = _held_frames(packets, rate.fps) if rate.is_variable else len(packets.pts)
    begin, end = frame_range(path, (start_s, end_s), rate.fps, held + _missing_frames(source, rate.fps))
    slots = np.arange(begin, max(begin, min(end, held)))
    wanted = packets.pts[nearest_sources(packets.pts, packets.tick_s, rate.fps, slots)]
    has_unknown_end = packets.is_cut and source.promised_end_s is None and end == held
    return Plan(_info(source, rate, begin, end), source, wanted, len(slots) < end - begin or has_unknown_end)


def _info(source: Source, rate: Rate, begin: int, end: int) -> VideoInfo:
    is_sideways = source.orientation.degrees % 180 == 90
    return VideoInfo(
        size=source.stored_size[::-1] if is_sideways else source.stored_size,
        fps=rate.fps,
        frames=end - begin,
        start_s=begin / rate.fps,
        duration_s=(end - begin) / rate.fps,
        rotation_degrees=source.orientation.degrees,
        is_variable_rate=rate.is_variable,
        codec=source.codec,
        fov_degrees=source.fov_degrees,
    )


def _held_frames(packets: PacketTable, fps: Fraction) -> int:
    return max(1, round((packets.end_s - float(packets.pts[0] * packets.tick_s)) * fps))


def _missing_frames(source: Source, fps: Fraction) -> int:
    """Frames that the container promises after the last packet; 0 where that is within the slack."""
    if source.promised_end_s is None:
        return 0
    missing = round((source.promised_end_s - source.packets.end_s) * fps)
    return missing if missing > slack_frames(fps) else 0


def frame_range(path: Path, times_s: tuple[float | None, float | None], fps: Fraction, frames: int) -> tuple[int, int]:
    """The frames [begin, end) between two times in seconds, of so many frames. MocapError where there are none."""
    begin = round((times_s[0] or 0) * fps)
    end = frames if times_s[1] is None else min(frames, round(times_s[1] * fps))
    length = f"the clip is {float(frames / fps):.2f} s long"
    if begin < 0 or begin >= frames:
        raise MocapError(f"{path}: start {times_s[0]} s is outside the clip; {length}")
    if end <= begin:
        raise MocapError(f"{path}: end {times_s[1]} s is not after the start; {length}")
    return begin, end
