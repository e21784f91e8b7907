"""Probe a video file before any work is done: one pass over its packets, and one decoded frame."""

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
from mocap.source.packets import PacketTable, decode_frames, read_declared_end_s, read_packets
from mocap.source.pixels import Orientation, orientation_of, square_size
from mocap.source.timing import Rate, Ticks, choose_rate, nearest_sources

_ATTACHED_PICTURE = 1 << 10  # AV_DISPOSITION_ATTACHED_PIC: cover art
_TEXT_FORMATS = {"tty"}  # FFmpeg draws text files as video
_FOCAL_LENGTH = "com.apple.quicktime.camera.focal_length.35mm_equivalent"  # a QuickTime metadata key, mm
_SHORTEST_MM, _LONGEST_MM = 8, 500  # of any phone's lens
_SLACK_FRAMES, _SLACK_S = 2, 0.1  # see slack_frames


@dataclass(frozen=True)
class VideoInfo:
    """Properties of the chosen range of a clip.

    Parameters
    ----------
    size : tuple of int
        (width, height) in pixels, upright and square.
    fps : Fraction
        Exact frames per second.
    frames : int
        Number of output frames in the range.
    start_s, duration_s : Fraction
        The range in seconds after the first frame, rounded to whole frames (frames = duration_s · fps).
    rotation_degrees : int
        The rotation tag, counter-clockwise.
    is_variable_rate : bool
        Whether frames were dropped or repeated to reach ``fps``.
    codec : str
        FFmpeg's name of the codec.
    fov_degrees : float or None
        Field of view of the image's longer side, if the file contains the focal length.
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
    """Properties of a whole file: its packets, how its frames are stored, and its declared end.

    Parameters
    ----------
    packets : PacketTable
        Timestamps of all frames.
    codec : str
        FFmpeg's name of the codec.
    stored_size : tuple of int
        Width and height with square pixels, before rotation.
    orientation : Orientation
        Rotates the frames upright.
    declared_end_s : float or None
        End of the video declared by the container, on the clock of the packets; None if nothing is declared.
    fov_degrees : float or None
        Field of view of the image's longer side; None if the file does not contain the focal length.
    """

    packets: PacketTable
    codec: str
    stored_size: tuple[int, int]
    orientation: Orientation
    declared_end_s: float | None
    fov_degrees: float | None


@dataclass(frozen=True, eq=False)
class Plan:
    """How to read a range: which stored frame is used for each output frame.

    Parameters
    ----------
    info : VideoInfo
        Properties of the range.
    source : Source
        The file.
    wanted : array (S,)
        Timestamp, in ticks, of the stored frame for each output frame. S < info.frames if the file is truncated.
    is_cut : bool
        Whether frames are missing at the end of the range.
    """

    info: VideoInfo
    source: Source
    wanted: Ticks
    is_cut: bool


def probe(path: Path | str, start_s: float | None = None, end_s: float | None = None) -> VideoInfo:
    """Read the properties of a clip, or of a part of it.

    Parameters
    ----------
    path : Path or str
        The video file.
    start_s, end_s : float or None
        The part, in seconds after the first frame.

    Returns
    -------
    VideoInfo
        ``frames`` is the number that the complete file has; whether all of them are present is checked by ``Video``.

    Raises
    ------
    MocapError
        If the file cannot be read as video; the message is one line.
    """
    return make_plan(Path(path), start_s, end_s).info


def sha256_of(path: Path | str) -> str:
    """The SHA-256 digest of a file in hexadecimal. Raises MocapError if it cannot be read."""
    _require_file(Path(path))
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def slack_frames(fps: Fraction) -> int:
    """Number of frames that may be missing without a warning: 2, or 0.1 s if that is more.

    Containers round the length of a stream to their own clock, may not count the duration of the last frame, and
    encoders lose one or two frames at the ends. Gap filling bridges 0.1 s without visible error.
    """
    return max(_SLACK_FRAMES, round(_SLACK_S * fps))


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Context manager: the opened container and its video stream, decoded by several threads. Raises MocapError."""
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
        raise MocapError(f"{path}: has no video in it (only {kinds}); choose a video file")
    if found[0].codec_context is None:
        raise MocapError(f"{path}: its codec cannot be decoded by this build of FFmpeg; export it as H.264")
    return found[0]


