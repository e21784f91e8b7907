"""Reading: which picture comes out at which time, upright, and at what rate."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import Clip, number_of, numbered_image, write_audio
from hypothesis import given
from hypothesis import strategies as st

from mocap.model.errors import MocapError
from mocap.source import Video, prefetch, probe, read_frames, sha256_of
from mocap.source.pixels import tone_map
from mocap.source.timing import STANDARD_RATES, choose_rate, nearest_sources

VP9 = {"deadline": "realtime", "cpu-used": "8"}


def numbers(video: Video) -> list[int]:
    return [number_of(frame) for frame in video]


def test_every_picture_of_a_plain_clip_comes_out_once_and_in_order(tmp_path: Path) -> None:
    video = Video(Clip(count=40).write(tmp_path / "clip.mp4"))
    assert numbers(video) == list(range(40))
    assert video.info.frames == len(video) == round(video.info.duration_s * video.info.fps) == 40


def test_frames_are_contiguous_rgb_and_close_to_what_was_filmed(tmp_path: Path) -> None:
    frame = next(read_frames(Clip(options={"crf": "10"}).write(tmp_path / "clip.mp4")))
    assert frame.dtype == np.uint8
    assert frame.flags.c_contiguous
    assert np.abs(frame[-12, 12] - np.array([200.0, 30.0, 30.0])).max() < 12  # red is not blue


def test_a_video_can_be_read_twice(tmp_path: Path) -> None:
    video = Video(Clip(count=5).write(tmp_path / "clip.mp4"))
    assert numbers(video) == numbers(video) == list(range(5))


def test_leaving_a_video_ends_its_iterations(tmp_path: Path) -> None:
    with Video(Clip(count=40).write(tmp_path / "clip.mp4")) as video:
        frames = iter(video)
        next(frames)
    with pytest.raises(ValueError, match="closed"):
        list(frames)


@pytest.mark.parametrize("rotation", [90, 180, 270])
@pytest.mark.parametrize("is_mirrored", [False, True])
def test_a_clip_with_a_rotation_tag_comes_out_upright(tmp_path: Path, rotation: int, is_mirrored: bool) -> None:
    video = Video(Clip(count=3, rotation=rotation, is_mirrored=is_mirrored).write(tmp_path / "phone.mp4"))
    assert (video.info.size, video.info.rotation_degrees) == ((160, 96), rotation)
    for number, frame in enumerate(video):
        assert np.abs(frame.astype(float) - numbered_image(number)).mean() < 20


@pytest.mark.parametrize("fps", [Fraction(30000, 1001), Fraction(24000, 1001), Fraction(25), Fraction(60000, 1001)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_rate_is_the_exact_fraction(tmp_path: Path, fps: Fraction, suffix: str) -> None:
    video = Video(Clip(count=20, fps=fps).write(tmp_path / f"clip{suffix}"))
    assert (video.info.fps, video.info.frames, video.info.is_variable_rate) == (fps, 20, False)


def test_a_variable_rate_is_resampled_by_time(tmp_path: Path) -> None:
    shown = [n for n in range(60) if n not in (7, 20, 21, 22, 41)]  # a phone that dropped pictures
    path = Clip(count=len(shown), times_s=[Fraction(n, 30) for n in shown]).write(tmp_path / "phone.mp4")
    video = Video(path)
    assert (video.info.fps, video.info.frames, video.info.is_variable_rate) == (30, 60, True)
    nearest = [min(range(len(shown)), key=lambda k: (abs(shown[k] - n), k)) for n in range(60)]
    assert numbers(video) == nearest


def test_a_clock_with_jitter_is_not_a_variable_rate(tmp_path: Path) -> None:
    jitter = np.random.default_rng(1).uniform(-0.001, 0.001, 40)
    times_s = [Fraction(n, 30) + Fraction(shift) + 1 for n, shift in enumerate(jitter)]
    video = Video(Clip(count=40, times_s=times_s).write(tmp_path / "clip.mp4"))
    assert (video.info.fps, video.info.is_variable_rate) == (30, False)
    assert numbers(video) == list(range(40))


def test_time_starts_at_the_first_picture(tmp_path: Path) -> None:
    times_s = [2 + Fraction(n, 25) for n in range(20)]
    video = Video(Clip(count=20, fps=Fraction(25), times_s=times_s).write(tmp_path / "late.mkv"), start_s=0.2)
    assert numbers(video) == list(range(5, 20))


@pytest.mark.parametrize(
    ("clip", "name"),
    [
        (Clip(codec="libvpx-vp9", options=VP9), "clip.webm"),
        (Clip(codec="libvpx", options=VP9), "clip.webm"),
        (Clip(options={"bf": "3", "g": "12"}), "clip.mkv"),
        (Clip(options={"bf": "3"}), "clip.avi"),
        (Clip(options={"bf": "2"}), "clip.ts"),
        (Clip(options={"bf": "2"}), "clip.h264"),  # no times at all
        (Clip(codec="mpeg4", options={"b": "2000000"}), "clip.avi"),
        (Clip(codec="mjpeg", pixel_format="yuvj420p", options={}), "clip.mov"),
        (Clip(container_options={"movflags": "frag_keyframe+empty_moov"}), "clip.mp4"),
        (Clip(options={"flags": "+ildct+ilme", "x264-params": "interlaced=1"}), "clip.mp4"),
        (Clip(pixel_format="yuv420p10le"), "clip.mp4"),
        (Clip(codec="libx265", pixel_format="yuv420p10le", options={"x265-params": "log-level=none"}), "clip.mp4"),
        (Clip(pixel_format="yuv444p", size=(161, 97)), "clip.mp4"),
        (Clip(codec="libvpx-vp9", size=(161, 97), options=VP9), "clip.webm"),
        (Clip(audio_s=3.0), "clip.mp4"),
        (Clip(audio_s=3.0), "clip.mkv"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.codec}-{value.pixel_format}-{value.size[0]}",
)
def test_every_kind_of_file_gives_all_its_pictures(tmp_path: Path, clip: Clip, name: str) -> None:
    video = Video(clip.write(tmp_path / name))
    assert (numbers(video), video.info.fps, video.info.size) == (list(range(30)), 30, clip.size)


def test_pixels_that_are_not_square_are_stretched(tmp_path: Path) -> None:
    video = Video(Clip(count=2, size=(144, 96), aspect=Fraction(16, 11)).write(tmp_path / "dv.mp4"))
    assert video.info.size == (209, 96)
    assert {frame.shape for frame in video} == {(96, 209, 3)}


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"), [(1.0, None, (30, 60)), (0.5, 1.5, (15, 45)), (None, 9, (0, 60))]
)
def test_a_range_gives_the_pictures_between_its_times(
    tmp_path: Path, start_s: float | None, end_s: float | None, expected: tuple[int, int]
) -> None:
    video = Video(Clip(count=60).write(tmp_path / "clip.mp4"), start_s=start_s, end_s=end_s)
    assert numbers(video) == list(range(*expected))
    assert video.info.start_s == Fraction(expected[0], 30)


def test_two_ranges_make_the_whole(tmp_path: Path) -> None:
    path = Clip(count=50).write(tmp_path / "clip.ts")
    assert numbers(Video(path, end_s=0.777)) + numbers(Video(path, start_s=0.777)) == list(range(50))


@pytest.mark.parametrize(
    ("told", "fov_degrees"),
    # The long side of a 4 : 3 picture with the diagonal of 36 × 24 mm is 34.61 mm: 2 atan(17.307 / 13) = 106.2 degrees
    [("13", 106.2), ("26", 67.3), ("77", 25.3), ("", None), ("0", None), ("-4", None), ("wide", None), ("nan", None)],
)
def test_the_lens_is_known_where_a_phone_wrote_it_down(tmp_path: Path, told: str, fov_degrees: float | None) -> None:
    clip = Clip(
        count=3,
        metadata={"com.apple.quicktime.camera.focal_length.35mm_equivalent": told},
        container_options={"movflags": "use_metadata_tags"},
    )
    found = probe(clip.write(tmp_path / "phone.mov")).fov_degrees
    assert found == (fov_degrees and pytest.approx(fov_degrees, abs=0.05))


def test_one_picture_is_a_clip_of_one_frame(tmp_path: Path) -> None:
    video = Video(Clip(count=1, fps=Fraction(25)).write(tmp_path / "still.mp4"))
    assert (numbers(video), video.info.fps, video.info.duration_s) == ([0], 25, Fraction(1, 25))


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_is_brought_to_8_bits_without_losing_the_order_of_tones(transfer: int) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, 256, 1).repeat(3, axis=2)
    tones = tone_map(ramp, transfer)[0, :, 0].astype(int)
    assert tones[0] == 0
    assert tones[-1] == 255
    assert np.all(np.diff(tones) >= 0)
    white = 0.58 if transfer == 16 else 0.75  # 203 nits, ITU-R BT.2408 table 1
    assert 170 < tones[round(white * 255)] < 210


@pytest.mark.parametrize("transfer", [16, 18])
def test_an_hdr_clip_gives_bright_and_dark_where_they_were(tmp_path: Path, transfer: int) -> None:
    options = {"color_trc": str(transfer), "colorspace": "9", "color_primaries": "9"}
    path = Clip(codec="libx265", pixel_format="yuv420p10le", options=options | {"x265-params": "log-level=none"}).write(
        tmp_path / "hdr.mp4"
    )
    assert numbers(Video(path)) == list(range(30))


def _missing(folder: Path) -> Path:
    return folder / "nothing.mp4"


def _text(folder: Path) -> Path:
    (folder / "text.mp4").write_text("hello, this is not a video\n" * 40)
    return folder / "text.mp4"


def _empty(folder: Path) -> Path:
    (folder / "empty.mp4").touch()
    return folder / "empty.mp4"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_missing, "no such file"),
        (lambda folder: folder, "a folder"),
        (_text, "not a video"),
        (_empty, "an empty file"),
        (lambda folder: write_audio(folder / "song.mp4"), "no video in it (only audio)"),
    ],
)
def test_what_is_not_a_video_is_refused_in_one_line(tmp_path: Path, make, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MocapError) as refusal:
        probe(make(tmp_path))
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_without_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Clip(count=1).write(tmp_path / "clip.mp4")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(MocapError, match=r"clip\.mp4: cannot be read \(Permission denied\)"):
        probe(path)


@pytest.mark.parametrize(("start_s", "end_s"), [(5.0, None), (-1.0, None), (0.5, 0.5), (0.6, 0.2)])
def test_a_range_outside_the_clip_is_refused(tmp_path: Path, start_s: float, end_s: float | None) -> None:
    path = Clip(count=30).write(tmp_path / "clip.mp4")
    with pytest.raises(MocapError, match=r"clip is 1\.00 s long"):
        probe(path, start_s, end_s)


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_prefetching_keeps_order_and_ends_with_the_error() -> None:
    def items():  # type: ignore[no-untyped-def]
        yield from range(3)
        raise MocapError("broken")

    seen = []
    with pytest.raises(MocapError, match="broken"):
        seen.extend(prefetch(items(), 2))
    ahead = prefetch(items(), 2)
    assert [next(ahead), next(ahead), next(ahead)] == [0, 1, 2]


def test_stopping_early_closes_the_source_and_its_thread() -> None:
    closed = []

    def endless():  # type: ignore[no-untyped-def]
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    ahead = prefetch(endless(), 3)
    assert next(ahead) == 1
    ahead.close()
    assert closed == [True]


@given(fps=st.sampled_from(STANDARD_RATES), count=st.integers(2, 400), tick=st.sampled_from([1000, 15360, 90000]))
def test_a_constant_rate_is_found_again_from_times_in_ticks(fps: Fraction, count: int, tick: int) -> None:
    pts = np.unique([round(n / fps * tick) for n in range(count)])
    rate = choose_rate(pts, Fraction(1, tick), (fps,))
    assert (rate.fps, rate.is_variable) == (fps, False)
    assert np.array_equal(nearest_sources(pts, Fraction(1, tick), fps, np.arange(count)), np.arange(count))


@given(st.lists(st.integers(1, 9000), min_size=2, max_size=60))
def test_no_other_picture_is_nearer_in_time(intervals: list[int]) -> None:
    pts, fps = np.cumsum(intervals), Fraction(30000, 1001)
    slots = np.arange(1 + int((pts[-1] - pts[0]) / 90_000 * fps))
    chosen = nearest_sources(pts, Fraction(1, 90_000), fps, slots)
    wanted = slots / float(fps)
    distance = np.abs((pts - pts[0])[None] / 90_000 - wanted[:, None])
    assert np.allclose(distance[slots, chosen], distance.min(axis=1), atol=1e-8)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "frames", "fps"),
    [
        ("videos/outdoor_walk_run.mp4", 230, 30),
        ("videos/sit_stand_raise_arms.mp4", 187, 20),
        ("videos/two_people.mp4", 100, 60),
        ("pose2sim_s00/cam01.mp4", 100, 60),
        ("pose2sim_s00/cam03.mp4", 100, 60),
    ],
)
def test_a_real_clip_gives_duration_times_rate_frames(real_data: Path, name: str, frames: int, fps: int) -> None:
    video = Video(real_data / name)
    assert (video.info.frames, video.info.fps) == (frames, fps)
    assert sum(frame.shape == (*video.info.size[::-1], 3) for frame in video) == frames
    assert video.warnings == []
