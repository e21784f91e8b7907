"""Cleaning of one person's keypoints: left/right repair, outliers removed, short gaps filled, low-pass filter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mocap.model.keypoints import Keypoints2D, Keypoints3D
from mocap.model.rotation import Array
from mocap.model.take import Person, Take
from mocap.solve.clean import filters, left_right
from mocap.solve.settings import SolveSettings

OUTLIER_FLOOR = 0.02  # of the longer side of the bounding box: a good keypoint may move so far between frames
OUTLIER_FLOOR_M = 0.03
DEPTH_CUTOFF_FRACTION = 0.4  # of the filter's cut-off: estimated depth has more noise than image positions


def clean_image(person: Person, settings: SolveSettings, take: Take) -> Keypoints2D:
    """Clean a person's image keypoints.

    Parameters
    ----------
    person : with keypoints and swaps.
    settings : filter and cut-off.
    take : that of the person, for its camera and cuts.

    Returns
    -------
    Keypoints2D
        In pixels of the take's camera, without left/right swaps and outliers, low-passed, short gaps filled.
    """
    keypoints = left_right.repair_2d(person.keypoints_2d, person.swaps)
    keypoints = replace(keypoints, xy=take.in_camera(keypoints.xy))
    floor = OUTLIER_FLOOR * np.nanmax(np.nan_to_num(person.boxes[:, 2:] - person.boxes[:, :2]), axis=1)
    xy = _clean(keypoints.xy, float(keypoints.fps), floor[:, None], settings, take.cuts)
    return Keypoints2D(keypoints.layout, xy, _filled_confidence(xy, keypoints.confidence), keypoints.fps)


def clean_depth(person: Person, settings: SolveSettings, take: Take) -> Keypoints3D | None:
    """Clean the pose network's 3D keypoints as ``clean_image`` does; depth is smoothed more. None if there are none."""
    if person.keypoints_3d is None:
        return None
    keypoints = left_right.repair_3d(person.keypoints_3d, person.swaps)
    fps, floor = float(keypoints.fps), np.array(OUTLIER_FLOOR_M)
    xyz = _clean(keypoints.xyz, fps, floor, settings, take.cuts)
    cutoff_hz = DEPTH_CUTOFF_FRACTION * settings.cutoff_hz
    slow = filters.low_pass(xyz[..., 2], fps, name=settings.filter_name, cutoff_hz=cutoff_hz, cuts=take.cuts)
    xyz = np.concatenate([xyz[..., :2], slow[..., None]], axis=-1)
    return Keypoints3D(keypoints.layout, xyz, _filled_confidence(xyz, keypoints.confidence), keypoints.fps)


def _clean(points: Array, fps: float, floor: Array, settings: SolveSettings, cuts: list[int]) -> Array:
    points = np.where(filters.is_outlier(points, fps, floor=floor)[..., None], np.nan, points)
    points = filters.fill_gaps(points, fps, cuts=cuts)
    return filters.low_pass(points, fps, name=settings.filter_name, cutoff_hz=settings.cutoff_hz, cuts=cuts)


def _filled_confidence(points: Array, confidence: Array) -> Array:
    """Confidence (T, K) after cleaning: that of the nearest visible frame where a gap was filled, 0 where missing."""
    held = filters.hold_nearest(np.where(confidence > 0, confidence, np.nan))
    return np.where(np.isnan(points[..., 0]), 0.0, np.nan_to_num(held))
