"""Postures drawn as wholes: squats, lunges to every side, leaning, straight standing, or single limbs.

Planted feet stay where they are while the pelvis moves above them; the legs follow by inverse kinematics of two bones.
Lengths are in statures, angles in degrees.
"""

from __future__ import annotations

import numpy as np

from mocap.model.rotation import Array
from training.captured_bodies import LENGTHS, SIDES, Body, _about_y, _at, _chest, _middle, _turned, _unit
from training.drawn_limbs import _about, _keyed, _set_foot, with_drawn_arms, with_drawn_legs
from training.motions import PARTS, POINTS

REACH = 0.38  # the pelvis stays so near to both ankles, along the floor, that the legs reach them


def drawn(body: Body, rng: np.random.Generator) -> Body:
    """Replace limbs of a window by drawn ones.

    Parameters
    ----------
    body : Body
        A window of T frames.
    rng : numpy.random.Generator
        What decides on all of it.

    Returns
    -------
    Body
        The window with drawn legs, drawn arms, or both.
    """
    kind = rng.random()
    if kind < 0.2:
        body = standing(body, rng)
    elif kind < 0.5:
        body = planted(body, rng)
    elif kind < 0.75:
        body = with_drawn_legs(body, rng)
    return with_drawn_arms(body, rng) if kind >= 0.75 or rng.random() < 0.7 else body


def planted(body: Body, rng: np.random.Generator) -> Body:
    """Plant both feet in a drawn stance and move the pelvis above them: squats, lunges to every side, leaning.

    Parameters
    ----------
    body : Body
        A window of T frames, which gives what is above the hips.
    rng : numpy.random.Generator
        What decides.

    Returns
    -------
    Body
        The window on planted feet; the first frame's heading stays.
    """
    apart, stride = rng.uniform(0.04, 0.26), rng.choice((0.0, 1.0)) * rng.uniform(-0.3, 0.3)
    along = _keyed(
        len(body.points), lambda r: r.uniform((0.1, 0.35, -25, -15, -35, -25), (0.9, 1.1, 60, 15, 35, 25)), rng
    )
    along[:, 1] = np.minimum(along[:, 1], 1.0)
    pitch = rng.uniform(0, 50, 2) * (rng.random(2) < 0.25)
    return _above_feet(body, np.array([(apart, stride), (-apart, -stride)]), pitch, along, rng)


def standing(body: Body, rng: np.random.Generator) -> Body:
    """Let a body stand upright on straight legs with a little sway.

    Parameters
    ----------
    body : Body
        A window of T frames, which gives what is above the hips.
    rng : numpy.random.Generator
        What decides.

    Returns
    -------
    Body
        The window on planted feet.
    """
    apart = rng.uniform(0.04, 0.12)
    about = np.array([0.5, 1.0, rng.normal(0, 3), rng.normal(0, 2), rng.normal(0, 5), rng.normal(0, 4)])
    sway = np.array([0.03, 0.0, 1.0, 1.0, 2.0, 1.0])
    along = _keyed(len(body.points), lambda r: about + sway * r.normal(0, 1, 6), rng)
    feet = np.array([(apart, 0.0), (-apart, 0.0)]) + rng.normal(0, 0.02, (2, 2))
    stood = _above_feet(body, feet, np.zeros(2), along, rng)
    points, upper = stood.points.copy(), LENGTHS["thigh"] / (LENGTHS["thigh"] + LENGTHS["shin"])
    for side in SIDES:  # a millimetre that a leg is too long would bend it by seven degrees
        hip, ankle = _at(points, f"{side}_hip"), _at(points, f"{side}_ankle")
        points[:, POINTS.index(f"{side}_knee")] = hip + upper * (ankle - hip)
    return Body(body.name, points, stood.frames)


