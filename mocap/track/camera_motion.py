"""Camera motion: homographies between the frames of a clip, estimated from the background.

Corners are tracked from frame to frame while the clip is read (Shi & Tomasi 1994, "Good features to track"; pyramidal
Lucas-Kanade optical flow, Bouguet 2001). When the people's positions are known, the corners beside them give the
homography from each frame to a reference frame (RANSAC). For a camera that rotates or zooms a homography is exact; a
camera that translates has parallax too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from mocap.model.camera import warp_points
from mocap.model.rotation import Array, Flags

WATCHED_HZ = 15  # frames per second that are used; between them, the rotation is interpolated
SIDE = 480  # pixels of the longer side of the small images in which corners are tracked
CORNERS, CORNER_QUALITY, CORNER_DISTANCE = 240, 0.02, 8
FEWEST_FRACTION = 0.6  # of the corners still tracked; with fewer, new corners are chosen
FEWEST = 12  # corners of the background for a homography
SPREAD = 0.25  # of the image's sides, at least, that the corners must span: a cluster does not show the rest
AGREE_PX = 1.5
MOVED = 0.01  # of the longer side: a fixed camera moves the image's corners less
FARTHEST = 1.2  # longer sides: a homography that moves the image's corners farther is wrong

Image = NDArray[np.uint8]
Boxes = Callable[[int], Array]


class Background:
    """Corners of one clip, tracked while the clip is read.

    Parameters
    ----------
    size : (width, height) of the frames, pixels.
    fps : frames per second.
    """

    def __init__(self, size: tuple[int, int], fps: float) -> None:
        self.size, self._scale = size, min(1.0, SIDE / max(size))
        self._runs: list[list[Array]] = []  # corners chosen together: positions (N, 2) by frame, NaN when lost
        self._before: Image | None = None
        self._stride, self._frames = max(1, round(fps / WATCHED_HZ)), 0

    def watch(self, frames: Iterable[Image]) -> Iterator[Image]:
        """Pass the frames (height, width, 3), RGB, through, and track corners in them."""
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
            run.append(_tracked(self._before, grey, run[-1]))
            if len(run[0]) == 0 or np.isfinite(run[-1][:, 0]).mean() < FEWEST_FRACTION:
                self._runs.append([_corners(grey)])  # this frame ends one run and begins the next
        self._before = grey

    def path(self, boxes: Boxes) -> Array | None:
        """Estimate the homography from each frame to the middle frame of the clip.

        Parameters
        ----------
        boxes : function from the index of a frame to bounding boxes (N, 4) of its people, xyxy pixels; corners in them
            are not used.

        Returns
        -------
        Array (T, 3, 3) of homographies between pixels, or None where the background does not give them.
        """
        steps, first = [np.eye(3)], 0
        for run in self._runs:
            base = steps[-1]
            for i, corners in enumerate(run[1:], start=1):
                step = self._homography(corners, run[0], boxes((first + i) * self._stride), boxes(first * self._stride))
                if step is None:
                    return None
                steps.append(base @ step)
            first += len(run) - 1
        s = self._scale  # in OpenCV the first pixel's centre is 0, here its corner is
        grown = np.array([[1 / s, 0, 0.5 / s], [0, 1 / s, 0.5 / s], [0, 0, 1.0]])
        to_first = np.array([grown @ step @ np.linalg.inv(grown) for step in steps])
        path = np.linalg.inv(to_first[len(steps) // 2]) @ to_first
        path = self._at_all_frames(path / path[:, 2:, 2:])
        return path if self._is_plausible(path) else None

    def _at_all_frames(self, path: Array) -> Array:
        known, frames = self._stride * np.arange(len(path)), np.arange(self._frames)
        columns = [np.interp(frames, known, column) for column in path.reshape(-1, 9).T]
        return np.stack(columns, axis=-1).reshape(-1, 3, 3)

    def has_moved(self, path: Array) -> bool:
        """Whether a path (T, 3, 3) is more than the noise of a fixed camera."""
        return bool(self._travel(path).max() > MOVED * max(self.size))

    def _travel(self, path: Array) -> Array:
        """Largest movement (T,) of the image's corners from the middle frame, pixels."""
        width, height = self.size
        corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], float)
        moved = warp_points(path, np.broadcast_to(corners, (len(path), 4, 2)))
        return np.asarray(np.linalg.norm(moved - corners, axis=-1).max(axis=1))

    def _is_plausible(self, path: Array) -> bool:
        travel = self._travel(path)
        return bool(np.isfinite(travel).all() and travel.max() < FARTHEST * max(self.size) and path.min() > -1e6)

    def _homography(self, now: Array, then: Array, boxes_now: Array, boxes_then: Array) -> Array | None:
        """Homography between two small images in which the same corners are at ``now`` and ``then`` (N, 2), or None."""
        usable = np.isfinite(now[:, 0]) & ~self._inside(now, boxes_now) & ~self._inside(then, boxes_then)
        if usable.sum() < FEWEST:
            return None
        found, agree = cv2.findHomography(now[usable], then[usable], cv2.RANSAC, AGREE_PX)
        if found is None or agree.sum() < max(FEWEST, usable.sum() / 2):
            return None
        spread = np.ptp(then[usable][agree[:, 0] > 0], axis=0) / (self._scale * np.array(self.size))
        return np.asarray(found, float) if spread.min() > SPREAD else None

    def _inside(self, corners: Array, boxes: Array) -> Flags:
        """Flags (N,) of corners (N, 2) in a bounding box or within a tenth of its height around it."""
        inside = np.zeros(len(corners), dtype=bool)
        for x0, y0, x1, y1 in self._scale * boxes:
            margin = 0.1 * (y1 - y0)
            inside |= (
                (corners[:, 0] > x0 - margin)
                & (corners[:, 0] < x1 + margin)
                & (corners[:, 1] > y0 - margin)
                & (corners[:, 1] < y1 + margin)
            )
        return inside


def _corners(grey: Image) -> Array:
    found = cv2.goodFeaturesToTrack(grey, CORNERS, CORNER_QUALITY, CORNER_DISTANCE)
    return np.empty((0, 2)) if found is None else found.reshape(-1, 2).astype(float)


def _tracked(before: Image, after: Image, corners: Array) -> Array:
    """Positions in the next image of corners (N, 2) of one image; NaN where tracking fails, forwards or backwards."""
    known = np.isfinite(corners[:, 0])
    moved = np.full_like(corners, np.nan)
    if not known.any():
        return moved
    start = corners[known].astype(np.float32)[:, None]
    there, found, _ = cv2.calcOpticalFlowPyrLK(before, after, start, start.copy())
    back, found_back, _ = cv2.calcOpticalFlowPyrLK(after, before, there, there.copy())
    kept = (found[:, 0] > 0) & (found_back[:, 0] > 0) & (np.abs(back - start).max(axis=(1, 2)) < AGREE_PX)
    moved[known] = np.where(kept[:, None], there[:, 0], np.nan)
    return moved
