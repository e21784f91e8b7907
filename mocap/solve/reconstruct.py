"""Keypoints of a take become motion in a world with a floor: clean, lift, solve, stand.

This half of the work needs neither video nor networks: it runs on a take that was read from a file as well.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mocap.model import rotation
from mocap.model.camera import Camera, intrinsics_from_fov, pitch_and_roll, world_from_camera
from mocap.model.errors import MocapError, unknown_name
from mocap.model.keypoints import Keypoints2D, Keypoints3D
from mocap.model.motion import Motion
from mocap.model.rotation import Array, Flags
from mocap.model.take import Gap, Person, Take
from mocap.solve import bone_lengths, closed_form, optimise, terms
from mocap.solve.clean import filters, left_right
from mocap.solve.contact import detection, ground, standing
from mocap.solve.lift import DEFAULT_LIFTER, create_lifter, rays
from mocap.solve.lift.rays import Lifted

OUTLIER_FLOOR = 0.02  # of the person's box: two points of the network closer than this are both good
OUTLIER_FLOOR_M = 0.03
DEPTH_CUTOFF_SHARE = 0.4  # of the filter's cut-off: judged depth trembles more than places in the picture
FEWEST_FRAMES_S = 0.2  # fewer seen frames make no motion
SOLVERS = ("refined", "fast")
CAMERA_MOTIONS = ("auto", "static", "moving")
FOOT_LOCKS = ("auto", "off")


@dataclass(frozen=True)
class SolveSettings:
    """What the user can say about the camera, the person and the smoothing.

    fov_degrees: of the camera's longer image side; None: the take's lens stays. camera_pitch_degrees: > 0 looks down.
    camera_roll_degrees: > 0 is clockwise seen from behind the camera; None for either: as the lifter sees people stand.
    height_m: the person's, or None for the lifter's guess. lifter: one of lift.LIFTERS. filter_name: one of
    smooth.FILTERS. solver: one of SOLVERS: fitted to all the evidence, or the closed form alone. foot_lock: one of
    FOOT_LOCKS: whether standing feet are held still. camera_motion: one of CAMERA_MOTIONS: whether the camera turned;
    auto: as the background shows.
    """

    fov_degrees: float | None = None
    camera_pitch_degrees: float | None = None
    camera_roll_degrees: float | None = None
    height_m: float | None = None
    lifter: str = DEFAULT_LIFTER
    filter_name: str = "butterworth"
    cutoff_hz: float = filters.DEFAULT_CUTOFF_HZ
    solver: str = SOLVERS[0]
    foot_lock: str = FOOT_LOCKS[0]
    camera_motion: str = CAMERA_MOTIONS[0]

    def __post_init__(self) -> None:
        _require(
            self.fov_degrees is None or 1 <= self.fov_degrees < 170,
            f"--fov must lie between 1 and 170 degrees, not {self.fov_degrees or 0:g}",
        )
        _require(abs(self.camera_pitch_degrees or 0) < 90, "--camera-pitch must lie between -90 and 90 degrees")
        _require(abs(self.camera_roll_degrees or 0) <= 180, "--camera-roll must lie between -180 and 180 degrees")
        _require(
            self.height_m is None or 0.3 <= self.height_m <= 3.0,
            "--height must lie between 0.3 and 3 metres (1.75, say)",
        )
        filters.check_filter(self.filter_name, self.cutoff_hz)
        if self.solver not in SOLVERS:
            raise unknown_name("solver", self.solver, list(SOLVERS))
        if self.camera_motion not in CAMERA_MOTIONS:
            raise unknown_name("motion of the camera", self.camera_motion, list(CAMERA_MOTIONS))
        if self.foot_lock not in FOOT_LOCKS:
            raise unknown_name("foot lock", self.foot_lock, list(FOOT_LOCKS))

    def as_json(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> SolveSettings:
        """The settings stored in a take; what is not stored has its default, unknown keys are ignored."""
        known = {key: value for key, value in values.items() if key in cls.__dataclass_fields__}
        try:
            return cls(**known)
        except (TypeError, OverflowError) as error:
            raise MocapError(f"the take's settings are damaged ({error}); process the video again") from error


def fewest_frames(fps: float) -> float:
    """How many frames of somebody make a motion, at least."""
    return max(2.0, FEWEST_FRAMES_S * fps)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise MocapError(message)


def reconstruct(take: Take, settings: SolveSettings, *, keeps_contacts: bool = False) -> Take:
    """The take with swaps, motion, contacts, gaps and camera solved anew from its keypoints.

    keeps_contacts: feet stand when the take says so, as somebody may have edited it, not when they seem to.
    Raises MocapError if nobody is seen long enough.
    """
    if not take.people:
        raise MocapError(f"the take of {take.source.name} holds nobody; process the video again")
    take = replace(take, people=tuple(_with_swaps(person, take.cuts) for person in take.people))
    if not keeps_contacts:
        take = replace(take, people=tuple(replace(person, contacts={}) for person in take.people))
    if settings.camera_motion == "moving" and take.camera_path is None:
        raise MocapError(f"the take of {take.source.name} does not say how the camera turned; process the video again")
    if settings.camera_motion == "static":
        take = replace(take, camera_path=None)
    K = intrinsics_from_fov(settings.fov_degrees, take.source.size) if settings.fov_degrees else take.camera.K
    camera = Camera(K, np.eye(4), take.source.size)
    seen = [_lifted(person, take, camera, settings) for person in take.people]
    camera = replace(camera, T_world_camera=_orientation(_judged_up(seen), settings))
    solved = [_solved(lifted.points, image, camera) for image, lifted in seen]
    level = replace(camera, T_world_camera=_orientation(_ground_up(seen, solved, camera), settings))
    if not np.array_equal(level.T_world_camera, camera.T_world_camera):
        camera = level
        solved = [_solved(lifted.points, image, camera) for image, lifted in seen]
    T_world_camera = camera.T_world_camera.copy()
    T_world_camera[:3, 3] = _onto_origin(solved[0], seen[0][0], camera)
    camera = replace(camera, T_world_camera=T_world_camera)
    people = tuple(
        _placed(person, motion, parts, camera, replace(take, settings=settings.as_json()))
        for person, motion, parts in zip(take.people, solved, seen)
    )
    return replace(
        take,
        people=people,
        camera=camera,
        settings=settings.as_json(),
        filters=_filters(settings),
        quality={},
    )


def _with_swaps(person: Person, cuts: list[int]) -> Person:
    return replace(person, swaps=left_right.find_swaps(person.keypoints_2d, person.keypoints_3d, cuts))


def clean_image(person: Person, settings: SolveSettings, take: Take) -> Keypoints2D:
    """The person's image keypoints as the take's camera sees them: without swaps and outliers, low-passed, with short
    gaps filled."""
    keypoints = left_right.repair_2d(person.keypoints_2d, person.swaps)
    keypoints = replace(keypoints, xy=take.in_camera(keypoints.xy))
    floor = OUTLIER_FLOOR * np.nanmax(np.nan_to_num(person.boxes[:, 2:] - person.boxes[:, :2]), axis=1)
    xy = _clean(keypoints.xy, float(keypoints.fps), floor[:, None], settings, take.cuts)
    return Keypoints2D(keypoints.layout, xy, _filled_confidence(xy, keypoints.confidence), keypoints.fps)


def _clean_depth(person: Person, settings: SolveSettings, cuts: list[int]) -> Keypoints3D | None:
    if person.keypoints_3d is None:
        return None
    keypoints = left_right.repair_3d(person.keypoints_3d, person.swaps)
    fps, floor = float(keypoints.fps), np.array(OUTLIER_FLOOR_M)
    xyz = _clean(keypoints.xyz, fps, floor, settings, cuts)
    slow = filters.low_pass(
        xyz[..., 2], fps, name=settings.filter_name, cutoff_hz=DEPTH_CUTOFF_SHARE * settings.cutoff_hz, cuts=cuts
    )
    xyz = np.concatenate([xyz[..., :2], slow[..., None]], axis=-1)
    return Keypoints3D(keypoints.layout, xyz, _filled_confidence(xyz, keypoints.confidence), keypoints.fps)


def _clean(points: Array, fps: float, floor: Array, settings: SolveSettings, cuts: list[int]) -> Array:
    points = np.where(filters.is_outlier(points, fps, floor=floor)[..., None], np.nan, points)
    points = filters.fill_gaps(points, fps, cuts=cuts)
    return filters.low_pass(points, fps, name=settings.filter_name, cutoff_hz=settings.cutoff_hz, cuts=cuts)


def _filled_confidence(points: Array, confidence: Array) -> Array:
    """Confidence (T, K) after cleaning: that of the nearest seen frame where a gap was filled, 0 where missing."""
    held = filters.hold_nearest(np.where(confidence > 0, confidence, np.nan))
    return np.where(np.isnan(points[..., 0]), 0.0, np.nan_to_num(held))


def _lifted(person: Person, take: Take, camera: Camera, settings: SolveSettings) -> tuple[Keypoints2D, Lifted]:
    """Where the person's keypoints are in the camera's frame, and their pictures there, from the cleaned ones."""
    seen = int(np.sum(person.keypoints_2d.confidence.any(axis=1)))
    if seen < fewest_frames(float(take.fps)):
        where = f"person {person.id} of {take.source.name} is seen in {seen} frames"
        raise MocapError(f"{where}, which make no motion; choose a part where they are in view for longer")
    image = clean_image(person, settings, take)
    xy = image.xy[image.confidence.any(axis=1)]
    if np.max(np.nanmax(xy, axis=1) - np.nanmin(xy, axis=1), initial=0.0) < 1.0:  # pixel
        raise MocapError("no frame shows a body, only a point; process the video again")
    lifted = create_lifter(settings.lifter).lift(image, _clean_depth(person, settings, take.cuts), camera)
    if settings.height_m is not None:
        grown = rays.scaled(lifted.points, settings.height_m / bone_lengths.body_height(lifted.points))
        lifted = replace(lifted, points=grown)
    pictures = camera.project(lifted.points.xyz)
    return replace(image, xy=np.where(np.isfinite(pictures), pictures, image.xy)), lifted


def _judged_up(seen: list[tuple[Keypoints2D, Lifted]]) -> Array | None:
    """Up (3,) along the camera's axes as all people in all frames are judged to stand, or None."""
    ups = [lifted.up[image.confidence.any(axis=1)] for image, lifted in seen if lifted.up is not None]
    return np.asarray(np.median(np.concatenate(ups), axis=0)) if ups else None


