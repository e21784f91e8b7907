"""Arms and legs drawn over their whole anatomical range: raised, crossed and straight arms, kicks, raised legs.

Hardly anybody was captured in such postures. A few key postures are drawn within the limits of the joints (American
Academy of Orthopaedic Surgeons 1965), held and moved between, and blend in and out of what was captured. Lengths are in
statures, angles in degrees.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.model.rotation import Array
from training.captured_bodies import LENGTHS, SIDES, Body, _at, _axes, _chest, _middle, _turned, _unit
from training.motions import FPS, PARTS, POINTS

# elevation from hanging, its plane (0 to the side, 90 forwards), outward rotation, bend of the elbow, twist of the hand
ARM_RANGE = np.array([(0, 178), (-60, 130), (-80, 90), (0, 145), (-80, 80)], dtype=float)
ARM_POSES = np.array([
    (5, 40, 0, 4, 0), (90, 0, 0, 3, -60), (90, 88, 0, 3, -30), (172, 30, 0, 4, 0), (135, 45, 0, 5, 0),
    (28, 75, -70, 105, 0), (48, 0, -35, 100, 30), (90, 0, 85, 90, 0), (60, 80, -20, 140, 0), (35, -70, -40, 40, 0),
    (80, 120, -30, 110, 0), (150, 60, 10, 130, 0),
], dtype=float)  # fmt: skip
LEG_RANGE = np.array([(-25, 125), (-15, 50), (-35, 40), (0, 150), (-25, 45)])  # flexed, apart, turned out, knee, ankle
BEHIND = (-20.0, 60.0)  # an arm is not drawn further back than so far when it is raised more than that
STRAIGHT_FRACTION, POSE_FRACTION, ALIKE_FRACTION = 0.35, 0.5, 0.4  # of drawn limbs
TRUNK = np.array([0.075, 0.30, 0.06])  # half width, length and half depth of what no wrist is drawn in


def with_drawn_arms(body: Body, rng: np.random.Generator) -> Body:
    """Draw the arms of a window against its chest: both alike, each its own way, or one alone.

    Parameters
    ----------
    body : Body
        A window of T frames.
    rng : numpy.random.Generator
        What decides.

    Returns
    -------
    Body
        The window with new elbows, wrists and hands.
    """
    points, frames, chest, T = body.points.copy(), body.frames.copy(), _chest(body.points), len(body.points)
    alike = _keyed(T, _arm_key, rng) if rng.random() < ALIKE_FRACTION else None
    alone = rng.integers(2) if alike is None and rng.random() < 0.3 else None
    weight = _blend(T, rng)
    for i, side in enumerate(SIDES):
        if i == alone:
            continue
        angles = _keyed(T, _arm_key, rng) if alike is None else alike + rng.normal(0, 4, (1, alike.shape[1]))
        upper, fore, thumb = (_turned(chest, _sided(v, side)) for v in arm_directions(angles))
        last = f"{side}_shoulder"
        for joint, way in (("elbow", upper), ("wrist", fore)):
            own = _at(body.points, f"{side}_{joint}") - _at(body.points, last)
            way = _unit(weight * way + (1 - weight) * _unit(own))
            length = np.linalg.norm(own, axis=-1, keepdims=True)
            points[:, POINTS.index(f"{side}_{joint}")] = _at(points, last) + length * way
            last = f"{side}_{joint}"
        hand = frames[:, PARTS.index(f"{side}_wrist")]
        along = weight * fore + (1 - weight) * hand[..., 1]
        frames[:, PARTS.index(f"{side}_wrist")] = _axes(weight * thumb + (1 - weight) * hand[..., 0], along)
    return Body(body.name, points, frames)


def arm_directions(angles: Array) -> tuple[Array, Array, Array]:
    """Directions of a left arm in the frame of the chest: x to the left, y up, z forwards.

    Parameters
    ----------
    angles : (T, 5)
        Elevation, its plane, outward rotation, bend of the elbow and twist of the hand, as in ``ARM_RANGE``, degrees.

    Returns
    -------
    upper, fore, thumb : (T, 3)
        Unit directions of upper arm, forearm, and of the thumb's side of the hand.
    """
    raised, plane, outward, bend, twist = np.radians(angles.T)
    upper = np.stack([np.sin(raised) * np.cos(plane), -np.cos(raised), np.sin(raised) * np.sin(plane)], axis=-1)
    axis = np.stack([-np.sin(plane), 0 * plane, np.cos(plane)], axis=-1)  # hanging turns to raised about it
    forwards = Rotation.from_rotvec(raised[:, None] * axis).apply(np.array([0.0, 0, 1]))
    bending = Rotation.from_rotvec(-outward[:, None] * upper).apply(forwards)
    c, s = np.cos(bend)[:, None], np.sin(bend)[:, None]
    fore = c * upper + s * bending
    thumb = Rotation.from_rotvec(twist[:, None] * fore).apply(c * bending - s * upper)
    return upper, fore, thumb


def _arm_key(rng: np.random.Generator) -> Array:
    """Angles (5,) of an arm whose wrist is not in the trunk."""
    for _ in range(10):
        if rng.random() < POSE_FRACTION:
            angles = ARM_POSES[rng.integers(len(ARM_POSES))] + rng.normal(0, (8, 12, 12, 6, 20))
        else:
            angles = rng.uniform(*ARM_RANGE.T)
            angles[3] *= rng.random() >= STRAIGHT_FRACTION
        angles = np.clip(angles, *ARM_RANGE.T)
        if angles[0] > BEHIND[1]:
            angles[1] = max(angles[1], BEHIND[0])
        upper, fore, _ = arm_directions(angles[None])
        wrist = (LENGTHS["upper_arm"] * upper + LENGTHS["forearm"] * fore)[0] + [LENGTHS["shoulder"], 0, 0]
        if not (np.abs(wrist[[0, 2]]) < TRUNK[[0, 2]]).all() or not -TRUNK[1] < wrist[1] < 0:
            break
    return angles


def with_drawn_legs(body: Body, rng: np.random.Generator) -> Body:
    """Draw one or both legs of a window freely against its pelvis, feet in the air.

    Parameters
    ----------
    body : Body
        A window of T frames.
    rng : numpy.random.Generator
        What decides.

    Returns
    -------
    Body
        The window with new knees, ankles, balls and feet; what is above the hips stays.
    """
    points, frames = body.points.copy(), body.frames.copy()
    pelvis = _pelvis(points)
    which = SIDES if rng.random() < 0.4 else (SIDES[rng.integers(2)],)
    for side in which:
        weight, angles = _blend(len(points), rng), _keyed(len(points), _leg_key, rng)
        thigh, shin, foot = leg_frames(angles, side)
        last = f"{side}_hip"
        for joint, turn in (("knee", thigh), ("ankle", shin)):
            own = _at(body.points, f"{side}_{joint}") - _at(body.points, last)
            way = _unit(weight * -_turned(pelvis, turn[..., 1]) + (1 - weight) * _unit(own))
            length = np.linalg.norm(own, axis=-1, keepdims=True)
            points[:, POINTS.index(f"{side}_{joint}")] = _at(points, last) + length * way
            last = f"{side}_{joint}"
        own = frames[:, PARTS.index(f"{side}_ankle")]
        new = pelvis @ foot
        x, y = (weight * new[..., i] + (1 - weight) * own[..., i] for i in range(2))
        _set_foot(points, frames, side, _axes(x, y))
    return Body(body.name, points, frames)


def leg_frames(angles: Array, side: str) -> tuple[Array, Array, Array]:
    """Frames of a leg in the frame of the pelvis, identity for a leg that hangs straight.

    Parameters
    ----------
    angles : (T, 5)
        Flexion of the hip, how far the leg is apart and turned out, bend of the knee and the ankle's stretch, degrees.
    side : str
        left or right.

    Returns
    -------
    thigh, shin, foot : (T, 3, 3)
        Rotations from hanging; the bones point along −y.
    """
    flexed, apart, out, bend, stretch = angles.T
    sign = 1.0 if side == "left" else -1.0
    thigh = _about("z", sign * apart) @ _about("x", -flexed) @ _about("y", sign * out)
    shin = thigh @ _about("x", bend)
    return thigh, shin, shin @ _about("x", stretch)


def _leg_key(rng: np.random.Generator) -> Array:
    angles = rng.uniform(*LEG_RANGE.T)
    angles[3] *= rng.random() >= STRAIGHT_FRACTION
    return angles


def _set_foot(points: Array, frames: Array, side: str, foot: Array) -> None:
    """A foot's frame (T, 3, 3) and its ball, in place."""
    frames[:, PARTS.index(f"{side}_ankle")] = foot
    ball = np.array([0, LENGTHS["ball_height"] - LENGTHS["ankle_height"], LENGTHS["ball"]])
    points[:, POINTS.index(f"{side}_ball")] = _at(points, f"{side}_ankle") + foot @ ball


