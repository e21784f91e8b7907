# SPDX-License-Identifier: GPL-3.0-or-later
"""Bone names of every convention, brought to one form."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

HUMANOID_CENTRE = ("Hips", "Spine", "Chest", "UpperChest", "Neck", "Head")
LIMBS = ("Shoulder", "UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "Toes")
FINGERS = tuple(
    f"{finger}{part}"
    for finger in ("Thumb", "Index", "Middle", "Ring", "Little")
    for part in ("Proximal", "Intermediate", "Distal")
)
BODY = HUMANOID_CENTRE + tuple(f"{side}{limb}" for side in ("Left", "Right") for limb in LIMBS)
HUMANOID = BODY + tuple(f"{side}{finger}" for side in ("Left", "Right") for finger in FINGERS)

_TRUNK = {"Spine": "Hips", "Chest": "Spine", "UpperChest": "Chest", "Neck": "UpperChest", "Head": "Neck"}
_LIMB_PARENTS = {
    "Shoulder": "UpperChest", "UpperArm": "Shoulder", "LowerArm": "UpperArm", "Hand": "LowerArm",
    "UpperLeg": "Hips", "LowerLeg": "UpperLeg", "Foot": "LowerLeg", "Toes": "Foot",
}  # fmt: skip


def parent_of(joint: str) -> str | None:
    """The joint that a joint of HUMANOID hangs on; None for the hips."""
    side = next((side for side in ("Left", "Right") if joint.startswith(side)), "")
    part = joint.removeprefix(side)
    if not side:
        return _TRUNK.get(part)
    if part in _LIMB_PARENTS:
        above = _LIMB_PARENTS[part]
        return above if above in HUMANOID_CENTRE else side + above
    if part.endswith("Proximal"):
        return f"{side}Hand"
    if part.endswith("Intermediate"):
        return joint.replace("Intermediate", "Proximal")
    return joint.replace("Distal", "Intermediate")


_SIDES = {"l": "Left", "left": "Left", "左": "Left", "r": "Right", "right": "Right", "右": "Right"}
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\W\d_a-zA-Z]+")


class Name(NamedTuple):
    """side: "Left", "Right" or "". stem: the rest in small letters, without separators and leading zeros."""

    side: str
    stem: str


def canonical(name: str) -> Name:
    """The one form of a bone's name: ``mixamorig:LeftUpLeg``, ``UpLeg.L`` and ``upleg_l`` are the same.

    What stands before a colon or bar is a namespace and dropped.
    """
    plain = unicodedata.normalize("NFKC", name).rsplit(":", 1)[-1].rsplit("|", 1)[-1]
    for sign, side in (("左", "Left"), ("右", "Right")):
        if sign in plain:
            return Name(side, _stem(_WORD.findall(plain.replace(sign, " "))))
    words = _WORD.findall(plain)
    sides = [i for i, word in enumerate(words) if word.lower() in _SIDES]
    if not sides:
        return Name("", _stem(words))
    # the letter of a side stands at an end more often than amid: "J_Bip_L_Hand", "Hand_L", "l_hand"
    chosen = max(sides, key=lambda i: (len(words[i]) > 1, i == len(words) - 1, i == 0, -i))
    return Name(_SIDES[words[chosen].lower()], _stem(words[:chosen] + words[chosen + 1 :]))


def _stem(words: list[str]) -> str:
    return "".join(str(int(word)) if word.isdecimal() else word.lower() for word in words)
