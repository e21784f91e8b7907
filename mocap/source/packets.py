"""The packets of a video stream: their times, what the container promises beside them, and their pictures."""

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
    """When the pictures of a stream are shown, known without decoding.

    pts: (N,) sorted, distinct, in ticks of tick_s seconds; without times in the file, 0, 1, 2 … at the declared
    rate. keyframes: those of them that decoding can start from. end_s, others_end_s: when the last
    picture, and the last packet of any other stream, ends. declared_rates: of the container, best first. has_times:
    decoded pictures carry these times; else they are told apart by their order alone. is_cut: the last packet is
    incomplete.
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
    """The packet table of a stream, from one pass over the file. Pictures that an edit list hides are left out."""
    packets, others_end_s = _demux(container, stream)
    is_cut = bool(packets) and packets[-1].is_corrupt
    shown = [packet for packet in (packets[:-1] if is_cut else packets) if not packet.is_discard]
    rates = tuple(Fraction(rate) for rate in (stream.average_rate, stream.guessed_rate) if rate)
    if any(packet.pts is None for packet in shown):
        rates = rates[::-1]  # raw streams: the average is made up, the guess is read from the codec's headers
        return _untimed(len(shown), rates, is_cut)
    pts = np.unique(np.array([packet.pts for packet in shown], np.int64))
    keyframes = np.unique(np.array([packet.pts for packet in shown if packet.is_keyframe], np.int64))
    tick_s = Fraction(stream.time_base or 1)
    end_s = float(_end_ticks(pts, shown) * tick_s) if len(pts) else 0.0
    has_times = "avi" not in container.format.name  # AVI keeps the order of decoding only: B-frames come out misdated
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


def declared_end_s(container: InputContainer, stream: VideoStream, packets: PacketTable) -> float | None:
    """When the container says the video ends, seconds on the clock of its packets; None if it does not say.

    MP4 and AVI keep the length of each stream. Matroska and FLV keep that of the longest: it is believed for the video
    only where no other stream ends later. Other containers (TS, raw) have FFmpeg guess a length from the file's size.
    """
    names = set(container.format.name.split(","))
    if "avi" in names and stream.frames and stream.average_rate:
        return float(stream.frames / stream.average_rate)
    if "mp4" in names and stream.duration and stream.frames:  # fragments have no frame count, and no promise either
        return float((stream.duration + (stream.start_time or 0)) * packets.tick_s)
    if names & {"matroska", "flv"} and container.duration:
        whole_s = container.duration / av.time_base
        own_s = _duration_tag_s(stream.metadata.get("DURATION", ""))
        if own_s is not None:
            return min(own_s, whole_s)
        return whole_s if packets.others_end_s <= packets.end_s else None
    return None


def _duration_tag_s(tag: str) -> float | None:
    """Seconds of a Matroska statistics tag, HH:MM:SS.fraction."""
    parts = tag.strip().split(":")
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return None
    return hours * 3600 + minutes * 60 + seconds


def decode_pictures(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """The pictures that can be decoded, in order of presentation; undecodable and broken ones are left out."""
    packets = container.demux(stream)
    while True:
        try:
            pictures = next(packets).decode()
        except StopIteration:
            return
        except av.error.FFmpegError as error:
            _log.debug("a packet could not be decoded: %s", error)
            continue
        yield from (picture for picture in pictures if not picture.is_corrupt)