def _pelvis(points: Array) -> Array:
    across = _at(points, "left_hip") - _at(points, "right_hip")
    return _axes(across, _middle(points, "shoulder") - _middle(points, "hip"))


def _sided(vectors: Array, side: str) -> Array:
    """Vectors (T, 3) of the left side for a side."""
    return vectors * (np.array([1.0, 1, 1]) if side == "left" else np.array([-1.0, 1, 1]))


def _keyed(T: int, key, rng: np.random.Generator) -> Array:  # type: ignore[no-untyped-def]
    """Series (T, P) that hold one to four drawn keys and move between them without a jerk, and sway a little."""
    keys = np.array([key(rng) for _ in range(rng.integers(1, 5))])
    series = np.repeat(keys[:1], T, axis=0)
    for i in range(1, len(keys)):
        begin = T * (i - 0.5 + rng.uniform(-0.3, 0.3)) / len(keys)
        ramp = np.clip((np.arange(T) - begin) / (FPS * rng.uniform(0.35, 1.2)), 0, 1)[:, None]
        series = series + ramp**2 * (3 - 2 * ramp) * (keys[i] - keys[i - 1])
    return np.asarray(series)


def _blend(T: int, rng: np.random.Generator) -> Array:
    """Weights (T, 1) of drawn limbs: 1 throughout in half of the windows, else they come or go."""
    if rng.random() < 0.5:
        return np.ones((T, 1))
    ramp = np.clip((np.arange(T) - rng.uniform(0, 0.6 * T)) / (FPS * rng.uniform(0.4, 1.2)), 0, 1)[:, None]
    ramp = ramp**2 * (3 - 2 * ramp)
    return np.asarray(ramp if rng.random() < 0.5 else 1 - ramp)


def _about(axis: str, degrees: Array) -> Array:
    """Rotations (T, 3, 3) about an axis by angles (T,)."""
    return np.asarray(Rotation.from_euler(axis, degrees[:, None], degrees=True).as_matrix())