def _ground_up(seen: list[tuple[Keypoints2D, Lifted]], solved: list[Motion], camera: Camera) -> Array:
    """Up (3,) along the camera's axes as the ground lies on which all people stand."""
    places = [
        standing.standing_places(motion, standing.standing(motion, image, camera, lifted.contacts))
        for (image, lifted), motion in zip(seen, solved)
    ]
    return np.asarray(camera.T_world_camera[:3, :3].T @ standing.ground_normal(np.concatenate(places)))


def _orientation(up: Array | None, settings: SolveSettings) -> Array:
    """T_world_camera (4, 4) at the origin: as the user says, else by up (3,) along the camera's axes, else level."""
    pitch, roll = pitch_and_roll(up) if up is not None else (0.0, 0.0)
    said = settings.camera_pitch_degrees, settings.camera_roll_degrees
    return world_from_camera(*(own if own is not None else judged for own, judged in zip(said, (pitch, roll))))


def _solved(points: Keypoints3D, image: Keypoints2D, camera: Camera) -> Motion:
    return ground.flatten_feet(_solve_steady(points, image, camera), image, camera)


def _solve_steady(points: Keypoints3D, image: Keypoints2D, camera: Camera) -> Motion:
    """The motion of camera-frame points, solved twice: the feet of the first show how far away the body really was."""
    world = replace(points, xyz=camera.to_world(points.xyz))
    skeleton = bone_lengths.fit_skeleton(world)
    correction = ground.distance_correction(closed_form.solve(world, skeleton), image, camera)
    moved = rays.moved_away(points, correction)
    return closed_form.solve(replace(moved, xyz=camera.to_world(moved.xyz)), skeleton)


