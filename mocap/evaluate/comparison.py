"""Comparison of a captured person with a reference: all error measures, each after its own alignment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mocap.evaluate import metrics
from mocap.evaluate.metrics import ContactScores, Fit
from mocap.evaluate.tracks import PointTrack
from mocap.model.errors import MocapError
from mocap.model.rotation import Array, Flags

FPS = 30.0  # usual in the field: measures that depend on the frame rate are taken at this one
TIME_SLACK_S = 0.001  # times written with few decimals may lie this far outside of the other's range
FEWEST_FRAMES = 4  # the third difference needs so many
SEARCHED_S, SEARCH_STEP_S = 1.0, 1 / 240


@dataclass(frozen=True, eq=False)
class JointErrors:
    """Errors of the 14 points after one alignment of the clip, in mm, along the reference's axes.

    Parameters
    ----------
    distance : (14,) mean distances.
    by_axis : (14, 3) mean absolute errors.
    bias : (14, 3) mean signed errors, captured − reference.
    """

    distance: Array
    by_axis: Array
    bias: Array


@dataclass(frozen=True)
class FootMeasures:
    """Measures of feet in contact, at 30 fps, over the contact points that both have; NaN without any contact.

    Parameters
    ----------
    slide_mm_per_frame, slide_cm_per_contact_s : foot skating in contacts of the reference.
    own_slide_mm_per_frame : foot skating in contacts of the captured person.
    penetration_mm, float_mm : relative to y = 0 in contacts of the reference; NaN without a floor.
    scores : of the captured contacts, by contact point, and "all" for all of them together.
    """

    slide_mm_per_frame: float
    slide_cm_per_contact_s: float
    own_slide_mm_per_frame: float
    penetration_mm: float
    float_mm: float
    scores: dict[str, ContactScores]


@dataclass(frozen=True, eq=False)
class Comparison:
    """The result of a comparison.

    Parameters
    ----------
    captured, reference : what was compared, in words.
    offset_s : seconds added to the reference's times.
    frames, compared : number of frames of the reference, and of those in which both have all points.
    figures : measures by name, as in ``metrics``.
    fits : alignments of the clip: "own" is one rotation, "scaled" one rotation and one scale.
    joints : errors after each of ``fits``.
    feet : None where one of both has no contacts.
    """

    captured: str
    reference: str
    offset_s: float
    frames: int
    compared: int
    figures: dict[str, float]
    fits: dict[str, Fit]
    joints: dict[str, JointErrors]
    feet: FootMeasures | None


def compare(captured: PointTrack, reference: PointTrack, *, offset_s: float = 0.0) -> Comparison:
    """Compare a captured person with a reference, by all measures.

    Parameters
    ----------
    captured, reference : the 14 points of each.
    offset_s : time in the clip of the reference's time 0, seconds.

    Raises
    ------
    MocapError
        If they have fewer than four frames in common, at the reference's rate or at 30 fps.
    """
    points = _points_at(captured, reference.times_s + offset_s)
    compared = _frames_in_common(points, reference.points)
    if compared < FEWEST_FRAMES or _common_at_fps(captured, reference, offset_s) < FEWEST_FRAMES:
        raise _too_little_in_common(captured, reference, offset_s)
    truth = reference.points
    fits = {"own": metrics.clip_rotation(points, truth), "scaled": metrics.clip_similarity(points, truth)}
    return Comparison(
        captured=captured.origin,
        reference=reference.origin,
        offset_s=offset_s,
        frames=len(truth),
        compared=compared,
        figures=_pose_figures(points, truth) | _movement_figures(captured, reference, offset_s, fits["own"]),
        fits=fits,
        joints={name: _joint_errors(metrics.residuals(points, truth, fit)) for name, fit in fits.items()},
        feet=_foot_measures(captured, reference, offset_s),
    )


def find_offset(captured: PointTrack, reference: PointTrack) -> float:
    """Search the offset of a reference: the one with the smallest scaled MPJPE.

    Returns
    -------
    Seconds, from −1 to 1. Only offsets with at least half of the most frames in common are considered.
    """
    furthest = round(SEARCHED_S / SEARCH_STEP_S)
    candidates = SEARCH_STEP_S * np.arange(-furthest, furthest + 1)
    candidates = candidates[np.argsort(np.abs(candidates), kind="stable")]  # of equals, the smallest
    moved = [_points_at(captured, reference.times_s + offset) for offset in candidates]
    common = [_frames_in_common(points, reference.points) for points in moved]
    enough = max(FEWEST_FRAMES, max(common) // 2)
    errors = [
        metrics.scaled_mpjpe_mm(points, reference.points) if count >= enough else np.inf
        for points, count in zip(moved, common)
    ]
    return float(candidates[int(np.argmin(errors))])


def _points_at(track: PointTrack, times_s: Array) -> Array:
    """The 14 points (T, 14, 3) at other times; a time outside by less than TIME_SLACK_S counts as the first or last."""
    ends = track.times_s[[0, -1]]
    for end in ends:
        times_s = np.where(np.abs(times_s - end) < TIME_SLACK_S, end, times_s)
    return metrics.resample(track.points, track.times_s, times_s)


def _common_at_fps(captured: PointTrack, reference: PointTrack, offset_s: float) -> int:
    times = _common_times(captured, reference, offset_s)
    return _frames_in_common(_points_at(captured, times), _points_at(reference, times - offset_s))


def _too_little_in_common(captured: PointTrack, reference: PointTrack, offset_s: float) -> MocapError:
    (start, end), (first, last) = reference.times_s[[0, -1]] + offset_s, captured.times_s[[0, -1]]
    return MocapError(
        f"too few frames have all points in both: the reference lasts from {start:.2f} to {end:.2f} s of the clip, the "
        f"take from {first:.2f} to {last:.2f} s; try another --offset"
    )


def _frames_in_common(points: Array, reference: Array) -> int:
    return int(np.sum(np.isfinite(points).all(axis=(1, 2)) & np.isfinite(reference).all(axis=(1, 2))))


def _pose_figures(points: Array, reference: Array) -> dict[str, float]:
    return {
        "mpjpe_mm": metrics.mpjpe_mm(points, reference),
        "scaled_mpjpe_mm": metrics.scaled_mpjpe_mm(points, reference),
        "pa_mpjpe_mm": metrics.pa_mpjpe_mm(points, reference),
        "world_mpjpe_mm": metrics.world_mpjpe_mm(points, reference),
        "scaled_world_mpjpe_mm": metrics.scaled_world_mpjpe_mm(points, reference),
    }


def _joint_errors(residuals: Array) -> JointErrors:
    return JointErrors(
        distance=1000 * np.linalg.norm(residuals, axis=-1).mean(axis=0),
        by_axis=1000 * np.abs(residuals).mean(axis=0),
        bias=1000 * residuals.mean(axis=0),
    )


def _common_times(captured: PointTrack, reference: PointTrack, offset_s: float) -> Array:
    """Times (N,) of the clip at 30 fps that both cover."""
    start = max(captured.times_s[0], reference.times_s[0] + offset_s)
    end = min(captured.times_s[-1], reference.times_s[-1] + offset_s)
    return np.asarray(start + np.arange(max(0, int((end - start + TIME_SLACK_S) * FPS) + 1)) / FPS)


def _movement_figures(captured: PointTrack, reference: PointTrack, offset_s: float, fit: Fit) -> dict[str, float]:
    """Measures at 30 fps; accelerations are compared about the hips, in the reference's axes."""
    times = _common_times(captured, reference, offset_s)
    points, truth = _points_at(captured, times), _points_at(reference, times - offset_s)
    aligned = metrics.about_hips(points) @ fit.rotation.T
    figures = {
        "acceleration_error_m_s2": metrics.acceleration_error_m_s2(aligned, metrics.about_hips(truth), FPS),
        "jitter": metrics.jitter(points, FPS),
        "reference_jitter": metrics.jitter(truth, FPS),
    }
    path, true_path = (metrics.hips_middle(values) for values in (points, truth))
    figures["reference_path_m"] = metrics.path_length_m(true_path)
    figures["root_path_error_percent"] = metrics.root_path_error_percent(path, true_path)
    return figures


