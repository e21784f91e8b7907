"""Corrections of a solved take: keypoints that somebody placed by hand bend the motion there, and nowhere else.

Skeleton, camera, floor and everything outside of the window around a corrected frame stay as they are. In the frame
itself the pose moves to the placed keypoints as little as it can; to both sides the change fades out.
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

WINDOW_S = 0.5  # a correction reaches less far than this, into the past and the future
LEAST_SIGHTINGS = 5  # of a keypoint, to tell where on its bone it lies


@dataclass(frozen=True, eq=False)
class Anchor:
    """Where a keypoint lies on the body: an offset (3,) in metres in a joint's frame."""

    joint: int
    offset: Array


def correct(take: Take, samples: Sequence[Sample]) -> Take:
    """The take with the motion of its people bent to placed keypoints, at most WINDOW_S around each; contacts there end
    where a foot was moved away.

    samples: frames of the take's clip, in the take's layout. Raises MocapError if they are of another clip or person,
    or where the take has no motion.
    """
    used = [sample for sample in samples if sample.is_placed.any()]
    if not used:
        raise MocapError("the corrections place no keypoint: there is nothing to solve")
    people = {person.id: person for person in take.people}
    for sample in used:
        _check(take, people, sample)
    for number in sorted({sample.person for sample in used}):
        people[number] = _corrected(take, people[number], [sample for sample in used if sample.person == number])
    told = {
        "name": "corrections",
        "frames": sorted({sample.frame for sample in used}),
        "keypoints": int(sum(sample.is_placed.sum() for sample in used)),
    }
    return replace(take, people=tuple(people.values()), filters=[*take.filters, told], quality={})


def _check(take: Take, people: dict[int, Person], sample: Sample) -> None:
    where = f"the corrections of {sample.image}, frame {sample.frame}"
    if sample.image != take.source.name or sample.size not in ((0, 0), tuple(take.camera.size)):
        raise MocapError(f"{where} are not of this take's clip, {take.source.name}; name its own file")
    if sample.frame >= take.frames:
        raise MocapError(f"{where}: the take has {take.frames} frames only; name its own file")
    if sample.person not in people:
        known = ", ".join(map(str, people))
        raise MocapError(f"{where}: the take has no person {sample.person}, only: {known}; name its own file")
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
            standing=[point for point, spans in person.contacts.items() if _is_in(sample.frame, spans)],
        )
        for sample in samples
    }
    bent = blended(motion, changes, take.cuts)
    confidence = motion.confidence.copy()
    for sample in samples:
        for joint, keypoint in BODY.keypoint_of_joint.items():
            if keypoint in sample.layout.names and sample.is_placed[sample.layout.index(keypoint)]:
                confidence[sample.frame, motion.skeleton.index(joint)] = 1.0
    bent = replace(bent, confidence=confidence)
    return replace(person, motion=bent, contacts=_kept_contacts(person, motion, bent))


def _is_in(frame: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= frame < end for start, end in spans)


def _placed(sample: Sample, anchors: dict[str, Anchor], take: Take) -> list[Placed]:
    placed = []
    places = take.in_camera(np.broadcast_to(sample.xy, (take.frames, *sample.xy.shape)))[sample.frame]
    for name, xy, visibility in zip(sample.layout.names, places, sample.visibility):
        if visibility < OCCLUDED:
            continue
        if name not in anchors:
            known = ", ".join(anchors)
            raise MocapError(f"frame {sample.frame}: {name} cannot be corrected in this take, only: {known}")
        anchor = anchors[name]
        placed.append(Placed(anchor.joint, anchor.offset, xy, is_hidden=bool(visibility == OCCLUDED)))
    return placed


