"""How good a take is by itself, without a reference: the machine's part of the report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mocap.evaluate import metrics
from mocap.model import kinematics
from mocap.model.body import BODY
from mocap.model.errors import MocapError
from mocap.model.motion import Motion
from mocap.model.rotation import Array, Flags
from mocap.model.take import Person, Take
from mocap.report.thresholds import MEASURES, Quality, as_json, grade, parse
from mocap.solve.clean.filters import runs
from mocap.solve.clean.keypoints import clean_image
from mocap.solve.contact.ground import ground_heights
from mocap.solve.contact.points import contact_points
from mocap.solve.settings import SolveSettings

DECIMALS = 4
COMPARED_FPS = 30.0  # at which everything that depends on the frame rate is stated
WORST_FRAMES, APART_S = 6, 0.5
LIMBS = [(start.keypoint, end.keypoint) for part in BODY.limbs for start, end in part.bones()]


def measure(take: Take) -> list[Quality]:
    """The quality of every person. MocapError for a take that was not solved."""
    return [_of_person(take, person) for person in take.people]


def marked(take: Take, fail_on: str) -> tuple[Take, list[str]]:
    """The take with its quality written into it, and the reasons why it is below ``fail_on``; as it was for ""."""
    if not fail_on:
        return take, []
    limits, people = parse(fail_on), measure(take)
    graded = grade(people, limits)
    return replace(take, quality=as_json(people, limits, graded)), graded.reasons


def reprojection_percent(take: Take, person: Person, motion: Motion) -> Array:
    """Distance (T,) in the picture of joints from the cleaned keypoints, mean, in % of the person's height there.

    NaN where nothing was seen.
    """
    image = clean_image(person, SolveSettings.from_json(take.settings), take)
    pairs = [
        (motion.skeleton.index(j), image.layout.index(k))
        for j, k in BODY.keypoint_of_joint.items()
        if k in image.layout.names
    ]
    joints = kinematics.joint_positions(motion)[:, [j for j, _ in pairs]]
    distances = np.linalg.norm(take.camera.project(joints) - image.xy[:, [k for _, k in pairs]], axis=-1)
    depth = take.camera.to_camera(joints)[..., 2]
    stature_pixels = take.camera.K[1, 1] * _stature_m(motion) / np.where(depth > 0, depth, np.nan)
    return _mean_of_known(100 * distances / stature_pixels)


def _of_person(take: Take, person: Person) -> Quality:
    if person.motion is None:
        raise MocapError(f"person {person.id} has no motion yet: run `mocap solve` on the take first")
    motion, fps = person.motion, float(take.fps)
    seen = _seen(person)
    points = contact_points(motion)
    soles = np.stack(list(points.values()), axis=1)
    down = np.stack([_in_spans(person.contacts.get(name, []), take.frames) for name in points], axis=1)
    down = down & seen[:, None]
    reprojection = np.where(seen, reprojection_percent(take, person, motion), np.nan)
    under = np.nan_to_num(ground_heights(motion, down) - soles[..., 1])
    depth_mm = 1000 * np.where(down, np.maximum(under, 0), 0)
    confidence = motion.confidence.mean(axis=1)
    measures = {
        "unseen": float(np.mean(~seen)),
        "gap": max(((end - start) / fps for start, end in runs(~seen)), default=0.0),
        "confidence": float(confidence[seen].mean()) if seen.any() else None,
        "jitter": _jitter(motion, seen),
        "slide": metrics.slide_mm_per_frame(soles, down, fps),
        "penetration": float(depth_mm.max(initial=0)) if down.any() else None,
        "bones": _bone_spread_percent(person),
        "swaps": float(np.mean(_swapped(person))),
        "reprojection": float(np.nanmean(reprojection)) if np.isfinite(reprojection).any() else None,
    }
    faults = _faults(seen, confidence, reprojection, depth_mm.max(axis=1), _slides(soles, down, fps))
    return Quality(person.id, {name: _rounded(value) for name, value in measures.items()}, faults, _worst(faults, fps))


def _jitter(motion: Motion, seen: Flags) -> float:
    """Third difference of the joints at 30 frames a second, over the frames that were seen."""
    points = np.where(seen[:, None, None], kinematics.joint_positions(motion), np.nan)
    times = np.arange(len(motion)) / float(motion.fps)
    at_fps = np.arange(0, times[-1] + 1e-9, 1 / COMPARED_FPS)
    return metrics.jitter(metrics.resample(points, times, at_fps), COMPARED_FPS)


def _bone_spread_percent(person: Person) -> float | None:
    """Standard deviation of the limbs' lengths as the network saw them, in % of each one's mean: a body has 0."""
    space = person.keypoints_3d
    if space is None or not {name for limb in LIMBS for name in limb} <= set(space.layout.names):
        return None
    spreads = []
    for a, b in LIMBS:
        lengths = np.linalg.norm(space.xyz[:, space.layout.index(a)] - space.xyz[:, space.layout.index(b)], axis=-1)
        known = lengths[np.isfinite(lengths)]
        if len(known) and known.mean() > 0:
            spreads.append(known.std() / known.mean())
    return 100 * float(np.mean(spreads)) if spreads else None


def _slides(soles: Array, down: Flags, fps: float) -> Array:
    """The fastest sole (T,) of those in contact, in mm a frame at 30 fps; 0 without contact."""
    steps = np.linalg.norm(np.diff(soles[..., [0, 2]], axis=0, prepend=soles[:1, :, [0, 2]]), axis=-1)
    held = down & np.concatenate([down[:1], down[:-1]])
    return np.asarray(np.where(held, 1000 * steps * fps / COMPARED_FPS, 0).max(axis=1))


def _faults(seen: Flags, confidence: Array, reprojection: Array, depth_mm: Array, slide_mm: Array) -> Array:
    limits = {name: measure.warn for name, measure in MEASURES.items()}
    return np.asarray(
        2.0 * ~seen
        + (1 - confidence) / (1 - limits["confidence"])
        + np.nan_to_num(reprojection) / limits["reprojection"]
        + depth_mm / limits["penetration"]
        + slide_mm / limits["slide"]
    )


def _worst(faults: Array, fps: float) -> list[int]:
    left = faults.copy()
    frames: list[int] = []
    while len(frames) < WORST_FRAMES and np.isfinite(left).any():
        frame = int(np.argmax(left))
        frames.append(frame)
        around = round(APART_S * fps)
        left[max(0, frame - around) : frame + around + 1] = -np.inf
    return frames


def _stature_m(motion: Motion) -> float:
    """Height of the body at rest, from the soles to the top of the head."""
    skeleton = motion.skeleton
    rest = skeleton.rest_positions()[:, 1]
    heights = [*rest, *(rest[skeleton.index(leaf)] + end[1] for leaf, end in skeleton.ends.items())]
    return float(max(heights) - min(heights))


def _seen(person: Person) -> Flags:
    return ~_in_spans([(gap.start, gap.end) for gap in person.gaps], len(person))


def _swapped(person: Person) -> Flags:
    return _in_spans([(swap.start, swap.end) for swap in person.swaps], len(person))


def _in_spans(spans: list[tuple[int, int]], frames: int) -> Flags:
    inside = np.zeros(frames, bool)
    for start, end in spans:
        inside[start:end] = True
    return inside


def _mean_of_known(values: Array) -> Array:
    """The mean (T,) over the second axis of what is finite; NaN where nothing is."""
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=1)
    count = known.sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0))


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(value, DECIMALS) + 0.0
