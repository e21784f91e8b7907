"""How the camera turned during a clip, told by what does not move in it: the background.

Corners are followed from frame to frame while the clip is read (Shi & Tomasi 1994, "Good features to track"; pyramids
of Lucas & Kanade, Bouguet 2001). Once it is known where people are, the other corners tell the homography from each
frame to one of the clip (RANSAC). For a camera that turns or zooms that is exact; one that moves has parallax besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from mocap.model.camera import warp_points
from mocap.model.rotation import Array, Flags

WATCHED_HZ = 15  # pictures a second that are looked at; a camera turns evenly between them
SIDE = 480  # pixels of the longer side, of the pictures in which corners are followed
CORNERS, CORNER_QUALITY, CORNER_DISTANCE = 240, 0.02, 8
FEWEST_SHARE = 0.6  # of corners still followed; with fewer, corners are chosen anew
FEWEST = 12  # corners of the background that tell a homography
APART = 0.25  # of the picture's sides: corners in one place tell nothing of the rest
AGREE_PX = 1.5
MOVED = 0.01  # of the longer side: a corner of the picture moved less by a camera that stands still
FARTHEST = 1.2  # longer sides from the reference: beyond, a homography to it makes no sense

Image = NDArray[np.uint8]
Boxes = Callable[[int], Array]


class Background:
    """Corners of the pictures of one clip, followed while it is read."""

    def __init__(self, size: tuple[int, int], fps: float) -> None:
        self.size, self._scale = size, min(1.0, SIDE / max(size))
        self._runs: list[list[Array]] = []  # corners chosen together: places (N, 2) by frame, NaN once lost
        self._before: Image | None = None
        self._stride, self._frames = max(1, round(fps / WATCHED_HZ)), 0

    def watch(self, frames: Iterable[Image]) -> Iterator[Image]:
        """The frames (height, width, 3), RGB, as they come."""
        for frame in frames:
            if self._frames % self._stride == 0:
                small = cv2.resize(frame, None, fx=self._scale, fy=self._scale, interpolation=cv2.INTER_AREA)
                self._follow(np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8))
            self._frames += 1
            yield frame

    def _follow(self, grey: Image) -> None:
        if self._before is None:
            self._runs.append([_corners(grey)])
        else:
            run = self._runs[-1]
            run.append(_followed(self._before, grey, run[-1]))
            if len(run[0]) == 0 or np.isfinite(run[-1][:, 0]).mean() < FEWEST_SHARE:
                self._runs.append([_corners(grey)])  # this frame ends one run and begins the next
        self._before = grey

    def path(self, boxes: Boxes) -> Array | None:
        """Homographies (T, 3, 3) that take pixels of each frame to those of the middle one; None if it cannot be told.

        boxes: people in a frame (N, 4), xyxy pixels; corners on them are left out.
        """
        steps, look = [np.eye(3)], 0
        for run in self._runs:
            base = steps[-1]
            for i, places in enumerate(run[1:], start=1):
                step = self._homography(places, run[0], boxes((look + i) * self._stride), boxes(look * self._stride))
                if step is None:
                    return None
                steps.append(base @ step)
            look += len(run) - 1
        s = self._scale  # OpenCV's pixels count from the middle of the first one, ours from its corner
        grown = np.array([[1 / s, 0, 0.5 / s], [0, 1 / s, 0.5 / s], [0, 0, 1.0]])
        to_first = np.array([grown @ step @ np.linalg.inv(grown) for step in steps])
        path = np.linalg.inv(to_first[len(steps) // 2]) @ to_first
        path = self._at_all_frames(path / path[:, 2:, 2:])
        return path if self._makes_sense(path) else None

    def _at_all_frames(self, path: Array) -> Array:
        looks, frames = self._stride * np.arange(len(path)), np.arange(self._frames)
        columns = [np.interp(frames, looks, column) for column in path.reshape(-1, 9).T]
        return np.stack(columns, axis=-1).reshape(-1, 3, 3)

    def has_moved(self, path: Array) -> bool:
        """Whether a path (T, 3, 3) is more than the noise of a camera that stands still."""
        return bool(self._travel(path).max() > MOVED * max(self.size))

    def _travel(self, path: Array) -> Array:
        """How far (T,) in pixels the corner of the picture that moves most is from where it is in the middle frame."""
        width, height = self.size
        corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], float)
        moved = warp_points(path, np.broadcast_to(corners, (len(path), 4, 2)))
        return np.asarray(np.linalg.norm(moved - corners, axis=-1).max(axis=1))

    def _makes_sense(self, path: Array) -> bool:
        travel = self._travel(path)
        return bool(np.isfinite(travel).all() and travel.max() < FARTHEST * max(self.size) and path.min() > -1e6)

    def _homography(self, now: Array, then: Array, boxes_now: Array, boxes_then: Array) -> Array | None:
        """Takes small pixels of one frame to those of another, in which the same corners (N, 2) are."""
        usable = np.isfinite(now[:, 0]) & ~self._inside(now, boxes_now) & ~self._inside(then, boxes_then)
        if usable.sum() < FEWEST:
            return None
        found, agree = cv2.findHomography(now[usable], then[usable], cv2.RANSAC, AGREE_PX)
        if found is None or agree.sum() < max(FEWEST, usable.sum() / 2):
            return None
        spread = np.ptp(then[usable][agree[:, 0] > 0], axis=0) / (self._scale * np.array(self.size))
        return np.asarray(found, float) if spread.min() > APART else None

    def _inside(self, places: Array, boxes: Array) -> Flags:
        inside = np.zeros(len(places), dtype=bool)
        for x0, y0, x1, y1 in self._scale * boxes:
            margin = 0.1 * (y1 - y0)
            inside |= (
                (places[:, 0] > x0 - margin)
                & (places[:, 0] < x1 + margin)
                & (places[:, 1] > y0 - margin)
                & (places[:, 1] < y1 + margin)
            )
        return inside


def _corners(grey: Image) -> Array:
    found = cv2.goodFeaturesToTrack(grey, CORNERS, CORNER_QUALITY, CORNER_DISTANCE)
    return np.empty((0, 2)) if found is None else found.reshape(-1, 2).astype(float)


def _followed(before: Image, after: Image, places: Array) -> Array:
    """Where corners (N, 2) of one picture are in the next; NaN for those that are lost, there or on the way back."""
    known = np.isfinite(places[:, 0])
    moved = np.full_like(places, np.nan)
    if not known.any():
        return moved
    start = places[known].astype(np.float32)[:, None]
    there, found, _ = cv2.calcOpticalFlowPyrLK(before, after, start, start.copy())
    back, found_back, _ = cv2.calcOpticalFlowPyrLK(after, before, there, there.copy())
    kept = (found[:, 0] > 0) & (found_back[:, 0] > 0) & (np.abs(back - start).max(axis=(1, 2)) < AGREE_PX)
    moved[known] = np.where(kept[:, None], there[:, 0], np.nan)
    return moved
