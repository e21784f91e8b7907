"""A captured motion on the example's body: how every joint of it turns, and where its landmarks are.

The sources tell joint places and a few parts' turns (``training.motions``), the body wants a turn of each of its
joints: limbs point as the source's do and bend about the axis in which the source's knee or elbow bends.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mocap.model.rotation import Array
from training.captured_bodies import LENGTHS, NAMES, Body, _at, _axes, _middle, _unit
from training.motions import PARTS

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
from walk_body import JOINTS, Skin, posed_joints
from walk_body import Body as Figure

CLEAR_BEND = (0.15, 0.45)  # sines of a bend: from nothing known about its axis to all
TRUSTED_PELVIS = np.cos(np.radians(25))  # between the pelvis' own side and the line of the hips
SPINE = {"Hips": 0.0, "Spine": 0.25, "Spine1": 0.6, "Spine2": 1.0}
ON_HANDS = {"index": "HandIndex1", "pinky": "HandPinky1", "thumb": "HandThumb2"}


@dataclass(frozen=True, eq=False)
class Acted:
    """turns: (T, J, 3, 3) world rotations from rest of the joints. roots: (T, 3) places of the hips, metres."""

    turns: Array
    roots: Array


def acted(motion: Body, figure: Figure, skin: Skin) -> Acted:
    """The motion on the figure, at the figure's own size, with its lowest sole on y = 0."""
    rest = {name: figure.joint(name) for name in JOINTS}
    turns: dict[str, Array] = {}
    chest = _chest(motion.points) @ _chest_at_rest(rest).T
    pelvis = _pelvis(motion)
    for name, share in SPINE.items():
        turns[name] = _between(pelvis, chest, share)
    turns["Head"] = motion.frames[:, PARTS.index("head")]
    turns["Neck"] = _between(chest, turns["Head"], 0.4)
    for i, side in enumerate(("Left", "Right")):
        _set_arm(turns, motion, rest, side, chest, skin, PARTS.index(("left_wrist", "right_wrist")[i]))
        _set_leg(turns, motion, rest, side, pelvis)
    stacked = np.stack([turns[name] for name in JOINTS], axis=1)
    hips = 0.5 * (rest["LeftUpLeg"] + rest["RightUpLeg"]) - rest["Hips"]
    grown = _leg(rest) / (LENGTHS["thigh"] + LENGTHS["shin"])
    roots = grown * _middle(motion.points, "hip") - pelvis @ hips
    return Acted(stacked, roots - [0, _lowest(figure, stacked, roots), 0])


def landmarks(figure: Figure, skin: Skin, motion: Acted) -> Array:
    """BlazePose's 33 landmarks (T, 33, 3) in the world, metres, as the body itself has them."""
    carriers = [_carrier(name, figure, skin) for name in NAMES]
    return np.stack([_carried(figure, motion, [joint], place[None])[:, 0] for joint, place in carriers], axis=1)


def points(figure: Figure, motion: Acted) -> Array:
    """The figure's truth points (T, N, 3) in the world, in the order of ``figure.points``."""
    joints, places = zip(*figure.points.values())
    return _carried(figure, motion, list(joints), np.array(places))


def _carried(figure: Figure, motion: Acted, joints: list[str], places: Array) -> Array:
    """Rest places (N, 3) that move with their joints: (T, N, 3)."""
    columns = [JOINTS.index(joint) for joint in joints]
    centres = np.stack([posed_joints(figure.joints, t, r) for t, r in zip(motion.turns, motion.roots)])
    offsets = places - figure.joints[columns]
    return np.asarray(np.einsum("tnij,nj->tni", motion.turns[:, columns], offsets) + centres[:, columns])


def _carrier(name: str, figure: Figure, skin: Skin) -> tuple[str, Array]:
    """The joint that carries a landmark, and its place (3,) in the rest pose."""
    side, _, part = name.partition("_")
    if part in ON_HANDS:
        return side.capitalize() + "Hand", skin.heads[side.capitalize() + ON_HANDS[part]]
    sign = 1.0 if side == "left" else -1.0
    if part == "mouth":
        joint, nose = figure.points["nose"]
        return joint, nose + np.array([0.025 * sign, -0.037, -0.012])
    if part.startswith("eye_"):
        joint, eye = figure.points[f"{side}_eye"]
        return joint, eye + np.array([sign * 0.014 * (1 if part == "eye_outer" else -1), 0, -0.004])
    return figure.points[name.replace("foot_index", "toe")]


def _chest(P: Array) -> Array:
    return _axes(_at(P, "left_shoulder") - _at(P, "right_shoulder"), _middle(P, "shoulder") - _middle(P, "hip"))


def _chest_at_rest(rest: dict[str, Array]) -> Array:
    trunk = rest["LeftArm"] + rest["RightArm"] - rest["LeftUpLeg"] - rest["RightUpLeg"]
    return _axes(rest["LeftArm"] - rest["RightArm"], trunk)


def _pelvis(motion: Body) -> Array:
    """Turns (T, 3, 3) of the pelvis: the source's own where its side agrees with the hips', else from the hips."""
    across = _unit(_at(motion.points, "left_hip") - _at(motion.points, "right_hip"))
    own = motion.frames[:, PARTS.index("pelvis")]
    if np.median(np.sum(own[:, :, 0] * across, axis=1)) > TRUSTED_PELVIS:
        return own
    return _axes(across, _chest(motion.points)[..., 1])


