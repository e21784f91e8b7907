"""The steps of the solve, in order: each takes a scene and returns the next one.

A step adds its name and its constants to the scene's record, so that a take records what ran.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mocap.model import rotation
from mocap.model.camera import Camera, pitch_and_roll, world_from_camera
from mocap.model.errors import MocapError
from mocap.model.keypoints import Keypoints2D
from mocap.model.motion import Motion
from mocap.model.rotation import Array, Flags
from mocap.model.take import Gap, Person
from mocap.solve import bone_lengths, closed_form, optimise, terms
from mocap.solve.clean import filters, keypoints, left_right
from mocap.solve.contact import detection, ground, lock, points
from mocap.solve.lift import create_lifter, rays
from mocap.solve.scene import Actor, Scene
from mocap.solve.settings import SolveSettings

FEWEST_FRAMES_S = 0.2  # fewer visible frames make no motion
LEAST_SIZE_PIXELS = 1.0  # of a body in the image; less is a point
ALIGNMENT_ROUNDS = 2  # of pose, then camera; the ground hardly moves after the second
Step = Callable[[Scene], Scene]


def fewest_frames(fps: float) -> float:
    """The least number of visible frames that make a motion."""
    return max(2.0, FEWEST_FRAMES_S * fps)


def repair_sides(scene: Scene) -> Scene:
    """Find the frames in which the network exchanged left and right."""
    cuts = scene.take.cuts
    people = [
        replace(a.person, swaps=left_right.find_swaps(a.person.keypoints_2d, a.person.keypoints_3d, cuts))
        for a in scene.actors
    ]
    actors = tuple(replace(actor, person=person) for actor, person in zip(scene.actors, people))
    return scene.with_actors(actors, {"name": "left_right_swaps", "switch_cost": left_right.SWITCH_COST})


def clean_keypoints(scene: Scene) -> Scene:
    """Remove outliers, fill short gaps, low-pass. Raises MocapError for a person who is visible too briefly."""
    take, settings = scene.take, scene.settings
    actors = []
    for actor in scene.actors:
        _require_a_body(actor.person, scene)
        image = keypoints.clean_image(actor.person, settings, take)
        _require_size(image)
        actors.append(replace(actor, image=image, depth=keypoints.clean_depth(actor.person, settings, take)))
    name, cutoff_hz = settings.filter_name, settings.cutoff_hz
    return scene.with_actors(
        tuple(actors),
        {"name": "hampel", "half_window_s": filters.HAMPEL_HALF_WINDOW_S, "sigmas": filters.HAMPEL_SIGMAS},
        {"name": "fill_gaps", "max_gap_s": filters.MAX_GAP_S},
        {"name": name, "cutoff_hz": cutoff_hz},
        {"name": f"{name} of depth", "cutoff_hz": keypoints.DEPTH_CUTOFF_FRACTION * cutoff_hz},
    )


def _require_a_body(person: Person, scene: Scene) -> None:
    visible = int(np.sum(person.keypoints_2d.confidence.any(axis=1)))
    if visible < fewest_frames(float(scene.take.fps)):
        where = f"person {person.id} of {scene.take.source.name} is visible in {visible} frames"
        raise MocapError(f"{where}, too few for a motion; choose a part in which they are visible for longer")


def _require_size(image: Keypoints2D) -> None:
    xy = image.xy[image.confidence.any(axis=1)]
    if np.max(np.nanmax(xy, axis=1) - np.nanmin(xy, axis=1), initial=0.0) < LEAST_SIZE_PIXELS:
        raise MocapError("all keypoints of a person lie in one point; process the video again")


def lift_keypoints(scene: Scene) -> Scene:
    """Estimate the keypoints' depth, scaled to the person's height where it is known.

    The image keypoints are replaced by the projection of the lifted ones, since the lifter corrects them too.
    """
    lifter, height_m = create_lifter(scene.settings.lifter), scene.settings.height_m
    actors = []
    for actor in scene.actors:
        lifted = lifter.lift(actor.image, actor.depth, scene.camera)
        if height_m is not None:
            lifted = replace(
                lifted, points=rays.scaled(lifted.points, height_m / bone_lengths.body_height(lifted.points))
            )
        projected = scene.camera.project(lifted.points.xyz)
        image = replace(actor.image, xy=np.where(np.isfinite(projected), projected, actor.image.xy))
        actors.append(replace(actor, image=image, lifted=lifted))
    return scene.with_actors(tuple(actors), {"name": "distance_low_pass", "cutoff_hz": rays.DISTANCE_CUTOFF_HZ})


def level_camera(scene: Scene) -> Scene:
    """Orient the camera by the lifter's estimate of up, the median of all people and frames."""
    ups = [
        actor.lifted.up[actor.image.confidence.any(axis=1)]
        for actor in scene.actors
        if actor.lifted is not None and actor.lifted.up is not None
    ]
    up = np.asarray(np.median(np.concatenate(ups), axis=0)) if ups else None
    return replace(scene, camera=_oriented(scene.camera, up, scene.settings))


