"""BlazePose on real people: found, followed, the right way round; and the bookkeeping around the network."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mocap.estimate import create_detector, create_estimator
from mocap.estimate.regions import whole_frame
from mocap.model.errors import MocapError
from mocap.model.keypoints import BLAZEPOSE_33

MIRROR = np.arange(33)
for a, b in BLAZEPOSE_33.mirror_pairs:
    MIRROR[[a, b]] = b, a


@pytest.fixture(scope="module")
def frames(real_data: Path) -> list[np.ndarray]:
    """A man who stands facing the camera and raises his arms to the sides (720 × 720)."""
    video = cv2.VideoCapture(str(real_data / "videos" / "sit_stand_raise_arms.mp4"))
    picked = []
    for index in (100, 120, 180):
        video.set(cv2.CAP_PROP_POS_FRAMES, index)
        picked.append(np.ascontiguousarray(video.read()[1][..., ::-1]))
    return picked


def test_an_empty_picture_has_nobody_in_it() -> None:
    (found,) = create_detector(device="cpu").detect([np.full((120, 200, 3), 90, np.uint8)])
    assert found.boxes.shape == (0, 4)
    assert found.regions.shape == (0, 4)
    assert found.scores.shape == (0,)


def test_a_region_without_a_person_scores_low_and_is_still_finite() -> None:
    frame = np.full((120, 200, 3), 90, np.uint8)
    poses = create_estimator("blazepose-lite", device="cpu").estimate([frame], whole_frame(frame)[None])
    assert poses.scores[0] < 0.5
    assert np.isfinite(poses.xy).all()
    assert np.isfinite(poses.xyz).all()


def test_no_regions_give_no_poses() -> None:
    poses = create_estimator("blazepose-lite", device="cpu").estimate([], np.empty((0, 4)))
    assert poses.xy.shape == (0, 33, 2)
    assert poses.xyz is not None
    assert poses.xyz.shape == (0, 33, 3)
    assert poses.next_regions.shape == (0, 4)


def test_as_many_frames_as_regions_are_needed() -> None:
    with pytest.raises(ValueError, match="zip"):
        create_estimator("blazepose-lite", device="cpu").estimate([], np.zeros((1, 4)) + 10)


def test_an_unknown_estimator_lists_the_known_ones() -> None:
    with pytest.raises(MocapError, match="blazepose-lite"):
        create_estimator("blazepose-huge")


@pytest.mark.real
@pytest.mark.parametrize("name", ["blazepose-lite", "blazepose-full", "blazepose-heavy"])
def test_a_standing_man_is_found_and_understood(frames: list[np.ndarray], name: str) -> None:
    found = create_detector(device="cpu").detect(frames)
    poses = create_estimator(name, device="cpu").estimate(frames, np.stack([people.regions[0] for people in found]))
    assert (poses.scores > 0.9).all()
    assert ((poses.confidence > 0) & (poses.confidence <= 1)).all()
    index = BLAZEPOSE_33.index
    assert poses.xyz is not None
    assert (poses.xyz[:, index("nose"), 1] < -0.4).all()  # y down: the head is above the hips
    assert (poses.xyz[:, index("left_ankle"), 1] > 0.4).all()
    facing = poses.xyz[:, index("left_shoulder"), 0] - poses.xyz[:, index("right_shoulder"), 0]
    assert (facing > 0.2).all()  # he faces the camera, so his left is on the right
    nose_before_ears = poses.xyz[:, index("nose"), 2] - poses.xyz[:, [index("left_ear"), index("right_ear")], 2].mean(1)
    assert (nose_before_ears < -0.02).all()  # z forward: nearer is less


@pytest.mark.real
def test_the_next_region_is_where_the_person_is(frames: list[np.ndarray]) -> None:
    estimator = create_estimator("blazepose-heavy", device="cpu")
    found = create_detector(device="cpu").detect(frames)
    first = estimator.estimate(frames, np.stack([people.regions[0] for people in found]))
    second = estimator.estimate(frames, first.next_regions)
    distances = np.linalg.norm(first.xy - second.xy, axis=-1)
    assert np.median(distances) < 0.01 * first.next_regions[:, 2].min()


@pytest.mark.real
@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_turned_picture_gives_the_same_pose_turned(frames: list[np.ndarray], quarter_turns: int) -> None:
    estimator = create_estimator("blazepose-heavy", device="cpu")
    region = create_detector(device="cpu").detect(frames[:1])[0].regions[:1]
    upright = estimator.estimate(frames[:1], region)
    turned_region = region.copy()
    center = region[0, :2] - 360
    for _ in range(quarter_turns):  # np.rot90 turns the picture counter-clockwise on screen
        center = np.array([center[1], -center[0]])
    turned_region[0, :2] = center + 360
    turned_region[0, 3] -= quarter_turns * np.pi / 2
    turned_frame = np.ascontiguousarray(np.rot90(frames[0], quarter_turns))
    turned = estimator.estimate([turned_frame], turned_region)
    xy, xyz = turned.xy[0] - 360, turned.xyz[0].copy()
    for _ in range(quarter_turns):
        xy = np.stack([-xy[:, 1], xy[:, 0]], axis=-1)
        xyz[:, :2] = np.stack([-xyz[:, 1], xyz[:, 0]], axis=-1)
    np.testing.assert_allclose(xy + 360, upright.xy[0], atol=0.5)
    np.testing.assert_allclose(xyz, upright.xyz[0], atol=0.005)


@pytest.mark.real
def test_a_mirrored_picture_gives_the_mirrored_pose(frames: list[np.ndarray]) -> None:
    estimator = create_estimator("blazepose-heavy", device="cpu")
    regions = np.stack([people.regions[0] for people in create_detector(device="cpu").detect(frames)])
    mirrored_regions = regions * [-1, 1, 1, -1] + [720, 0, 0, 0]
    seen = estimator.estimate(frames, regions)
    mirrored = estimator.estimate([np.ascontiguousarray(frame[:, ::-1]) for frame in frames], mirrored_regions)
    back = mirrored.xy[:, MIRROR] * [-1, 1] + [720, 0]
    sure = np.minimum(seen.confidence, mirrored.confidence[:, MIRROR]) > 0.9
    offsets = (back - seen.xy)[sure] / regions[:, 2].mean() * 256
    assert abs(np.median(offsets[:, 0])) < 0.5  # half a crop's pixel: the pixel grid is where we think it is
    assert np.median(np.linalg.norm(offsets, axis=-1)) < 2
