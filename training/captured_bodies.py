"""Captured motions as bodies with BlazePose's landmarks: random proportions, other arms, loosened limbs.

Lengths are in statures: a body is 1 tall.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mocap.model import rotation
from mocap.model.body import BODY
from mocap.model.keypoints import BLAZEPOSE_33
from mocap.model.rotation import Array
from mocap.model.skeleton import humanoid
from training.motions import FPS, PARTS, POINTS, SourceTake

POSED_AT_REST = ("iclone_direct", "keijiro")  # their rest pose is no T-pose: parts turn against the body's mean instead
NAMES = BLAZEPOSE_33.names


@dataclass(frozen=True, eq=False)
class Body:
    """A take with its parts' frames, ready to be cut: points (T, 16, 3), frames of PARTS (T, 7, 3, 3)."""

    name: str
    points: Array
    frames: Array


def _at(points: Array, name: str) -> Array:
    return points[..., POINTS.index(name), :]


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _axes(x: Array, y: Array) -> Array:
    """Frames (…, 3, 3) whose columns are y's exact direction and the nearest x."""
    y = _unit(y)
    z = _unit(np.cross(x, y))
    return np.stack([np.cross(y, z), y, z], axis=-1)


def prepared(take: SourceTake) -> Body:
    """The take with legs of one length for all sources, and frames for head, hands and feet that mean the same."""
    points = take.points.astype(float)
    legs = [np.linalg.norm(_at(points, f"{s}_hip") - _at(points, f"{s}_knee"), axis=-1).mean() for s in SIDES]
    legs += [np.linalg.norm(_at(points, f"{s}_knee") - _at(points, f"{s}_ankle"), axis=-1).mean() for s in SIDES]
    points *= 2 * (LENGTHS["thigh"] + LENGTHS["shin"]) / sum(legs)
    frames = take.rotations.astype(float)
    chest = _chest(points)
    posed = take.name.startswith(POSED_AT_REST)
    if posed:
        frames[:, PARTS.index("head")] = _against_mean(frames[:, PARTS.index("head")], chest)
    for i, side in enumerate(SIDES):
        forearm = _at(points, f"{side}_wrist") - _at(points, f"{side}_elbow")
        bends = np.cross(_at(points, f"{side}_elbow") - _at(points, f"{side}_shoulder"), forearm)
        bends = np.where(np.linalg.norm(bends, axis=-1, keepdims=True) > 1e-3, bends, -chest[..., 1])
        hand = frames[:, PARTS.index(f"{side}_wrist")]
        along = np.einsum("tij,j->ti", hand, take.arms_at_rest[i])
        forwards = hand[..., 2]
        if posed:
            along, forwards = forearm, np.cross(bends, forearm)
        frames[:, PARTS.index(f"{side}_wrist")] = _axes(forwards, along)  # columns: thumb's side, fingers, palm
        if posed:
            frames[:, PARTS.index(f"{side}_ankle")] = _foot_frame(points, side)
    return Body(take.name, points, frames)


def _middle(points: Array, part: str) -> Array:
    return 0.5 * (_at(points, f"left_{part}") + _at(points, f"right_{part}"))


def _against_mean(frames: Array, reference: Array) -> Array:
    """Frames turned by a constant so that in the mean they agree with the reference."""
    u, _, vt = np.linalg.svd(np.einsum("tji,tjk->ik", frames, reference))
    return np.asarray(frames @ (u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt))


def _foot_frame(points: Array, side: str) -> Array:
    """Frames (T, 3, 3) of a foot from knee, ankle and ball: x to the left, y out of the instep, z along the sole."""
    foot = _unit(_at(points, f"{side}_ball") - _at(points, f"{side}_ankle"))
    shank = _at(points, f"{side}_knee") - _at(points, f"{side}_ankle")
    x = _unit(np.cross(shank, foot))
    sole = np.arctan2(LENGTHS["ankle_height"] - LENGTHS["ball_height"], LENGTHS["ball"])  # slope of ankle to ball
    z = np.cos(sole) * foot + np.sin(sole) * np.cross(foot, x)
    return np.stack([x, np.cross(z, x), z], axis=-1)


