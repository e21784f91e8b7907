"""The example clip and its truth file agree with each other and with a body's own rules."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mocap.model.camera import Camera
from mocap.model.rotation import Array

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
BONES = ("shoulder-elbow", "elbow-wrist", "hip-knee", "knee-ankle", "ankle-ball", "ball-toe", "ankle-heel")
SIDES = ("left", "right")


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EXAMPLES / "walk.truth.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def xyz(truth: dict[str, Any]) -> Array:
    return np.array(truth["points"]["xyz"], dtype=np.float64)


def point(truth: dict[str, Any], xyz: Array, name: str) -> Array:
    return np.asarray(xyz[:, truth["points"]["names"].index(name)])


def true_camera(truth: dict[str, Any]) -> Camera:
    camera = truth["camera"]
    return Camera(np.array(camera["K"]), np.array(camera["T_world_camera"]), tuple(camera["size"]))


def test_every_frame_has_every_point(truth: dict[str, Any], xyz: Array) -> None:
    assert truth["format"] == "mocap-truth"
    assert truth["version"] == 1
    assert xyz.shape == (truth["frames"], len(truth["points"]["names"]), 3)
    assert np.isfinite(xyz).all()


def test_the_clip_has_the_truth_s_frames_rate_and_size(truth: dict[str, Any]) -> None:
    with av.open(str(EXAMPLES / "walk.mp4")) as clip:
        stream = clip.streams.video[0]
        shapes = [(frame.width, frame.height) for frame in clip.decode(stream)]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == Fraction(*truth["fps"])
    assert shapes == [tuple(truth["camera"]["size"])] * truth["frames"]


def test_the_clip_is_small_enough_to_ship() -> None:
    assert (EXAMPLES / "walk.mp4").stat().st_size < 1_000_000


def test_the_whole_person_stays_in_the_picture(truth: dict[str, Any], xyz: Array) -> None:
    pixels = true_camera(truth).project(xyz)
    assert (pixels > 0).all()
    assert (pixels < truth["camera"]["size"]).all()


def test_the_camera_is_level_and_looks_at_the_person_from_above_the_floor(truth: dict[str, Any], xyz: Array) -> None:
    camera = true_camera(truth)
    right, down = camera.T_world_camera[:3, 0], camera.T_world_camera[:3, 1]
    assert right[1] == 0
    np.testing.assert_array_equal(down, [0, -1, 0])
    assert camera.T_world_camera[1, 3] > 1
    assert (camera.to_camera(xyz)[..., 2] > 1).all()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("bone", BONES)
def test_bones_keep_their_length(truth: dict[str, Any], xyz: Array, side: str, bone: str) -> None:
    start, end = (point(truth, xyz, f"{side}_{joint}") for joint in bone.split("-"))
    assert np.ptp(np.linalg.norm(end - start, axis=1)) < 0.001


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("part", "held"), [("heel", "heel"), ("toe", "toe"), ("toe", "ball")])
def test_a_planted_foot_stands_still(truth: dict[str, Any], xyz: Array, side: str, part: str, held: str) -> None:
    places = point(truth, xyz, f"{side}_{held}")
    steps = [np.diff(places[first : last + 1], axis=0) for first, last in truth["contacts"][f"{side}_{part}"]]
    assert len(steps) > 2
    assert np.linalg.norm(np.concatenate(steps), axis=1).max() < 0.001


def test_nothing_is_under_the_floor_and_the_head_is_at_the_body_s_height(truth: dict[str, Any], xyz: Array) -> None:
    assert xyz[..., 1].min() > 0
    assert xyz[-1, truth["points"]["names"].index("head_top"), 1] == pytest.approx(truth["height_m"], abs=0.04)


def test_the_person_walks_turns_waves_and_squats(truth: dict[str, Any], xyz: Array) -> None:
    hips = (point(truth, xyz, "left_hip") + point(truth, xyz, "right_hip")) / 2
    across = point(truth, xyz, "left_hip") - point(truth, xyz, "right_hip")
    heading = np.degrees(np.arctan2(-across[:, 2], across[:, 0]))
    wrist_over_head = point(truth, xyz, "right_wrist")[:, 1] - point(truth, xyz, "head_top")[:, 1]
    assert np.linalg.norm((hips[-1] - hips[0])[[0, 2]]) > 2.5
    assert heading[60] - heading[-1] > 30
    assert wrist_over_head.max() > 0
    assert np.ptp(hips[:, 1]) > 0.3