def _above_feet(body: Body, feet: Array, pitch: Array, along: Array, rng: np.random.Generator) -> Body:
    """The body on feet at ``feet`` (2, 2), sideways and forwards, their heels raised by ``pitch`` (2,).

    along (T, 6): where the pelvis is between them, 0 to 1, and how high of the highest; how far the trunk leans
    forwards and sideways and twists, and the pelvis' yaw, degrees.
    """
    across = _at(body.points, "left_hip")[0] - _at(body.points, "right_hip")[0]
    heading = np.full(len(along), np.arctan2(-across[2], across[0]))
    base = _middle(body.points, "ankle")[0] * [1, 0, 1]
    world = _about_y(heading)
    pelvis = world @ _about("y", along[:, 5]) @ _about("x", 0.4 * along[:, 2]) @ _about("z", 0.3 * along[:, 3])
    chest = world @ _about("y", along[:, 4] + along[:, 5]) @ _about("x", along[:, 2]) @ _about("z", along[:, 3])
    splay = rng.uniform(-5, 30, 2) * [1, -1]
    soles = [
        world @ _about("y", np.full(len(along), splay[i])) @ _about("x", np.full(len(along), pitch[i])) for i in (0, 1)
    ]
    ankles = [
        base + _turned(world, np.tile([feet[i, 0], 0, feet[i, 1]], (len(along), 1))) + _ankle(soles[i]) for i in (0, 1)
    ]
    near = REACH / np.maximum(np.linalg.norm(ankles[0] - ankles[1], axis=1), REACH)
    between = np.clip(along[:, 0], 1 - near, near)[:, None]
    hips = (1 - between) * ankles[1] + between * ankles[0]
    offsets = [pelvis[..., 0] * sign * LENGTHS["hip"] for sign in (1, -1)]
    hips[:, 1] = _highest(hips, offsets, ankles) * along[:, 1]
    points, frames = _carried_trunk(body, hips, chest, pelvis)
    for i, side in enumerate(SIDES):
        points[:, POINTS.index(f"{side}_hip")] = hips + offsets[i]
        points[:, POINTS.index(f"{side}_ankle")] = ankles[i]
        knee = _knee(hips + offsets[i], ankles[i], soles[i][..., 2] + 0.3 * pelvis[..., 2])
        points[:, POINTS.index(f"{side}_knee")] = knee
        _set_foot(points, frames, side, soles[i])
    return Body(body.name, points, frames)


def _ankle(sole: Array) -> Array:
    """From the mark of a foot on the floor to its ankle (T, 3), the foot turned about its ball."""
    ball = np.array([0, LENGTHS["ball_height"] - LENGTHS["ankle_height"], LENGTHS["ball"]])
    flat = np.array([0, LENGTHS["ball_height"], LENGTHS["ball"]])
    return np.asarray(flat * [0, 1, 0] + sole @ -ball + sole[:, :, 2] * [1, 0, 1] * flat[2])


def _highest(hips: Array, offsets: list[Array], ankles: list[Array]) -> Array:
    """The height (T,) of the hips' middle at which the shorter way to an ankle is a straight leg."""
    leg = 0.9999 * (LENGTHS["thigh"] + LENGTHS["shin"])
    heights = []
    for offset, ankle in zip(offsets, ankles):
        flat = np.sum(np.square((hips + offset - ankle)[:, [0, 2]]), axis=1)
        heights.append(ankle[:, 1] + np.sqrt(np.maximum(leg**2 - flat, 0.01)) - offset[:, 1])
    return np.minimum(*heights)


def _carried_trunk(body: Body, hips: Array, chest: Array, pelvis: Array) -> tuple[Array, Array]:
    """Points and frames of the body with its trunk along y of ``chest`` (T, 3, 3), above the hips (T, 3)."""
    turn = chest @ _chest(body.points).swapaxes(1, 2)
    middle = _middle(body.points, "hip")
    points = hips[:, None] + np.einsum("tij,tnj->tni", turn, body.points - middle[:, None])
    frames = np.einsum("tij,tnjk->tnik", turn, body.frames)
    frames[:, PARTS.index("pelvis")] = pelvis
    return points, frames


def _knee(hip: Array, ankle: Array, towards: Array) -> Array:
    """Where the knee (T, 3) is between hip and ankle, bent towards a direction (T, 3)."""
    way = ankle - hip
    far = np.clip(np.linalg.norm(way, axis=-1, keepdims=True), 0.05, LENGTHS["thigh"] + LENGTHS["shin"] - 1e-6)
    along = _unit(way)
    a = (LENGTHS["thigh"] ** 2 - LENGTHS["shin"] ** 2 + far**2) / (2 * far)
    out = _unit(towards - np.sum(towards * along, axis=-1, keepdims=True) * along)
    return np.asarray(hip + a * along + np.sqrt(np.maximum(LENGTHS["thigh"] ** 2 - a**2, 0.0)) * out)
