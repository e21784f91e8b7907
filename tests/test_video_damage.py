"""A cut or damaged file is never silently short, and a good one raises no alarm."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import Clip, corrupt, cut_off, is_black, number_of

from mocap.model.errors import MocapError
from mocap.source import Video

FASTSTART = {"movflags": "faststart"}
VP9 = {"deadline": "realtime", "cpu-used": "8", "g": "10"}


@pytest.mark.parametrize(
    ("clip", "name"),
    [
        (Clip(count=100, container_options=FASTSTART), "clip.mp4"),
        (Clip(count=100, container_options=FASTSTART, audio_s=5), "clip.mp4"),
        (Clip(count=100, container_options={"movflags": "frag_keyframe+empty_moov"}), "clip.mp4"),
        (Clip(count=100), "clip.mkv"),
        (Clip(count=100), "clip.avi"),
        (Clip(count=100), "clip.flv"),
        (Clip(count=100, codec="libvpx-vp9", options=VP9), "clip.webm"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.codec,
)
def test_half_a_file_is_refused_before_any_frame_is_given(tmp_path: Path, clip: Clip, name: str) -> None:
    path = cut_off(clip.write(tmp_path / name), 0.5)
    with pytest.raises(MocapError, match=r"damaged: .*--allow-damaged"):
        Video(path)


def test_the_refusal_says_how_much_is_there(tmp_path: Path) -> None:
    path = cut_off(Clip(count=100).write(tmp_path / "clip.mkv"), 0.5)
    with pytest.raises(MocapError, match=r"only the first (4\d|5\d) of 100 frames are in the file"):
        Video(path)


def test_a_file_cut_before_its_index_is_refused(tmp_path: Path) -> None:
    path = cut_off(Clip(count=100).write(tmp_path / "clip.mp4"), 0.9)
    with pytest.raises(MocapError, match="cut off before its index"):
        Video(path)


def test_what_is_left_of_a_cut_file_can_be_asked_for(tmp_path: Path) -> None:
    path = cut_off(Clip(count=100, container_options=FASTSTART).write(tmp_path / "clip.mp4"), 0.5)
    video = Video(path, allow_damaged=True)
    numbers = [number_of(frame) for frame in video]
    assert 30 < len(numbers) < 70
    assert numbers == list(range(len(numbers)))
    assert "of 100 frames are in the file" in video.warnings[0]


def test_the_whole_part_of_a_cut_file_is_a_range_like_any_other(tmp_path: Path) -> None:
    path = cut_off(Clip(count=100, container_options=FASTSTART).write(tmp_path / "clip.mp4"), 0.5)
    video = Video(path, end_s=1.0)
    assert [number_of(frame) for frame in video] == list(range(30))
    assert video.warnings == []


def test_a_corrupt_middle_is_an_error_where_it_is_met(tmp_path: Path) -> None:
    path = corrupt(Clip(count=100).write(tmp_path / "clip.mp4"), 0.4, 0.6)
    with pytest.raises(
        MocapError, match=r"only (7|8)\d of 100 frames can be decoded \(the first loss is at 1\.\d\d s\)"
    ):
        list(Video(path))


def test_a_corrupt_middle_comes_out_black_and_the_rest_at_its_time(tmp_path: Path) -> None:
    path = corrupt(Clip(count=100).write(tmp_path / "clip.mp4"), 0.4, 0.6)
    video = Video(path, allow_damaged=True)
    frames = list(video)
    assert len(frames) == 100
    assert [number_of(frame) for frame in frames[:30] + frames[-30:]] == [*range(30), *range(70, 100)]
    assert sum(is_black(frame) for frame in frames) > 10
    assert "can be decoded" in video.warnings[0]


def test_a_single_lost_picture_is_bridged(tmp_path: Path) -> None:
    path = Clip(count=60, options={"g": "1", "crf": "28"}).write(tmp_path / "clip.mp4")
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][20]
        begin, size = packet.pos, packet.size
    content = bytearray(path.read_bytes())
    content[begin : begin + size] = bytes(size)
    path.write_bytes(content)
    video = Video(path)
    assert [number_of(frame) for frame in video] == [*range(20), 19, *range(21, 60)]
    assert video.warnings == ["only 59 of 60 frames can be decoded (the first loss is at 0.67 s)"]


def test_sound_that_goes_on_longer_is_no_damage(tmp_path: Path) -> None:
    for name in ("clip.mp4", "clip.mkv", "clip.webm"):
        clip = Clip(audio_s=0.0) if name == "clip.webm" else Clip(audio_s=4.0)
        clip = Clip(codec="libvpx-vp9", options=VP9) if name == "clip.webm" else clip
        assert len(list(Video(clip.write(tmp_path / name)))) == 30


def test_a_trimmed_clip_with_an_edit_list_is_no_damage(tmp_path: Path) -> None:
    path, trimmed = Clip(count=60, options={"g": "20", "bf": "0"}).write(tmp_path / "clip.mp4"), tmp_path / "trim.mp4"
    with av.open(str(path)) as source, av.open(str(trimmed), "w", options={"avoid_negative_ts": "disabled"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                shift = round(Fraction(1, 2) / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
                target.mux(packet)
    video = Video(trimmed)
    assert [number_of(frame) for frame in video] == list(range(15, 60))


def test_a_stream_without_any_length_is_read_to_its_end(tmp_path: Path) -> None:
    clip = Clip(codec="libvpx-vp9", options=VP9, container_options={"live": "1"})
    assert [number_of(frame) for frame in Video(clip.write(tmp_path / "browser.webm"))] == list(range(30))
