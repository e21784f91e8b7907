"""Corrections of a solved take: keypoints placed by hand change the motion around their frames, and nowhere else.

In the frame itself, the pose gets the smallest change that moves it to the placed keypoints. Before and after it, the
change fades out. Skeleton, camera, floor and all frames outside of that window do not change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mocap.model import kinematics, rotation
from mocap.model.body import BODY
from mocap.model.errors import MocapError
from mocap.model.labels import OCCLUDED, Sample
from mocap.model.motion import Motion
from mocap.model.rotation import Array
from mocap.model.take import Person, Take
from mocap.solve.clean.filters import runs
from mocap.solve.contact.detection import CONTACT
from mocap.solve.contact.points import contact_points
from mocap.solve.edit.corrected_pose import Placed, PoseChange, nearest_pose

WINDOW_S = 0.5  # a correction changes less than this time before and after its frame
FEWEST_FRAMES = 5  # in which a keypoint must be visible to estimate its offset on its bone


@dataclass(frozen=True, eq=False)
class Anchor:
    """The point of the body at which a keypoint lies: index of a joint, and offset (3,) in its frame, metres."""

    joint: int
    offset: Array


def correct(take: Take, samples: Sequence[Sample]) -> Take:
    """Correct the motion of a take by keypoints that somebody placed.

    Parameters
    ----------
    take : with motion.
    samples : labels of frames of the take's clip, in the take's layout.

    Returns
    -------
    Take
        With changed motion at most WINDOW_S around each sample. A contact ends where its foot was moved away.

    Raises
    ------
    MocapError
        If no keypoint is placed, samples are of another clip or person, or the take has no motion.
    """
    used = [sample for sample in samples if sample.is_placed.any()]
    if not used:
        raise MocapError("the corrections contain no placed keypoint: there is nothing to solve")
    people = {person.id: person for person in take.people}
    for sample in used:
        _check(take, people, sample)
    for number in sorted({sample.person for sample in used}):
        people[number] = _corrected(take, people[number], [sample for sample in used if sample.person == number])
    entry = {
        "name": "corrections",
        "frames": sorted({sample.frame for sample in used}),
        "keypoints": int(sum(sample.is_placed.sum() for sample in used)),
    }
    return replace(take, people=tuple(people.values()), filters=[*take.filters, entry], quality={})


def _check(take: Take, people: dict[int, Person], sample: Sample) -> None:
    where = f"the corrections of {sample.image}, frame {sample.frame}"
    if sample.image != take.source.name or sample.size not in ((0, 0), tuple(take.camera.size)):
        raise MocapError(f"{where} are of another clip than the take's, {take.source.name}; give the file of that clip")
    if sample.frame >= take.frames:
        raise MocapError(f"{where}: the take has {take.frames} frames only; give the file of its own clip")
    if sample.person not in people:
        known = ", ".join(map(str, people))
        raise MocapError(f"{where}: the take has no person {sample.person}, only: {known}; give the file of its clip")
    if people[sample.person].motion is None:
        raise MocapError(f"person {sample.person} has no motion yet: run `mocap solve` on the take first")


def _corrected(take: Take, person: Person, samples: list[Sample]) -> Person:
    motion = person.motion
    assert motion is not None  # checked
    anchors = anchors_of(person, take, skipped=[sample.frame for sample in samples])
    changes = {
        sample.frame: nearest_pose(
            motion,
            sample.frame,
            take.camera,
            placed=_placed(sample, anchors, take),
            in_contact=[point for point, spans in person.contacts.items() if _is_in(sample.frame, spans)],
        )
        for sample in samples
    }
    changed = blended(motion, changes, take.cuts)
    confidence = motion.confidence.copy()
    for sample in samples:
        for joint, keypoint in BODY.keypoint_of_joint.items():
            if keypoint in sample.layout.names and sample.is_placed[sample.layout.index(keypoint)]:
                confidence[sample.frame, motion.skeleton.index(joint)] = 1.0
    changed = replace(changed, confidence=confidence)
    return replace(person, motion=changed, contacts=_kept_contacts(person, motion, changed))


def _is_in(frame: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= frame < end for start, end in spans)


def _placed(sample: Sample, anchors: dict[str, Anchor], take: Take) -> list[Placed]:
    placed = []
    positions = take.in_camera(np.broadcast_to(sample.xy, (take.frames, *sample.xy.shape)))[sample.frame]
    for name, xy, visibility in zip(sample.layout.names, positions, sample.visibility):
        if visibility < OCCLUDED:
            continue
        if name not in anchors:
            known = ", ".join(anchors)
            raise MocapError(f"frame {sample.frame}: {name} cannot be corrected in this take, only: {known}")
        anchor = anchors[name]
        placed.append(Placed(anchor.joint, anchor.offset, xy, is_hidden=bool(visibility == OCCLUDED)))
    return placed


def anchors_of(person: Person, take: Take, *, skipped: Sequence[int] = ()) -> dict[str, Anchor]:
    """Estimate the point of the body at which each keypoint of a person lies.

    Parameters
    ----------
    person : with motion.
    take : that of the person, for its camera.
    skipped : frames whose keypoints are wrong.

    Returns
    -------
    dict
        Anchors by keypoint. A keypoint of a joint lies at the joint. Any other is fixed to a bone, at the offset that
        fits all frames best; it has no anchor if it is visible in fewer than FEWEST_FRAMES frames.
    """
    motion, keypoints = person.motion, person.keypoints_2d
    assert motion is not None
    skeleton = motion.skeleton
    anchors = {
        keypoint: Anchor(skeleton.index(joint), np.zeros(3)) for joint, keypoint in BODY.keypoint_of_joint.items()
    }
    weights = keypoints.confidence.copy()
    weights[list(skipped)] = 0
    for gap in person.gaps:
        weights[gap.start : gap.end] = 0
    world = kinematics.world_rotations(skeleton, motion.local_wxyz)
    joints = kinematics.forward_kinematics(skeleton, motion.root_world, world)
    for k, name in enumerate(keypoints.layout.names):
        bone = BODY.bone_of_marker.get(name)
        if name in anchors or bone is None or np.sum(weights[:, k] > 0) < FEWEST_FRAMES:
            continue
        joint = skeleton.index(bone)
        axes = rotation.wxyz_to_matrix(world[:, joint])
        xy = take.in_camera(keypoints.xy[:, k])
        anchors[name] = Anchor(joint, _offset(joints[:, joint], axes, xy, weights[:, k], take))
    return {name: anchor for name, anchor in anchors.items() if name in keypoints.layout.names}


def _offset(origins: Array, axes: Array, xy: Array, weights: Array, take: Take) -> Array:
    """The offset (3,) in a bone's frame whose image positions fit xy (T, 2) best, by linear least squares.

    For a ray (x, y, 1) in the camera and a point p + R·o there, X − x·Z = 0 and Y − y·Z = 0 are linear in o (Hartley &
    Zisserman, "Multiple View Geometry", ch. 12.2). A second fit leaves out the half with the larger errors (outliers).
    """
    known = np.flatnonzero(weights > 0)
    camera = take.camera
    rays = camera.rays(xy[known])[:, :2]
    base = camera.to_camera(origins[known])
    R = camera.T_world_camera[:3, :3].T @ axes[known]
    A = R[:, :2] - rays[..., None] * R[:, 2:]  # (N, 2, 3)
    b = rays * base[:, 2:] - base[:, :2]
    offset = np.zeros(3)
    for kept in (np.full(len(known), True), None):
        if kept is None:
            errors = np.linalg.norm(A @ offset - b, axis=-1)
            kept = errors <= np.median(errors)
        w = weights[known][kept, None]
        offset = np.linalg.lstsq((w[..., None] * A[kept]).reshape(-1, 3), (w * b[kept]).ravel(), rcond=1e-3)[0]
    return np.asarray(offset)


def blended(motion: Motion, changes: dict[int, PoseChange], cuts: Sequence[int]) -> Motion:
    """Add the changes of single frames to a motion, faded out before and after.

    Parameters
    ----------
    motion : world frame, T frames.
    changes : by frame.
    cuts : frames with which a new scene begins; no change crosses them.

    Returns
    -------
    Motion
        A change ends after WINDOW_S or at the next changed frame. Between two changed frames within WINDOW_S, the
        weights of both changes add up to 1.
    """
    reach = WINDOW_S * float(motion.fps)
    frames = sorted(changes)
    root = motion.root_world.copy()
    rotations = np.zeros((len(motion), len(motion.skeleton), 3))
    for i, frame in enumerate(frames):
        before = min([reach, *(frame - other for other in frames[:i][-1:])])
        after = min([reach, *(other - frame for other in frames[i + 1 : i + 2])])
        weights = _fade(len(motion), frame, before, after, cuts)
        root += weights[:, None] * changes[frame].shift
        rotations += weights[:, None, None] * changes[frame].rotations
    is_changed = np.any(rotations != 0, axis=(1, 2)) | np.any(root != motion.root_world, axis=1)
    local = motion.local_wxyz.copy()
    local[is_changed] = rotation.multiply(local[is_changed], rotation.rotvec_to_wxyz(rotations[is_changed]))
    return replace(motion, root_world=root, local_wxyz=local)


def _fade(count: int, frame: int, before: float, after: float, cuts: Sequence[int]) -> Array:
    """Weights (T,) of a change in each frame: a raised cosine, 1 at the frame; 0 beyond a scene cut."""
    t = np.arange(count) - frame
    distance = np.where(t < 0, -t / before, t / after)
    weights = np.where(distance < 1, 0.5 + 0.5 * np.cos(np.pi * np.minimum(distance, 1)), 0.0)
    start = max((cut for cut in cuts if cut <= frame), default=0)
    end = min((cut for cut in cuts if cut > frame), default=count)
    weights[:start] = 0
    weights[end:] = 0
    return np.asarray(weights)


def _kept_contacts(person: Person, before: Motion, after: Motion) -> dict[str, list[tuple[int, int]]]:
    """The contacts without those frames in which the foot was moved away."""
    old, new = contact_points(before), contact_points(after)
    kept = {}
    for point, spans in person.contacts.items():
        stays = np.linalg.norm(new[point] - old[point], axis=-1) <= CONTACT.wander_m
        kept[point] = [(start + a, start + b) for start, end in spans for a, b in runs(stays[start:end])]
    return kept
