# SPDX-License-Identifier: GPL-3.0-or-later
"""How a figure at rest stands: its axes, and the turns that bring its limbs into a T-pose."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from . import quaternions

# Joints whose bones are turned to the direction that the T-pose gives them, with the joint at their far end. The spine,
# head and collar bones keep the curve that the figure was built with; so do feet, which stand flat in both rest poses.
LIMB_ENDS = {
    f"{side}{limb}": f"{side}{end}"
    for side in ("Left", "Right")
    for limb, end in (("UpperArm", "LowerArm"), ("LowerArm", "Hand"), ("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot"))
}
_FINGERS = ("Thumb", "Index", "Middle", "Ring", "Little")
_PLUMB = 0.94  # cosine of 20 degrees: an axis this near to one of the armature's is meant to be it


def figure_axes(rest: dict[str, np.ndarray]) -> np.ndarray:
    """Columns left, up and forwards (3, 3) of a figure at rest, snapped to the armature's axes if near them.

    rest: places (3,) of joints, both legs among them.
    """
    left = sum(
        (rest[f"Left{part}"] - rest[f"Right{part}"] for part in ("UpperLeg", "UpperArm") if f"Left{part}" in rest), 0
    )
    middle = 0.5 * (rest["LeftUpperLeg"] + rest["RightUpperLeg"])
    feet = 0.5 * (rest["LeftFoot"] + rest["RightFoot"])
    up = _snapped(middle - feet)
    left = _snapped(left - (left @ up) * up)
    return np.stack([left, up, np.cross(left, up)], axis=-1)


def _snapped(direction: np.ndarray) -> np.ndarray:
    direction = direction / np.linalg.norm(direction)
    axis = np.zeros(3)
    axis[np.argmax(np.abs(direction))] = np.sign(direction[np.argmax(np.abs(direction))])
    return axis if direction @ axis > _PLUMB else direction


def leg_length(rest: dict[str, np.ndarray]) -> float:
    """From the hip joint along the leg to the ankle, the mean of both sides."""
    lengths = []
    for side in ("Left", "Right"):
        chain = [rest[f"{side}{part}"] for part in ("UpperLeg", "LowerLeg", "Foot") if f"{side}{part}" in rest]
        lengths.append(sum(float(np.linalg.norm(b - a)) for a, b in pairwise(chain)))
    return max(0.5 * sum(lengths), 1e-6)


def into_t_pose(rest: dict[str, np.ndarray], straight: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Quaternions (4,) that turn joints of a figure from its rest pose into the T-pose, about the figure's own axes.

    rest: places (3,) of joints. straight: directions (3,) of the joints of LIMB_ENDS in the T-pose. A limb's lower half
    goes with the upper one before it is turned by the shortest way, and hand and fingers go with the lower arm: so a
    raised arm does not twist. Joints that rest as they should are not named.
    """
    turns: dict[str, np.ndarray] = {}
    for joint, end in LIMB_ENDS.items():
        if joint not in rest or end not in rest or joint not in straight:
            continue
        carried = turns.get(joint.replace("Lower", "Upper"), quaternions.IDENTITY) if "Lower" in joint else None
        along = rest[end] - rest[joint]
        if carried is not None:
            along = quaternions.rotate(carried, along)
        arc = quaternions.shortest_arc(along, straight[joint])
        turns[joint] = arc if carried is None else quaternions.multiply(arc, carried)
    for joint in rest:
        side = "Left" if joint.startswith("Left") else "Right" if joint.startswith("Right") else ""
        if side and joint.removeprefix(side).startswith(("Hand", *_FINGERS)) and f"{side}LowerArm" in turns:
            turns[joint] = turns[f"{side}LowerArm"]
    return turns
