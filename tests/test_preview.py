"""The pictures for people: the skeleton over the clip, and the curves."""

from __future__ import annotations

import builtins
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import Clip, number_of

from mocap.model.camera import Camera, intrinsics_from_fov
from mocap.model.errors import MocapError
from mocap.model.keypoints import COCO_17, Keypoints2D
from mocap.model.kinematics import end_positions, joint_positions
from mocap.model.motion import Motion
from mocap.model.skeleton import humanoid
from mocap.model.take import Gap, Person, Source, Take
from mocap.report.plot import write_curves
from mocap.report.preview import DARK, LEFT, RIGHT, draw_frame, figure_of, write_preview
from mocap.source import Video

SIZE, FRAMES, FPS = (320, 240), 12, Fraction(30)


def standing() -> Motion:
    skeleton = humanoid(1.7)
    upright = np.tile([1.0, 0.0, 0.0, 0.0], (FRAMES, len(skeleton), 1))
    return Motion(skeleton, np.tile(skeleton.offsets[0], (FRAMES, 1)), upright, FPS, np.ones((FRAMES, len(skeleton))))


def camera() -> Camera:
    T_world_camera = np.diag([1.0, -1.0, -1.0, 1.0])
    T_world_camera[:3, 3] = [0.0, 1.0, 3.5]
    return Camera(intrinsics_from_fov(60, SIZE), T_world_camera, SIZE)


def no_keypoints() -> Keypoints2D:
    return Keypoints2D(COCO_17, np.full((FRAMES, 17, 2), np.nan), np.zeros((FRAMES, 17)), FPS)


def take_of(motion: Motion | None, gaps: list[Gap] | None = None, size: tuple[int, int] = SIZE) -> Take:
    boxes = np.full((FRAMES, 4), np.nan)
    person = Person(1, boxes, no_keypoints(), motion=motion, gaps=gaps or [])
    source = Source("clip.mp4", "0" * 64, size, FPS, FRAMES)
    return Take(source, FPS, FRAMES, replace(camera(), size=size), (person,))


def drawn(take: Take, number: int = 0) -> np.ndarray:
    image = np.full((SIZE[1], SIZE[0], 3), 110, np.uint8)
    draw_frame(image, [figure_of(person, take, 1.0) for person in take.people], number, 0.0)
    return image


def has_colour_at(image: np.ndarray, xy: np.ndarray, colour: tuple[int, int, int]) -> bool:
    x, y = np.floor(xy).astype(int)
    return bool(np.abs(image[y, x].astype(int) - colour).max() < 12)


def test_bones_lie_where_the_camera_sees_them_in_the_colour_of_their_side() -> None:
    image, joints = drawn(take_of(standing())), joint_positions(standing())[0]
    for side, colour in (("Left", LEFT), ("Right", RIGHT)):
        for upper, lower in (("UpperArm", "LowerArm"), ("UpperLeg", "LowerLeg")):
            ends = joints[[standing().skeleton.index(side + bone) for bone in (upper, lower)]]
            assert has_colour_at(image, camera().project(ends.mean(axis=0)), colour)


def test_bones_reach_to_the_tips() -> None:
    image, skeleton = drawn(take_of(standing())), standing().skeleton
    tip = end_positions(standing())["LeftHand"][0]
    hand = joint_positions(standing())[0, skeleton.index("LeftHand")]
    assert has_colour_at(image, camera().project((tip + hand) / 2), LEFT)


def test_a_joint_behind_the_camera_is_left_out() -> None:
    motion = standing()
    behind = replace(motion, root_world=motion.root_world + np.array([0.0, 0.0, 3.6]))
    blank = drawn(take_of(None))
    assert np.abs(drawn(take_of(behind))[:200].astype(int) - blank[:200]).max() == 0


def test_no_skeleton_is_drawn_in_a_gap() -> None:
    take = take_of(standing(), [Gap(4, 6, "left_the_view")])
    image = drawn(take, number=5)
    assert np.all(image[:200] == 110)
    assert not np.array_equal(image[200:], drawn(take_of(None), number=5)[200:])  # the caption says so