def _template() -> dict[str, float]:
    body = humanoid(1.0)
    rest = dict(zip(body.names, body.rest_positions()))
    distance = lambda a, b: float(np.linalg.norm(rest[a] - rest[b]))  # noqa: E731
    shoulders = 0.5 * (rest["LeftUpperArm"] + rest["RightUpperArm"])
    hips = 0.5 * (rest["LeftUpperLeg"] + rest["RightUpperLeg"])
    toes = rest["LeftToes"]
    return {
        "hip": 0.5 * distance("LeftUpperLeg", "RightUpperLeg"),
        "thigh": distance("LeftUpperLeg", "LeftLowerLeg"),
        "shin": distance("LeftLowerLeg", "LeftFoot"),
        "shoulder": 0.5 * distance("LeftUpperArm", "RightUpperArm"),
        "upper_arm": distance("LeftUpperArm", "LeftLowerArm"),
        "forearm": distance("LeftLowerArm", "LeftHand"),
        "trunk": float(np.linalg.norm(shoulders - hips)),
        "head": float(np.linalg.norm(rest["Head"] - shoulders)),
        "ear": float(0.25 * np.linalg.norm(body.ends["Head"])),
        "ankle_height": float(rest["LeftFoot"][1]),
        "ball_height": float(toes[1]),
        "ball": float(toes[2] - rest["LeftFoot"][2]),
        "toe_tip": float(np.linalg.norm(body.ends["LeftToes"])),
    }


SIDES = ("left", "right")
LENGTHS = _template()
# The template against three measured bodies of the same legs and trunk: hips 12-16 % too narrow, upper arms 5-16 % and
# forearms 3-14 % too long.
WIDER_HIPS, SHORTER_ARMS = 1.12, 0.93


@dataclass(frozen=True, eq=False)
class Cast:
    """Who gives which part of a figure: legs and path, what is above the hips, each arm against the chest."""

    legs: Body
    upper: Body
    arms: tuple[Body, Body]


def landmarks_of(cast: Cast, rng: np.random.Generator) -> Array:
    """The 33 landmarks (T, 33, 3) of a window with random proportions."""
    P, upper, varied = cast.legs.points, cast.upper, lambda sigma=0.05: float(np.exp(rng.normal(0, sigma)))
    size = varied(0.04)  # legs against stature
    hips = size * _middle(P, "hip")
    turn = _yaw_between(upper.points, P) if upper is not cast.legs else np.broadcast_to(np.eye(3), (len(P), 3, 3))
    shoulders = hips + LENGTHS["trunk"] * varied() * _unit(
        _turned(turn, _middle(upper.points, "shoulder") - _middle(upper.points, "hip"))
    )
    widths = {"hip": WIDER_HIPS * LENGTHS["hip"] * varied(0.1), "shoulder": LENGTHS["shoulder"] * varied(0.08)}
    lengths = {part: SHORTER_ARMS * LENGTHS[part] * varied(0.06) for part in ("upper_arm", "forearm")}
    thigh, shin, foot = size * varied(0.03), size * varied(0.03), size * varied(0.08)
    chest, places = turn @ _chest(upper.points), {}
    for i, side in enumerate(SIDES):
        places[f"{side}_hip"] = hips + widths["hip"] * _unit(_at(P, f"{side}_hip") - _middle(P, "hip"))
        places[f"{side}_knee"] = places[f"{side}_hip"] + thigh * (_at(P, f"{side}_knee") - _at(P, f"{side}_hip"))
        places[f"{side}_ankle"] = places[f"{side}_knee"] + shin * (_at(P, f"{side}_ankle") - _at(P, f"{side}_knee"))
        frame = cast.legs.frames[:, PARTS.index(f"{side}_ankle")]
        sole = -LENGTHS["ankle_height"] * foot
        heel = np.array([0, sole + 0.005, -0.035 * foot]) + rng.normal(0, 0.004, 3)
        toe = np.array([0, sole + 0.005, foot * (LENGTHS["ball"] + LENGTHS["toe_tip"])]) + rng.normal(0, 0.005, 3)
        places[f"{side}_heel"] = places[f"{side}_ankle"] + frame @ heel
        places[f"{side}_foot_index"] = places[f"{side}_ankle"] + frame @ toe
        sideways = _unit(_turned(turn, _at(upper.points, f"{side}_shoulder") - _middle(upper.points, "shoulder")))
        places[f"{side}_shoulder"] = shoulders + widths["shoulder"] * sideways
        arm = cast.arms[i]
        _place_arm(places, side, arm, turn if arm is upper else chest @ np.swapaxes(_chest(arm.points), 1, 2),
                   lengths, rng)  # fmt: skip
    _place_head(places, shoulders, turn, upper, rng)
    return np.stack([places[name] for name in NAMES], axis=1)