def _oriented(camera: Camera, up: Array | None, settings: SolveSettings) -> Camera:
    """The camera at the origin: angles as in the settings, else from up (3,) along its axes, else level."""
    pitch, roll = pitch_and_roll(up) if up is not None else (0.0, 0.0)
    given = settings.camera_pitch_degrees, settings.camera_roll_degrees
    angles = (own if own is not None else estimated for own, estimated in zip(given, (pitch, roll)))
    return replace(camera, T_world_camera=world_from_camera(*angles))


def align(scene: Scene) -> Scene:
    """Pose, camera and ground in a loop: feet in contact show the ground, and the ground levels the camera."""
    scene = solve_pose(scene)
    for _ in range(ALIGNMENT_ROUNDS - 1):
        level = _oriented(scene.camera, _ground_up(scene), scene.settings)
        if np.array_equal(level.T_world_camera, scene.camera.T_world_camera):
            break
        scene = solve_pose(replace(scene, camera=level))
    return scene


def solve_pose(scene: Scene) -> Scene:
    """Inverse kinematics in closed form; feet in contact fix the body's distance and are laid flat on the ground."""
    actors = []
    for actor in scene.actors:
        motion = lock.flatten_feet(_at_distance(actor, scene.camera), actor.image, scene.camera)
        actors.append(replace(actor, motion=motion))
    return scene.with_actors(
        tuple(actors),
        {"name": "distance_correction", "cutoff_hz": lock.DISTANCE_CUTOFF_HZ},
        {"name": "flatten_feet", "ramp_s": lock.FLAT_RAMP_S},
    )


def _at_distance(actor: Actor, camera: Camera) -> Motion:
    """The motion, solved twice: feet in contact in the first solution show the body's real distance."""
    assert actor.lifted is not None
    lifted = actor.lifted.points
    world = replace(lifted, xyz=camera.to_world(lifted.xyz))
    skeleton = bone_lengths.fit_skeleton(world)
    correction = lock.distance_correction(closed_form.solve(world, skeleton), actor.image, camera)
    moved = rays.moved_away(lifted, correction)
    return closed_form.solve(replace(moved, xyz=camera.to_world(moved.xyz)), skeleton)


def _ground_up(scene: Scene) -> Array:
    """Up (3,) along the camera's axes, perpendicular to the ground under the contacts of all people."""
    positions = []
    for actor in scene.actors:
        observed = actor.observed(scene.camera)
        positions.append(ground.contact_positions(observed.motion, detection.detect_contacts(observed)))
    normal = ground.ground_normal(np.concatenate(positions))
    return np.asarray(scene.camera.T_world_camera[:3, :3].T @ normal)


def place_in_world(scene: Scene) -> Scene:
    """Move the world's origin to the ground under the first person's first visible frame."""
    motion, _ = scene.actors[0].posed()
    T_world_camera = scene.camera.T_world_camera.copy()
    T_world_camera[:3, 3] = _to_origin(motion, scene.actors[0].image, scene.camera)
    actors = []
    for actor in scene.actors:
        motion, _ = actor.posed()
        actors.append(replace(actor, motion=replace(motion, root_world=motion.root_world + T_world_camera[:3, 3])))
    return replace(scene, camera=replace(scene.camera, T_world_camera=T_world_camera), actors=tuple(actors))