def _between(a: Array, b: Array, share: float) -> Array:
    """Rotations (T, 3, 3) that lie about ``share`` of the way from a to b."""
    u, _, vt = np.linalg.svd((1 - share) * a + share * b)
    signs = np.ones((len(a), 3))
    signs[:, 2] = np.linalg.det(u @ vt)
    return np.asarray((u * signs[:, None]) @ vt)


def _limb(a: Array, b: Array, expected: Array) -> tuple[Array, Array, Array]:
    """Unit directions of two bones and the axis about which the second bends, ``expected`` where they are straight."""
    a, b = _unit(a), _unit(b)
    bend = np.cross(a, b)
    sine = np.linalg.norm(bend, axis=-1, keepdims=True)
    known = np.clip((sine - CLEAR_BEND[0]) / (CLEAR_BEND[1] - CLEAR_BEND[0]), 0, 1)
    straight = _unit(expected - np.sum(expected * a, axis=-1, keepdims=True) * a)
    return a, b, _unit(known * bend / np.maximum(sine, 1e-9) + (1 - known) * straight)


def _set_arm(turns: dict[str, Array], motion: Body, rest: dict[str, Array], side: str, chest: Array, skin: Skin,
             wrist: int) -> None:  # fmt: skip
    P, low = motion.points, side.lower()
    upper_rest, fore_rest = rest[f"{side}ForeArm"] - rest[f"{side}Arm"], rest[f"{side}Hand"] - rest[f"{side}ForeArm"]
    axis_rest = np.cross(upper_rest, fore_rest)
    upper, fore, axis = _limb(
        _at(P, f"{low}_elbow") - _at(P, f"{low}_shoulder"), _at(P, f"{low}_wrist") - _at(P, f"{low}_elbow"),
        _swung(chest, upper_rest, _at(P, f"{low}_elbow") - _at(P, f"{low}_shoulder")) @ _unit(axis_rest),
    )  # fmt: skip
    turns[f"{side}Shoulder"] = chest
    turns[f"{side}Arm"] = _axes(axis, upper) @ _axes(axis_rest, upper_rest).T
    turns[f"{side}ForeArm"] = _axes(axis, fore) @ _axes(axis_rest, fore_rest).T
    heads = skin.heads
    hand = _axes(
        heads[f"{side}HandIndex1"] - heads[f"{side}HandPinky1"], heads[f"{side}HandMiddle1"] - rest[f"{side}Hand"]
    )
    turns[f"{side}Hand"] = motion.frames[:, wrist] @ hand.T


def _swung(turn: Array, rest: Array, now: Array) -> Array:
    """``turn`` (T, 3, 3), turned on by the shortest way so that it takes ``rest`` (3,) to the direction of ``now``."""
    a, b = _unit(turn @ rest), _unit(now)
    v, c = np.cross(a, b), np.sum(a * b, axis=-1)[:, None, None]
    skew = np.zeros((len(v), 3, 3))
    skew[:, [2, 0, 1], [1, 2, 0]], skew[:, [1, 2, 0], [2, 0, 1]] = v, -v
    return np.asarray((np.eye(3) + skew + skew @ skew / np.maximum(1 + c, 0.05)) @ turn)


def _set_leg(turns: dict[str, Array], motion: Body, rest: dict[str, Array], side: str, pelvis: Array) -> None:
    P, low = motion.points, side.lower()
    thigh_rest, shin_rest = rest[f"{side}Leg"] - rest[f"{side}UpLeg"], rest[f"{side}Foot"] - rest[f"{side}Leg"]
    sideways = np.array([1.0, 0.0, 0.0])
    thigh, shin, axis = _limb(
        _at(P, f"{low}_knee") - _at(P, f"{low}_hip"), _at(P, f"{low}_ankle") - _at(P, f"{low}_knee"),
        _swung(pelvis, thigh_rest, _at(P, f"{low}_knee") - _at(P, f"{low}_hip")) @ sideways,
    )  # fmt: skip
    turns[f"{side}UpLeg"] = _axes(axis, thigh) @ _axes(sideways, thigh_rest).T
    turns[f"{side}Leg"] = _axes(axis, shin) @ _axes(sideways, shin_rest).T
    turns[f"{side}Foot"] = turns[f"{side}ToeBase"] = motion.frames[:, PARTS.index(f"{low}_ankle")]


def _leg(rest: dict[str, Array]) -> float:
    return float(
        np.linalg.norm(rest["LeftLeg"] - rest["LeftUpLeg"]) + np.linalg.norm(rest["LeftFoot"] - rest["LeftLeg"])
    )


def _lowest(figure: Figure, turns: Array, roots: Array) -> float:
    """The height that is lowest but for one frame in twenty, of heels, balls and toes less their shoes."""
    soles = [figure.points[f"{side}_{part}"] for side in ("left", "right") for part in ("heel", "toe", "ball")]
    joints, places = [joint for joint, _ in soles], np.array([[p[0], 0.0, p[2]] for _, p in soles])
    heights = _carried(figure, Acted(turns, roots), joints, places)[..., 1]
    return float(np.quantile(heights.min(axis=1), 0.05))