def _place_head(places: dict[str, Array], shoulders: Array, turn: Array, upper: Body, rng: np.random.Generator) -> None:
    head = turn @ upper.frames[:, PARTS.index("head")]
    base = shoulders + LENGTHS["head"] * float(np.exp(rng.normal(0, 0.1))) * _unit(
        _turned(turn, _at(upper.points, "head") - _middle(upper.points, "shoulder"))
    )
    grown = float(np.exp(rng.normal(0, 0.06)))
    faces = {name: np.array(place) / 1.75 for name, place in BODY.by_name["Head"].template.items()}
    for eye, sign in (("left_eye", 1), ("right_eye", -1)):
        faces[f"{eye}_inner"] = faces[eye] - [sign * 0.006, 0, 0]
        faces[f"{eye}_outer"] = faces[eye] + [sign * 0.006, 0, 0]
    for name, place in faces.items():
        places[name] = base + head @ (grown * place + [0, LENGTHS["ear"], 0] + rng.normal(0, 0.003, 3))


def _place_arm(places: dict[str, Array], side: str, arm: Body, turn: Array, lengths: dict[str, float],
               rng: np.random.Generator) -> None:  # fmt: skip
    along = {"elbow": ("shoulder", "upper_arm"), "wrist": ("elbow", "forearm")}
    for part, (parent, limb) in along.items():
        bone = _unit(_turned(turn, _at(arm.points, f"{side}_{part}") - _at(arm.points, f"{side}_{parent}")))
        places[f"{side}_{part}"] = places[f"{side}_{parent}"] + lengths[limb] * bone
    hand = turn @ arm.frames[:, PARTS.index(f"{side}_wrist")]
    grown = np.exp(rng.normal(0, 0.12))
    for finger, place in (("index", (0.02, 0.05, 0)), ("pinky", (-0.018, 0.046, 0)), ("thumb", (0.025, 0.025, 0))):
        places[f"{side}_{finger}"] = places[f"{side}_wrist"] + hand @ (
            grown * np.array(place) + rng.normal(0, 0.004, 3)
        )


def _chest(points: Array) -> Array:
    """Frames (T, 3, 3) of the chest: x to the left shoulder, y up the trunk."""
    return _axes(
        _at(points, "left_shoulder") - _at(points, "right_shoulder"),
        _middle(points, "shoulder") - _middle(points, "hip"),
    )


# What turns about which joint when a limb is loosened, by how many radians, and the parts that turn with it.
LOOSE = (
    ("hip", 0.22, ("neck", "head", "shoulder", "elbow", "wrist"), ("chest", "head", "wrist")),
    ("shoulder", 0.45, ("elbow", "wrist"), ("wrist",)),
    ("elbow", 0.3, ("wrist",), ("wrist",)),
    ("hip", 0.2, ("knee", "ankle", "ball"), ("ankle",)),
    ("knee", 0.1, ("ankle", "ball"), ("ankle",)),
)


def loosened(body: Body, strength: float, rng: np.random.Generator) -> Body:
    """The motion with slow turns of the trunk and of every limb on top: postures that nobody was captured in."""
    points, frames = body.points.copy(), body.frames.copy()
    for i, (joint, radians, carried, parts) in enumerate(LOOSE):
        for side in (None,) if i == 0 else SIDES:
            pivot = _middle(points, joint) if side is None else _at(points, f"{side}_{joint}")
            turn = _slow_turns(len(points), strength * radians, rng)
            _carry(points, frames, pivot, turn, (side, carried, parts))
    return Body(body.name, points, frames)


def _carry(
    points: Array, frames: Array, pivot: Array, turn: Array, what: tuple[str | None, tuple[str, ...], tuple[str, ...]]
) -> None:
    """Turn (T, 3, 3) points and parts' frames about a pivot (T, 3), in place: those of a side, or None for both."""
    side, carried, parts = what
    for j, name in enumerate(POINTS):
        if _carries(name, side, carried):
            points[:, j] = pivot + _turned(turn, points[:, j] - pivot)
    for j, name in enumerate(PARTS):
        if _carries(name, side, parts):
            frames[:, j] = turn @ frames[:, j]


def _carries(name: str, side: str | None, parts: tuple[str, ...]) -> bool:
    own, _, part = name.rpartition("_")
    return part in parts and side in (None, own)


def _slow_turns(T: int, radians: float, rng: np.random.Generator) -> Array:
    """Rotations (T, 3, 3) that wander slowly about a constant one; ``radians`` a standard deviation of each axis."""
    t = np.arange(T)[:, None] / FPS
    waves = [np.sin(2 * np.pi * (rng.uniform(0.05, 0.8, 3) * t + rng.random(3))) for _ in range(2)]
    vectors = radians * (0.7 * rng.standard_normal(3) + 0.7 * (waves[0] + waves[1]))
    return np.asarray(rotation.wxyz_to_matrix(rotation.rotvec_to_wxyz(vectors)))