def read_source(path: Path) -> Source:
    """Probe a whole file. Raises MocapError, with one line, if it cannot be read as video."""
    with open_video(path) as (container, stream):
        packets = read_packets(container, stream)
        codec, declared_end_s = stream.codec_context.name, read_declared_end_s(container, stream, packets)
        aspect, fov_degrees = float(stream.sample_aspect_ratio or 1), _fov_of_metadata(container, stream)
    if not len(packets.pts):
        raise MocapError(f"{path}: holds no frames (zero duration); copy or export the clip again")
    with open_video(path) as (container, stream):
        first = next(decode_frames(container, stream), None)
        if first is None:
            raise MocapError(f"{path}: none of its {len(packets.pts)} frames can be decoded; export the clip again")
        size = square_size(first.width, first.height, aspect)
        return Source(packets, codec, size, orientation_of(first), declared_end_s, fov_degrees)


def _fov_of_metadata(container: InputContainer, stream: VideoStream) -> float | None:
    """Field of view of the image's longer side in degrees, from the focal length that phones write; else None."""
    focal_length = {**container.metadata, **stream.metadata}.get(_FOCAL_LENGTH, "")
    try:
        equivalent_mm = float(focal_length)
    except ValueError:
        return None
    return fov_of_lens(equivalent_mm) if _SHORTEST_MM <= equivalent_mm <= _LONGEST_MM else None


def make_plan(path: Path, start_s: float | None, end_s: float | None) -> Plan:
    """Plan how to read a range of a clip.

    Parameters
    ----------
    path : Path
        The video file.
    start_s, end_s : float or None
        The range, in seconds after the first frame.

    Returns
    -------
    Plan
        Which stored frame is used for each output frame.

    Raises
    ------
    MocapError
        If the file cannot be read as video, or the range is outside the clip; the message is one line.
    """
    source = read_source(path)
    packets = source.packets
    rate = choose_rate(packets.pts, packets.tick_s, packets.declared_rates)
    held = _held_frames(packets, rate.fps) if rate.is_variable else len(packets.pts)
    begin, end = frame_range(path, (start_s, end_s), rate.fps, held + _missing_frames(source, rate.fps))
    slots = np.arange(begin, max(begin, min(end, held)))
    wanted = packets.pts[nearest_sources(packets.pts, packets.tick_s, rate.fps, slots)]
    has_unknown_end = packets.is_cut and source.declared_end_s is None and end == held
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
    """Number of frames that the container declares after the last packet; 0 if within ``slack_frames``."""
    if source.declared_end_s is None:
        return 0
    missing = round((source.declared_end_s - source.packets.end_s) * fps)
    return missing if missing > slack_frames(fps) else 0


def frame_range(path: Path, times_s: tuple[float | None, float | None], fps: Fraction, frames: int) -> tuple[int, int]:
    """Convert two times to a range of frames.

    Parameters
    ----------
    path : Path
        The clip, for messages.
    times_s : tuple of float or None
        Start and end in seconds; None: the start or the end of the clip.
    fps : Fraction
        Frames per second.
    frames : int
        Number of frames in the clip.

    Returns
    -------
    tuple of int
        The frames [begin, end).

    Raises
    ------
    MocapError
        If there is no frame between the two times.
    """
    begin = round((times_s[0] or 0) * fps)
    end = frames if times_s[1] is None else min(frames, round(times_s[1] * fps))
    length = f"the clip is {float(frames / fps):.2f} s long"
    if begin < 0 or begin >= frames:
        raise MocapError(f"{path}: start {times_s[0]} s is outside the clip; {length}")
    if end <= begin:
        raise MocapError(f"{path}: end {times_s[1]} s is not after the start; {length}")
    return begin, end
