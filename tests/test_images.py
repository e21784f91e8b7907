"""A folder of images is a source of frames: the same take as from the video, whatever the images are called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import Clip, number_of
from typer.testing import CliRunner

from mocap.app.process import CaptureSettings, estimate_keypoints
from mocap.cli.main import app
from mocap.model.errors import MocapError
from mocap.source import FrameSource, ImageFolder, Video, open_source
from mocap.source.pixels import Image

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "walk.mp4"


def write_images(frames: Iterable[Image], folder: Path, name: str = "frame_{}.png") -> Path:
    folder.mkdir()
    for number, frame in enumerate(frames):
        cv2.imwrite(str(folder / name.format(number)), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return folder


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Twelve numbered images, named without leading zeros."""
    return write_images(Video(Clip(count=12).write(tmp_path / "clip.mp4")), tmp_path / "images")


def test_images_come_in_the_order_of_their_numbers_at_the_rate_that_is_given(images: Path) -> None:
    source = ImageFolder(images, fps=Fraction(24000, 1001))
    assert [number_of(frame) for frame in source] == list(range(12)) == [number_of(frame) for frame in source]
    assert (source.info.fps, source.info.frames, source.name) == (Fraction(24000, 1001), 12, "images")


@pytest.mark.parametrize("kind", ["images", "clip.mp4"])
def test_a_part_of_either_source_is_read_again(images: Path, kind: str) -> None:
    source: FrameSource = open_source(images.parent / kind, start_s=0.1)
    whole = [number_of(frame) for frame in source]
    assert whole == list(range(3, 12))
    assert [number_of(frame) for frame in source.part(2, 5)] == whole[2:5]


def test_times_choose_the_part(images: Path) -> None:
    source = open_source(images, start_s=0.2, end_s=0.3)
    assert [number_of(frame) for frame in source] == [6, 7, 8]
    assert source.info.start_s == Fraction(1, 5)
    with pytest.raises(MocapError, match="start 9 s is outside the clip"):
        open_source(images, start_s=9)


def test_the_hash_changes_with_content_and_names(images: Path) -> None:
    before = open_source(images).sha256()
    assert open_source(images, end_s=0.1).sha256() == before
    (images / "frame_3.png").rename(images / "frame_30.png")
    assert open_source(images).sha256() != before


def test_an_image_of_another_size_is_one_clear_error(images: Path) -> None:
    cv2.imwrite(str(images / "frame_7.png"), np.zeros((10, 20, 3), np.uint8))
    with pytest.raises(
        MocapError, match=r"frame_7.png: is 20 x 10 pixels, the images before it \d+ x \d+; resize them"
    ):
        list(open_source(images))


@pytest.mark.parametrize("content", [b"", b"no image"])
def test_a_file_that_is_no_image_is_one_clear_error(images: Path, content: bytes) -> None:
    (images / "frame_2.png").write_bytes(content)
    with pytest.raises(MocapError, match=r"frame_2.png: cannot be read as an image"):
        list(open_source(images))


def test_other_files_are_passed_by_and_a_folder_without_images_is_refused(images: Path, tmp_path: Path) -> None:
    (images / "notes.txt").write_text("no image")
    (images / ".hidden.png").write_text("no image")
    assert len(list(open_source(images))) == 12
    (tmp_path / "empty").mkdir()
    with pytest.raises(MocapError, match="a folder without images"):
        open_source(tmp_path / "empty")


@pytest.mark.parametrize("fps", [Fraction(0), Fraction(-30), Fraction(5000)])
def test_a_rate_that_is_none_is_refused(images: Path, fps: Fraction) -> None:
    with pytest.raises(MocapError, match="is not a frame rate; give one from 1 to 1000"):
        ImageFolder(images, fps=fps)


def test_images_give_the_keypoints_of_the_video(tmp_path: Path) -> None:
    folder = write_images(Video(EXAMPLE, end_s=0.5), tmp_path / "walk")
    settings = CaptureSettings(estimator="blazepose-lite", end_s=0.5, device="cpu")
    video, images = estimate_keypoints(EXAMPLE, settings), estimate_keypoints(folder, settings)
    np.testing.assert_array_equal(images.people[0].keypoints_2d.xy, video.people[0].keypoints_2d.xy)
    assert images.fps == video.fps == 30
    assert images.source.name == "walk"
    opened = estimate_keypoints(ImageFolder(folder), replace(settings, end_s=None))
    np.testing.assert_array_equal(opened.people[0].keypoints_2d.xy, video.people[0].keypoints_2d.xy)


def test_the_command_makes_a_take_and_a_preview_of_images(tmp_path: Path) -> None:
    folder = write_images(Video(EXAMPLE, end_s=0.5), tmp_path / "walk")
    output, preview = tmp_path / "walk.bvh", tmp_path / "preview.mp4"
    options = ["--fps", "24", "--estimator", "blazepose-lite", "--preview", str(preview)]
    run = CliRunner().invoke(app, ["process", str(folder), "-o", str(output), *options])
    assert run.exit_code == 0, run.output
    assert "Frame Time: 0.0416666667" in output.read_text()
    assert (Video(preview).info.fps, len(Video(preview))) == (24, 15)