def _seen(person: Person, take: Take) -> Flags:
    """Frames (T,) in which the person was seen, short absences included."""
    present = np.where(person.keypoints_2d.confidence.any(axis=1), 1.0, np.nan)[:, None]
    return np.isfinite(filters.fill_gaps(present, float(take.fps), cuts=take.cuts)[:, 0])


def _onto_origin(motion: Motion, image: Keypoints2D, camera: Camera) -> Array:
    """Shift (3,) that puts the ground under the feet at y = 0 and the first seen root over the origin."""
    seen = image.confidence.any(axis=1)
    heights = ground.still_heights(motion, image, camera)
    floor = np.median(heights) if len(heights) else detection.floor_height(motion, seen)
    first = motion.root_world[np.argmax(seen)]
    return np.array([-first[0], -floor, -first[2]])


def _placed(person: Person, motion: Motion, parts: tuple[Keypoints2D, Lifted], camera: Camera, take: Take) -> Person:
    """The person in the world: on the floor, with contacts and gaps."""
    image = parts[0]
    seen = _seen(person, take)
    motion = replace(motion, root_world=motion.root_world + camera.T_world_camera[:3, 3])
    motion = ground.lift_toes(ground.put_on_floor(motion, image, camera))
    spans = None
    if take.settings["solver"] == "refined":
        told = standing.flags_of(person.contacts, len(motion)) if person.contacts else None
        motion, stands = _refined(motion, parts, camera, take, told)
        spans = {point: list(filters.runs(stands[:, i] & seen)) for i, point in enumerate(detection.FOOT_KEYPOINTS)}
    motion = _held_in_gaps(motion, seen)
    gaps = [Gap(start, end, "not seen") for start, end in filters.runs(~seen)]
    return replace(person, motion=motion, contacts=spans or detection.contact_spans(motion, seen), gaps=gaps)