# How far hips and knees bend on top of what was captured, and the trunk leans, in radians.
BENT_HIP, BENT_KNEE, LEANT, MOST_BENT_KNEE = (-0.4, 1.5), (0.0, 2.0), (-0.1, 0.7), 2.5


def bent(body: Body, rng: np.random.Generator) -> Body:
    """The motion with hips and knees bent slowly on top, both legs alike or each its own way: squats, lunges, kneeling.

    Feet keep their slope, and the middle of the ankles its path.
    """
    points, frames, T = body.points.copy(), body.frames.copy(), len(body.points)
    across = _unit(_at(points, "left_hip") - _at(points, "right_hip"))
    lean = _rotations(across, _slow(T, LEANT, rng))
    _carry(points, frames, _middle(points, "hip"), lean, (None, *LOOSE[0][2:]))
    together = (_slow(T, BENT_HIP, rng), _slow(T, BENT_KNEE, rng)) if rng.random() < 0.5 else None
    before = _middle(points, "ankle")
    for side in SIDES:
        hip, knee = together or (_slow(T, BENT_HIP, rng), _slow(T, BENT_KNEE, rng))
        joints = [_at(points, f"{side}_{joint}") for joint in ("hip", "knee", "ankle", "ball")]
        thigh, shin, foot = (b - a for a, b in pairwise(joints))
        own = np.arccos(np.clip(np.sum(_unit(thigh) * _unit(shin), axis=-1), -1, 1))
        knee = np.minimum(knee, np.maximum(MOST_BENT_KNEE - own, 0.0))
        forwards, back = _rotations(across, -hip), _rotations(across, knee - hip)
        place = joints[0]
        for joint, step in (("knee", _turned(forwards, thigh)), ("ankle", _turned(back, shin)), ("ball", foot)):
            place = place + step
            points[:, POINTS.index(f"{side}_{joint}")] = place
    return Body(body.name, points + (before - _middle(points, "ankle"))[:, None], frames)


def _rotations(axis: Array, angle: Array) -> Array:
    """Rotations (T, 3, 3) about unit axes (T, 3) by angles (T,)."""
    return np.asarray(rotation.wxyz_to_matrix(rotation.rotvec_to_wxyz(angle[:, None] * axis)))


def _slow(T: int, between: tuple[float, float], rng: np.random.Generator) -> Array:
    """Values (T,) that wander slowly within a span."""
    wave = np.sin(2 * np.pi * (rng.uniform(0.05, 0.7) * np.arange(T) / FPS + rng.random()))
    swing = rng.uniform(0.0, 0.5)
    return np.asarray(between[0] + (rng.uniform(swing, 1 - swing) + swing * wave) * (between[1] - between[0]))


def _turned(turn: Array, vectors: Array) -> Array:
    return np.einsum("tij,tj->ti", turn, vectors)


def _yaw_between(a: Array, b: Array) -> Array:
    """Rotations (T, 3, 3) about Y that turn the hips of a to those of b."""
    across = [_at(p, "left_hip") - _at(p, "right_hip") for p in (a, b)]
    angle = [np.unwrap(np.arctan2(-v[:, 2], v[:, 0])) for v in across]
    return _about_y(angle[1] - angle[0])


def _about_y(angle: Array) -> Array:
    c, s, o, l = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)  # noqa: E741
    return np.stack([np.stack([c, o, s], -1), np.stack([o, l, o], -1), np.stack([-s, o, c], -1)], axis=-2)


def cut(body: Body, frames: int, rng: np.random.Generator, speed: float) -> Body:
    """A window of ``frames`` at another speed; a take that is too short is played to and fro."""
    T = len(body.points)
    ticks = rng.uniform(0, max(T - 1 - speed * (frames - 1), 0)) + speed * np.arange(frames)
    ticks = np.abs((ticks + T - 1) % (2 * T - 2) - (T - 1)) if T > 1 else 0 * ticks
    ticks = ticks if ticks.max() <= T - 1 else np.clip(ticks, 0, T - 1)
    low = np.minimum(ticks.astype(int), T - 2)
    part = (ticks - low)[:, None, None]
    points = (1 - part) * body.points[low] + part * body.points[low + 1]
    return Body(body.name, points, body.frames[np.rint(ticks).astype(int)])
