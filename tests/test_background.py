"""How the camera turned, told by the background of frames whose camera is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mocap.model.camera import intrinsics_from_fov, warp_points
from mocap.track.camera_motion import Background

SIZE = (640, 360)
K = intrinsics_from_fov(60, SIZE)
NOBODY = np.empty((0, 4))


def scenery(seed: int = 0) -> NDArray[np.uint8]:
    """A wide picture with corners everywhere."""
    random = np.random.default_rng(seed)
    picture = np.full((900, 1600, 3), 128, np.uint8)
    for _ in range(500):
        x, y = random.integers(0, 1600), random.integers(0, 900)
        size = random.integers(8, 60, 2)
        cv2.rectangle(
            picture, (int(x), int(y)), (int(x + size[0]), int(y + size[1])), random.integers(0, 255, 3).tolist(), -1
        )
    return picture


def turn(degrees: float) -> NDArray[np.float64]:
    """The homography from the pixels of a camera turned to the right to those of one that is not."""
    a = np.radians(degrees)
    R = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    return K @ R @ np.linalg.inv(K)


def film(homographies: list[NDArray[np.float64]], person: NDArray[np.uint8] | None = None) -> list[NDArray[np.uint8]]:
    """What cameras see of the scenery: frames (360, 640, 3). person: a picture in front, which stays in the frame."""
    to_middle = np.array([[1, 0, -480], [0, 1, -270], [0, 0, 1.0]])
    frames = []
    for H in homographies:
        frame = cv2.warpPerspective(scenery(), np.linalg.inv(H) @ to_middle, SIZE, flags=cv2.INTER_AREA)
        if person is not None:
            frame[100:340, 250:400] = person
        frames.append(frame)
    return frames


def path_of(
    frames: list[NDArray[np.uint8]], boxes: NDArray[np.float64] = NOBODY, fps: float = 15.0
) -> tuple[Background, NDArray | None]:
    background = Background(SIZE, fps)
    assert sum(1 for _ in background.watch(frames)) == len(frames)
    return background, background.path(lambda _frame: boxes)


def error_px(path: NDArray[np.float64], homographies: list[NDArray[np.float64]]) -> float:
    grid = np.stack(np.meshgrid(np.linspace(100, 540, 5), np.linspace(60, 300, 4)), axis=-1).reshape(-1, 2)
    points = np.broadcast_to(grid, (len(path), *grid.shape))
    middle = homographies[len(homographies) // 2]
    expected = np.array([np.linalg.inv(middle) @ H for H in homographies])
    return float(np.linalg.norm(warp_points(path, points) - warp_points(expected, points), axis=-1).max())


@pytest.mark.parametrize("fps", [15.0, 30.0, 60.0])
def test_a_turn_is_measured(fps: float) -> None:
    """To 0.3 % of the picture's side; keypoints of a person are seen less exactly."""
    turns = [turn(angle) for angle in np.linspace(-12, 12, 41)]
    background, path = path_of(film(turns), fps=fps)
    assert path is not None
    assert background.has_moved(path)
    assert error_px(path, turns) < 2


def test_a_camera_that_stands_still_has_not_moved() -> None:
    random = np.random.default_rng(1)
    frames = [
        np.clip(frame + random.normal(0, 4, frame.shape), 0, 255).astype(np.uint8) for frame in film([np.eye(3)] * 20)
    ]
    background, path = path_of(frames)
    assert path is not None
    assert not background.has_moved(path)


def test_somebody_who_stays_in_the_picture_does_not_hold_the_camera() -> None:
    turns = [turn(angle) for angle in np.linspace(-8, 8, 30)]
    frames = film(turns, person=scenery(5)[:240, :150])
    _, path = path_of(frames, np.array([[250.0, 100.0, 400.0, 340.0]]))
    assert path is not None
    assert error_px(path, turns) < 3


@pytest.mark.parametrize("shade", [0, 128])
def test_a_bare_wall_tells_nothing(shade: int) -> None:
    frames = [np.full((360, 640, 3), shade, np.uint8)] * 5
    assert path_of(frames)[1] is None


def test_a_whole_turn_is_too_far() -> None:
    assert path_of(film([turn(angle) for angle in np.linspace(-38, 38, 60)]))[1] is None