def _refined(
    motion: Motion, parts: tuple[Keypoints2D, Lifted], camera: Camera, take: Take, told: Flags | None
) -> tuple[Motion, Flags]:
    """The motion fitted to the evidence, and which points of the feet stand (T, 4): as told, else as it seems."""
    image, lifted = parts
    stands = standing.standing(motion, image, camera, lifted.contacts) if told is None else told
    is_held = take.settings["foot_lock"] == "auto"
    held = standing.firmness(stands if is_held else np.zeros_like(stands), float(take.fps))
    depth = lifted.points.xyz[..., 2]
    grounds, falls = standing.ground_heights(motion, stands), standing.falls(motion)
    evidence = terms.Evidence(image, depth, camera, held, grounds, falls)
    return ground.lift_toes(optimise.refine(motion, evidence, take.cuts)), stands


def _held_in_gaps(motion: Motion, seen: Flags) -> Motion:
    """The motion with the pose of the nearest seen frame, at confidence 0, wherever the person was not seen (T,)."""
    frames = np.arange(len(motion), dtype=float)
    nearest = filters.hold_nearest(np.where(seen, frames, np.nan)[:, None])[:, 0].astype(int)
    return replace(
        motion,
        root_world=motion.root_world[nearest],
        local_wxyz=rotation.make_continuous(motion.local_wxyz[nearest]),
        confidence=np.where(seen[:, None], motion.confidence, 0.0),
    )


def _filters(settings: SolveSettings) -> list[dict[str, Any]]:
    return [
        {"name": "left_right_swaps", "switch_cost": left_right.SWITCH_COST},
        {"name": "hampel", "half_window_s": filters.HAMPEL_HALF_WINDOW_S, "sigmas": filters.HAMPEL_SIGMAS},
        {"name": "fill_gaps", "max_gap_s": filters.MAX_GAP_S},
        {"name": settings.filter_name, "cutoff_hz": settings.cutoff_hz},
        {"name": f"{settings.filter_name} of depth", "cutoff_hz": DEPTH_CUTOFF_SHARE * settings.cutoff_hz},
        {"name": "distance_low_pass", "cutoff_hz": rays.DISTANCE_CUTOFF_HZ},
        {"name": "distance_correction", "cutoff_hz": ground.DISTANCE_CUTOFF_HZ},
        {"name": "flatten_feet", "ramp_s": ground.FLAT_RAMP_S},
        {"name": "put_on_floor", "cutoff_hz": ground.FLOOR_CUTOFF_HZ},
        {"name": "lift_toes"},
        *([{"name": "refine", "rounds": optimise.ROUNDS}] if settings.solver == "refined" else []),
    ]