def anchors_of(person: Person, take: Take, *, skipped: Sequence[int] = ()) -> dict[str, Anchor]:
    """Where each keypoint of a person with a motion lies on the body, by name; skipped: frames that are wrong.

    Joints are seen at themselves. Others are fixed to a bone, where they are seen in the mean over the take; those
    hardly ever seen have no anchor.
    """
    motion, seen = person.motion, person.keypoints_2d
    assert motion is not None
    skeleton = motion.skeleton
    anchors = {
        keypoint: Anchor(skeleton.index(joint), np.zeros(3)) for joint, keypoint in BODY.keypoint_of_joint.items()
    }
    weights = seen.confidence.copy()
    weights[list(skipped)] = 0
    for gap in person.gaps:
        weights[gap.start : gap.end] = 0
    world = kinematics.world_rotations(skeleton, motion.local_wxyz)
    places = kinematics.forward_kinematics(skeleton, motion.root_world, world)
    for k, name in enumerate(seen.layout.names):
        bone = BODY.bone_of_marker.get(name)
        if name in anchors or bone is None or np.sum(weights[:, k] > 0) < LEAST_SIGHTINGS:
            continue
        joint = skeleton.index(bone)
        axes = rotation.wxyz_to_matrix(world[:, joint])
        xy = take.in_camera(seen.xy[:, k])
        anchors[name] = Anchor(joint, _offset(places[:, joint], axes, xy, weights[:, k], take))
    return {name: anchor for name, anchor in anchors.items() if name in seen.layout.names}


def _offset(places: Array, axes: Array, xy: Array, weights: Array, take: Take) -> Array:
    """The offset (3,) in a bone's frame that is seen at xy (T, 2), by least squares.

    For a ray (x, y, 1) in the camera and a point p + R·o there, X − x·Z = 0 and Y − y·Z = 0 are linear in o (Hartley &
    Zisserman, "Multiple View Geometry", ch. 12.2). Fitted again without the worse half, so that errors do not count.
    """
    known = np.flatnonzero(weights > 0)
    camera = take.camera
    rays = camera.rays(xy[known])[:, :2]
    base = camera.to_camera(places[known])
    turned = camera.T_world_camera[:3, :3].T @ axes[known]
    A = turned[:, :2] - rays[..., None] * turned[:, 2:]  # (N, 2, 3)
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
    """The motion with the change of each frame faded out to both sides, until the next changed frame or WINDOW_S.

    Between two changed frames within WINDOW_S the one passes into the other: their shares add up to 1.
    """
    reach = WINDOW_S * float(motion.fps)
    frames = sorted(changes)
    root = motion.root_world.copy()
    turns = np.zeros((len(motion), len(motion.skeleton), 3))
    for i, frame in enumerate(frames):
        before = min([reach, *(frame - other for other in frames[:i][-1:])])
        after = min([reach, *(other - frame for other in frames[i + 1 : i + 2])])
        shares = _shares(len(motion), frame, before, after, cuts)
        root += shares[:, None] * changes[frame].shift
        turns += shares[:, None, None] * changes[frame].turns
    is_changed = np.any(turns != 0, axis=(1, 2)) | np.any(root != motion.root_world, axis=1)
    local = motion.local_wxyz.copy()
    local[is_changed] = rotation.multiply(local[is_changed], rotation.rotvec_to_wxyz(turns[is_changed]))
    return replace(motion, root_world=root, local_wxyz=local)


def _shares(count: int, frame: int, before: float, after: float, cuts: Sequence[int]) -> Array:
    """How much (T,) of a change each frame gets: a cosine bell, 1 at the frame; none beyond a scene cut."""
    t = np.arange(count) - frame
    distance = np.where(t < 0, -t / before, t / after)
    shares = np.where(distance < 1, 0.5 + 0.5 * np.cos(np.pi * np.minimum(distance, 1)), 0.0)
    start = max((cut for cut in cuts if cut <= frame), default=0)
    end = min((cut for cut in cuts if cut > frame), default=count)
    shares[:start] = 0
    shares[end:] = 0
    return np.asarray(shares)


def _kept_contacts(person: Person, before: Motion, after: Motion) -> dict[str, list[tuple[int, int]]]:
    """The contacts without those frames in which the foot was moved away."""
    old, new = contact_points(before), contact_points(after)
    kept = {}
    for point, spans in person.contacts.items():
        stays = np.linalg.norm(new[point] - old[point], axis=-1) <= CONTACT.wander_m
        kept[point] = [(start + a, start + b) for start, end in spans for a, b in runs(stays[start:end])]
    return kept
