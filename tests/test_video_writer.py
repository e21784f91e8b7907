"""Writing: whole files or none, the same bytes each time."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import number_of, numbered_image

from mocap.model.errors import MocapError
from mocap.source import Video, VideoWriter


def write_numbers(path: Path, count: int, size: tuple[int, int] = (160, 96), fps: Fraction = Fraction(30)) -> Path:
    with VideoWriter(path, size, fps) as writer:
        for number in range(count):
            writer.write(numbered_image(number, size))
    return path


@pytest.mark.parametrize("fps", [Fraction(30000, 1001), Fraction(60), Fraction(20)])
def test_what_is_written_is_read_back_at_the_same_rate(tmp_path: Path, fps: Fraction) -> None:
    video = Video(write_numbers(tmp_path / "out.mp4", 25, fps=fps))
    assert (video.info.fps, video.info.codec, video.info.size) == (fps, "h264", (160, 96))
    assert [number_of(frame) for frame in video] == list(range(25))


def test_colours_survive(tmp_path: Path) -> None:
    colours = [(220, 40, 40), (40, 200, 60), (30, 60, 210), (128, 128, 128), (255, 255, 255), (0, 0, 0)]
    with VideoWriter(tmp_path / "out.mp4", (64, 48), Fraction(30)) as writer:
        for colour in colours:
            writer.write(np.full((48, 64, 3), colour, np.uint8))
    for colour, frame in zip(colours, Video(tmp_path / "out.mp4"), strict=True):
        assert np.abs(frame[24, 32] - np.array(colour, float)).max() <= 6


def test_an_odd_size_gets_one_more_row_and_column(tmp_path: Path) -> None:
    video = Video(write_numbers(tmp_path / "out.mp4", 3, size=(161, 97)))
    assert video.info.size == (162, 98)
    assert [number_of(frame) for frame in video] == [0, 1, 2]


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write_numbers(tmp_path / name, 20).read_bytes() for name in ("a.mp4", "b.mp4"))
    assert first == second


@pytest.mark.slow
def test_the_bytes_do_not_hang_on_what_memory_held_before(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; import test_video_writer as t; t.write_numbers(Path(sys.argv[1]), 20)"
    written = set()
    for fill in ("0", "1", "85"):  # glibc fills fresh memory with it; elsewhere the runs are merely repeated
        path = tmp_path / f"{fill}.mp4"
        environment = os.environ | {"MALLOC_PERTURB_": fill, "PYTHONPATH": str(Path(__file__).parent)}
        subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=True)
        written.add(path.read_bytes())
    assert len(written) == 1


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_inside_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    def interrupted() -> None:
        with VideoWriter(tmp_path / "out.mp4", (160, 96), Fraction(30)) as writer:
            writer.write(numbered_image(0))
            raise error

    with pytest.raises(error):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_an_error_inside_leaves_the_file_of_before(tmp_path: Path) -> None:
    path = write_numbers(tmp_path / "out.mp4", 3)
    before = path.read_bytes()
    with (
        pytest.raises(ValueError, match="expected a uint8 frame"),
        VideoWriter(path, (160, 96), Fraction(30)) as writer,
    ):
        writer.write(np.zeros((10, 10, 3), np.uint8))
    assert path.read_bytes() == before


def test_nothing_is_written_before_the_end(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "out.mp4", (160, 96), Fraction(30)) as writer:
        writer.write(numbered_image(0))
        assert not (tmp_path / "out.mp4").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize(("name", "said"), [("out.gif", "one of: .mp4"), ("no/such/out.mp4", "does not exist")])
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(MocapError, match=said), VideoWriter(tmp_path / name, (160, 96), Fraction(30)):
        pass


def test_a_video_without_frames_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(MocapError, match="no frames"), VideoWriter(tmp_path / "out.mp4", (160, 96), Fraction(30)):
        pass
    assert list(tmp_path.iterdir()) == []