def test_keypoints_are_dots_at_their_place() -> None:
    xy, confidence = np.full((FRAMES, 17, 2), np.nan), np.zeros((FRAMES, 17))
    xy[:, COCO_17.index("right_wrist")], confidence[:, COCO_17.index("right_wrist")] = [40.5, 60.5], 0.9
    take = take_of(None)
    person = replace(take.people[0], keypoints_2d=Keypoints2D(COCO_17, xy, confidence, FPS))
    image = drawn(replace(take, people=(person,)))
    assert has_colour_at(image, np.array([40.5, 60.5]), RIGHT)
    assert image[60, 40 + 2].max() < max(RIGHT) - DARK[0]
    assert np.all(image[60, 60:] == 110)


def test_a_preview_has_every_frame_at_the_rate_of_the_take(tmp_path: Path) -> None:
    clip = Clip(count=FRAMES, size=SIZE).write(tmp_path / "clip.mp4")
    calls: list[tuple[str, int, int]] = []
    path = write_preview(take_of(standing()), clip, tmp_path / "over.mp4", progress=lambda *call: calls.append(call))
    video = Video(path)
    assert (video.info.frames, video.info.fps, video.info.size) == (FRAMES, FPS, SIZE)
    assert [number_of(frame) for frame in video] == list(range(FRAMES))
    assert calls[-1] == ("preview", FRAMES, FRAMES)


def test_a_preview_is_made_small_enough(tmp_path: Path) -> None:
    clip = Clip(count=FRAMES, size=SIZE).write(tmp_path / "clip.mp4")
    assert Video(write_preview(take_of(standing()), clip, tmp_path / "over.mp4", max_side=160)).info.size == (160, 120)


def test_another_clip_is_refused_and_no_file_is_left(tmp_path: Path) -> None:
    clip = Clip(count=FRAMES, size=(160, 96)).write(tmp_path / "other.mp4")
    with pytest.raises(MocapError, match="not the clip that the take was made from"):
        write_preview(take_of(standing()), clip, tmp_path / "over.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["other.mp4"]


def wave(noise: float) -> Keypoints2D:
    turns = np.linspace(0, 6, 90)[:, None, None] + np.arange(17)[:, None]
    xy = 200 + 80 * np.sin(turns + np.array([0.0, 1.0])) + np.random.default_rng(0).normal(0, noise, (90, 17, 2))
    return Keypoints2D(COCO_17, xy, np.ones((90, 17)), FPS)


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_curves_are_written_in_the_format_of_the_suffix_and_always_alike(
    tmp_path: Path, suffix: str, start: bytes
) -> None:
    first, second = (
        write_curves(tmp_path / f"{name}{suffix}", wave(4.0), wave(0.0), gaps=[(10, 20)]).read_bytes() for name in "ab"
    )
    assert first.startswith(start)
    assert first == second


@pytest.mark.slow
def test_curves_name_the_keypoints_and_show_both_lines(tmp_path: Path) -> None:
    text = write_curves(tmp_path / "curves.svg", wave(4.0), wave(0.0)).read_text(encoding="utf-8")
    assert all(
        f">{label}<" in text for label in ("left wrist x", "right ankle y", "as measured", "filtered", "seconds")
    )


def test_an_unknown_plot_suffix_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(MocapError, match=r"'\.bmp'; use one of \.png, \.svg, \.pdf"):
        write_curves(tmp_path / "curves.bmp", wave(1.0), wave(0.0))


def test_without_matplotlib_the_command_that_brings_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_import = builtins.__import__

    def without_matplotlib(name: str, *rest: Any, **options: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    with pytest.raises(MocapError, match=r"pip install 'opentake\[plot\]'"):
        write_curves(tmp_path / "curves.png", wave(1.0), wave(0.0))
    assert list(tmp_path.iterdir()) == []