def _to_origin(motion: Motion, image: Keypoints2D, camera: Camera) -> Array:
    """Shift (3,) that puts the ground under the feet at y = 0 and the first visible root over the origin."""
    present = image.confidence.any(axis=1)
    heights = ground.rest_heights(motion, image, camera)
    floor = np.median(heights) if len(heights) else ground.floor_height(motion, present)
    first = motion.root_world[np.argmax(present)]
    return np.array([-first[0], -floor, -first[2]])


def put_on_ground(scene: Scene) -> Scene:
    """Ground alignment: put soles in contact at the ground's height and lift toes that would be under it."""
    actors = []
    for actor in scene.actors:
        motion, _ = actor.posed()
        on_floor = ground.put_on_floor(motion, actor.image, scene.camera)
        actors.append(replace(actor, motion=lock.lift_toes(on_floor)))
    return scene.with_actors(
        tuple(actors), {"name": "put_on_floor", "cutoff_hz": ground.FLOOR_CUTOFF_HZ}, {"name": "lift_toes"}
    )


def detect_contacts(scene: Scene) -> Scene:
    """Decide which contact points are on the ground: the take's own contacts where they are kept, else the cues."""
    actors = []
    for actor in scene.actors:
        given = actor.person.contacts if scene.keeps_contacts else {}
        if given:
            contacts = points.flags_of(given, len(actor.person))
        elif scene.settings.solver == "refined":
            contacts = detection.detect_contacts(actor.observed(scene.camera))
        else:
            motion, _ = actor.posed()
            spans = detection.spans_by_rule(motion, scene.is_present(actor.person))
            contacts = points.flags_of(spans, len(motion))
        actors.append(replace(actor, contacts=contacts))
    return replace(scene, actors=tuple(actors))


def optimise_motion(scene: Scene) -> Scene:
    """Trajectory optimisation: fit the motion to all the evidence at once. Skipped by the fast solver."""
    if scene.settings.solver != "refined":
        return scene
    actors = []
    for actor in scene.actors:
        motion, lifted = actor.posed()
        assert actor.contacts is not None
        contacts, fps = actor.contacts, float(scene.take.fps)
        held = contacts if scene.settings.foot_lock == "auto" else np.zeros_like(contacts)
        evidence = terms.Evidence(
            actor.image,
            lifted.points.xyz[..., 2],
            scene.camera,
            lock.lock_weights(held, fps),
            ground.ground_heights(motion, contacts),
            detection.is_falling(motion),
        )
        fitted = lock.lift_toes(optimise.optimise(motion, evidence, scene.take.cuts))
        actors.append(replace(actor, motion=fitted))
    return scene.with_actors(tuple(actors), {"name": "refine", "rounds": optimise.ROUNDS})


def finish(scene: Scene) -> Scene:
    """Hold the nearest pose where a person is not visible, and store contacts and gaps with the person."""
    actors = []
    for actor in scene.actors:
        motion, _ = actor.posed()
        assert actor.contacts is not None
        present = scene.is_present(actor.person)
        contacts = {
            point: list(filters.runs(actor.contacts[:, i] & present))
            for i, point in enumerate(points.CONTACT_KEYPOINTS)
        }
        motion = _held_in_gaps(motion, present)
        gaps = [Gap(start, end, "not seen") for start, end in filters.runs(~present)]
        person = replace(actor.person, motion=motion, contacts=contacts, gaps=gaps)
        actors.append(replace(actor, person=person, motion=motion))
    return scene.with_actors(tuple(actors))


def _held_in_gaps(motion: Motion, present: Flags) -> Motion:
    """The motion with the pose of the nearest visible frame, at confidence 0, wherever the person is not visible."""
    frames = np.arange(len(motion), dtype=float)
    nearest = filters.hold_nearest(np.where(present, frames, np.nan)[:, None])[:, 0].astype(int)
    return replace(
        motion,
        root_world=motion.root_world[nearest],
        local_wxyz=rotation.make_continuous(motion.local_wxyz[nearest]),
        confidence=np.where(present[:, None], motion.confidence, 0.0),
    )


STEPS: tuple[Step, ...] = (
    repair_sides,
    clean_keypoints,
    lift_keypoints,
    level_camera,
    align,
    place_in_world,
    put_on_ground,
    detect_contacts,
    optimise_motion,
    finish,
)