def _foot_measures(captured: PointTrack, reference: PointTrack, offset_s: float) -> FootMeasures | None:
    names = [name for name in captured.contacts if name in reference.contacts]
    if not names:
        return None
    times = _common_times(captured, reference, offset_s)
    soles = np.stack([metrics.resample(captured.soles[name], captured.times_s, times) for name in names], axis=1)
    known = np.isfinite(_points_at(captured, times)).all(axis=(1, 2))[:, None]
    own = _flags_at(captured, names, times) & known
    true = _flags_at(reference, names, times - offset_s) & known
    heights = soles[..., 1] if captured.has_floor else np.full(own.shape, np.nan)
    scores = {name: metrics.contact_scores(own[:, j], true[:, j]) for j, name in enumerate(names)}
    slide = metrics.slide_mm_per_frame(soles, true, FPS)
    return FootMeasures(
        slide_mm_per_frame=slide,
        slide_cm_per_contact_s=slide * FPS / 10,
        own_slide_mm_per_frame=metrics.slide_mm_per_frame(soles, own, FPS),
        penetration_mm=metrics.penetration_mm(heights, true),
        float_mm=metrics.float_mm(heights, true),
        scores=scores | {"all": metrics.contact_scores(own, true)},
    )


def _flags_at(track: PointTrack, names: list[str], times_s: Array) -> Flags:
    """Contact flags (N, P) of the frames nearest to times (N,)."""
    later = np.clip(np.searchsorted(track.times_s, times_s), 1, max(1, len(track.times_s) - 1))
    before = times_s - track.times_s[later - 1] <= track.times_s[np.minimum(later, len(track.times_s) - 1)] - times_s
    nearest = np.minimum(np.where(before, later - 1, later), len(track.times_s) - 1)
    return np.stack([track.contacts[name][nearest] for name in names], axis=1)
