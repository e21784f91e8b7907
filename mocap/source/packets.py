"""The packets of a video stream: their timestamps, the duration declared by the container, and their decoded frames."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from mocap.source.timing import Ticks

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class PacketTable:
    """Presentation timestamps (PTS) of a stream, read without decoding.

    Parameters
    ----------
    pts : array (N,)
        Sorted, distinct, in ticks of ``tick_s`` seconds. If the file has no timestamps: 0, 1, 2 … at the declared rate.
    keyframes : array
        Those of ``pts`` at which decoding can start.
    tick_s : Fraction
        Length of a tick in seconds.
    end_s, others_end_s : float
        End of the last frame, and of the last packet of all other streams, in seconds.
    declared_rates : tuple of Fraction
        Frame rates declared by the container, the most reliable first.
    has_times : bool
        Whether decoded frames have these timestamps. Otherwise only their order identifies them.
    is_cut : bool
        Whether the last packet is incomplete.
    """

    pts: Ticks
    keyframes: Ticks
    tick_s: Fraction
    end_s: float
    others_end_s: float
    declared_rates: tuple[Fraction, ...]
    has_times: bool
    is_cut: bool


def read_packets(container: InputContainer, stream: VideoStream) -> PacketTable:
    """Read the packet table of a stream in one pass over the file.

    Parameters
    ----------
    container, stream
        The opened file and its video stream.

    Returns
    -------
    PacketTable
        Without frames that an edit list of the file hides.
    """
    packets, others_end_s = _demux(container, stream)
    is_cut = bool(packets) and packets[-1].is_corrupt
    shown = [packet for packet in (packets[:-1] if is_cut else packets) if not packet.is_discard]
    rates = tuple(Fraction(rate) for rate in (stream.average_rate, stream.guessed_rate) if rate)
    if any(packet.pts is None for packet in shown):
        rates = rates[::-1]  # raw streams: the average is invented, the guess comes from the codec's headers
        return _untimed(len(shown), rates, is_cut)
    pts = np.unique(np.array([packet.pts for packet in shown], np.int64))
    keyframes = np.unique(np.array([packet.pts for packet in shown if packet.is_keyframe], np.int64))
    tick_s = Fraction(stream.time_base or 1)
    end_s = float(_end_ticks(pts, shown) * tick_s) if len(pts) else 0.0
    has_times = "avi" not in container.format.name  # AVI stores only the decoding order: B-frames would get wrong times
    return PacketTable(pts, keyframes, tick_s, end_s, others_end_s, rates, has_times, is_cut)


@dataclass(frozen=True)
class _Packet:
    pts: int | None
    duration: int
    is_keyframe: bool
    is_discard: bool
    is_corrupt: bool


def _demux(container: InputContainer, stream: VideoStream) -> tuple[list[_Packet], float]:
    packets: list[_Packet] = []
    others_end_s = 0.0
    try:
        for packet in container.demux():
            if packet.size == 0:
                continue
            if packet.stream_index == stream.index:
                flags = (packet.is_keyframe, packet.is_discard, packet.is_corrupt)
                packets.append(_Packet(packet.pts, packet.duration or 0, *flags))
            elif packet.pts is not None and packet.time_base:
                others_end_s = max(others_end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    except av.error.FFmpegError as error:
        _log.debug("reading stopped after %d packets: %s", len(packets), error)
    return packets, others_end_s


def _end_ticks(pts: Ticks, packets: list[_Packet]) -> int:
    last = max(packets, key=lambda packet: packet.pts or 0)
    usual = int(np.median(np.diff(pts))) if len(pts) > 1 else 0
    return int(pts[-1]) + (last.duration or usual)


def _untimed(count: int, rates: tuple[Fraction, ...], is_cut: bool) -> PacketTable:
    tick_s = 1 / rates[0] if rates else Fraction(1, 30)
    pts = np.arange(count, dtype=np.int64)
    return PacketTable(pts, pts[:1], tick_s, float(count * tick_s), 0.0, rates, False, is_cut)


def read_declared_end_s(container: InputContainer, stream: VideoStream, packets: PacketTable) -> float | None:
    """The end of the video as declared by the container.

    Parameters
    ----------
    container, stream
        The opened file and its video stream.
    packets : PacketTable
        Of the stream.

    Returns
    -------
    float or None
        Seconds on the clock of the packets; None if nothing reliable is declared.

    Notes
    -----
    MP4 and AVI store the length of each stream. Matroska and FLV store that of the longest stream: it is used for the
    video only if no other stream ends later. For other containers (TS, raw) FFmpeg guesses a length from the file size,
    which is ignored.
    """
    names = set(container.format.name.split(","))
    if "avi" in names and stream.frames and stream.average_rate:
        return float(stream.frames / stream.average_rate)
    if "mp4" in names and stream.duration and stream.frames:  # fragmented files declare neither frame count nor length
        return float((stream.duration + (stream.start_time or 0)) * packets.tick_s)
    if names & {"matroska", "flv"} and container.duration:
        whole_s = container.duration / av.time_base
        own_s = _duration_tag_s(stream.metadata.get("DURATION", ""))
        if own_s is not None:
            return min(own_s, whole_s)
        return whole_s if packets.others_end_s <= packets.end_s else None
    return None


def _duration_tag_s(tag: str) -> float | None:
    """Seconds of a Matroska statistics tag, HH:MM:SS.fraction; None for another form."""
    parts = tag.strip().split(":")
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return None
    return hours * 3600 + minutes * 60 + seconds


def decode_frames(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """Decode the frames of a stream.

    Parameters
    ----------
    container, stream
        The opened file and its video stream.

    Yields
    ------
    av.VideoFrame
        In order of presentation. Frames that are damaged or cannot be decoded are left out.
    """
    packets = container.demux(stream)
    while True:
        try:
            frames = next(packets).decode()
        except StopIteration:
            return
        except av.error.FFmpegError as error:
            _log.debug("a packet could not be decoded: %s", error)
            continue
        yield from (frame for frame in frames if not frame.is_corrupt)
