"""Armatures of many conventions as plain bones: one body, other names, with what else hangs on real characters."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
from mocap_blender.pure.bones import Bone
from mocap_blender.pure.names import FINGERS

SIDES = ("Left", "Right")
# head of each joint of a figure 1.7 m tall in an A-pose, Z up, facing −Y; left side
PLACES = {
    "Hips": (0, 0, 0.95), "Spine": (0, 0, 1.05), "Chest": (0, 0, 1.18), "UpperChest": (0, 0, 1.3),
    "Neck": (0, 0, 1.45), "Head": (0, -0.01, 1.54),
    "Shoulder": (0.03, 0, 1.42), "UpperArm": (0.16, 0, 1.42), "LowerArm": (0.36, 0, 1.22), "Hand": (0.53, -0.02, 1.05),
    "UpperLeg": (0.09, 0, 0.92), "LowerLeg": (0.1, -0.01, 0.5), "Foot": (0.11, 0.02, 0.08), "Toes": (0.12, -0.12, 0.02),
}  # fmt: skip
PARENTS = {
    "Hips": None, "Spine": "Hips", "Chest": "Spine", "UpperChest": "Chest", "Neck": "UpperChest", "Head": "Neck",
    "Shoulder": "UpperChest", "UpperArm": "Shoulder", "LowerArm": "UpperArm", "Hand": "LowerArm",
    "UpperLeg": "Hips", "LowerLeg": "UpperLeg", "Foot": "LowerLeg", "Toes": "Foot",
}  # fmt: skip
TIPS = {"Head": (0, 0, 0.16), "Hand": (0.06, -0.01, -0.06), "Toes": (0, -0.07, 0)}
CENTRE = ("Hips", "Spine", "Chest", "UpperChest", "Neck", "Head")
LIMBS = tuple(part for part in PLACES if part not in CENTRE)

# family to the names of centre and limbs ("{S}" L or R, "{s}" l or r, "{side}", "{Side}" left or Left)
CONVENTIONS = {
    "mixamo": ("Hips Spine Spine1 Spine2 Neck Head", "{Side}Shoulder {Side}Arm {Side}ForeArm {Side}Hand "
               "{Side}UpLeg {Side}Leg {Side}Foot {Side}ToeBase"),
    "vrm": ("hips spine chest upperChest neck head", "{side}Shoulder {side}UpperArm {side}LowerArm {side}Hand "
            "{side}UpperLeg {side}LowerLeg {side}Foot {side}Toes"),
    "vroid": ("J_Bip_C_Hips J_Bip_C_Spine J_Bip_C_Chest J_Bip_C_UpperChest J_Bip_C_Neck J_Bip_C_Head",
              "J_Bip_{S}_Shoulder J_Bip_{S}_UpperArm J_Bip_{S}_LowerArm J_Bip_{S}_Hand J_Bip_{S}_UpperLeg "
              "J_Bip_{S}_LowerLeg J_Bip_{S}_Foot J_Bip_{S}_ToeBase"),
    "mmd": ("センター 上半身 上半身2 上半身3 首 頭", "{j}肩 {j}腕 {j}ひじ {j}手首 {j}足 {j}ひざ {j}足首 {j}つま先"),
    "unreal5": ("pelvis spine_01 spine_03 spine_05 neck_01 head", "clavicle_{s} upperarm_{s} lowerarm_{s} hand_{s} "
                "thigh_{s} calf_{s} foot_{s} ball_{s}"),
    "auto_rig_pro": ("root.x spine_01.x spine_02.x spine_03.x neck.x head.x", "shoulder.{s} arm_stretch.{s} "
                     "forearm_stretch.{s} hand.{s} thigh_stretch.{s} leg_stretch.{s} foot.{s} toes_01.{s}"),
    "daz": ("hip abdomenLower abdomenUpper chestUpper neckLower head", "{s}Collar {s}ShldrBend {s}ForearmBend {s}Hand "
            "{s}ThighBend {s}Shin {s}Foot {s}Toe"),
    "character_creator": ("CC_Base_Hip CC_Base_Waist CC_Base_Spine01 CC_Base_Spine02 CC_Base_NeckTwist01 CC_Base_Head",
                          "CC_Base_{S}_Clavicle CC_Base_{S}_Upperarm CC_Base_{S}_Forearm CC_Base_{S}_Hand "
                          "CC_Base_{S}_Thigh CC_Base_{S}_Calf CC_Base_{S}_Foot CC_Base_{S}_ToeBase"),
    "makehuman": ("root spine05 spine03 spine01 neck01 head", "clavicle.{S} upperarm01.{S} lowerarm01.{S} wrist.{S} "
                  "upperleg01.{S} lowerleg01.{S} foot.{S} toe1-1.{S}"),
    "rokoko": ("Hips Spine Spine2 Spine4 Neck Head", "{Side}Shoulder {Side}Arm {Side}ForeArm {Side}Hand "
               "{Side}Thigh {Side}Shin {Side}Foot {Side}Toe"),
    "godot": ("Hips Spine Chest UpperChest Neck Head", "{Side}Shoulder {Side}UpperArm {Side}LowerArm {Side}Hand "
              "{Side}UpperLeg {Side}LowerLeg {Side}Foot {Side}Toes"),
}  # fmt: skip


def expected(family: str) -> dict[str, str]:
    """Joint to the bone that a person would choose."""
    centre, limbs = (names.split() for names in CONVENTIONS[family])
    found = dict(zip(CENTRE, centre))
    for side in SIDES:
        words = {
            "Side": side,
            "side": side.lower(),
            "S": side[0],
            "s": side[0].lower(),
            "j": "左" if side == "Left" else "右",
        }
        found |= {f"{side}{limb}": name.format(**words) for limb, name in zip(LIMBS, limbs)}
    return found


def rig(names: dict[str, str], *, extras: bool = True, prefix: str = "", seed: int | None = None) -> dict[str, Bone]:
    """Bones of the figure with those names; with hair, skirt, twist and finger bones; shuffled by a seed."""
    bones: dict[str, Bone] = {}

    def add(name: str, parent: str | None, head, tail) -> None:
        matrix = _rolled(np.array(tail, float) - np.array(head, float), len(bones))
        bones[prefix + name] = Bone(
            prefix + name, parent and prefix + parent, np.array(head, float), np.array(tail, float), matrix
        )

    for joint, name in names.items():
        side = next((s for s in SIDES if joint.startswith(s)), "")
        part = joint.removeprefix(side)
        parent = PARENTS[part]
        if parent is not None:
            parent = names[parent if parent in CENTRE else side + parent]
        head = _sided(PLACES[part], side)
        child = next((c for c, p in PARENTS.items() if p == part and c != "Shoulder"), None)
        tip = (
            _sided(PLACES[child], side)
            if child and part != "Hips"
            else head + _sided(TIPS.get(part, (0, 0, 0.1)), side)
        )
        add(name, parent, head, tip)
        if extras and part in ("UpperArm", "LowerArm", "UpperLeg"):
            add(f"{name}_twist_01", name, head + 0.4 * (tip - head), head + 0.8 * (tip - head))
        if extras and part == "Hand":
            for i, finger in enumerate(FINGERS[::3]):
                start = tip + np.array([0, 0.02 * (i - 2), 0])
                add(f"{name}_{finger[:-8]}_x", name, start, start + _sided((0.03, 0, -0.03), side))
    if extras:
        for i in range(6):
            a = (0.05 * np.cos(i), 0.05 * np.sin(i), 1.66)
            add(f"hair_{i}_l", names["Head"], a, (a[0], a[1] + 0.1, 1.4))
            add(f"skirt_{i}", names["Hips"], (a[0] * 3, a[1] * 3, 0.9), (a[0] * 4, a[1] * 4, 0.5))
    order = list(bones)
    if seed is not None:
        random.Random(seed).shuffle(order)
    return {name: bones[name] for name in order}


def nameless(bones: dict[str, Bone]) -> tuple[dict[str, Bone], dict[str, str]]:
    """The same bones with meaningless names in an order that says nothing, and the new name of every old one."""
    names = {name: f"q{i}" for i, name in enumerate(sorted(bones, key=lambda name: (len(name) * 7919) % 31))}
    renamed = {}
    for name, bone in bones.items():
        parent = names[bone.parent] if bone.parent else None
        renamed[names[name]] = replace(bone, name=names[name], parent=parent)
    return renamed, names


def with_limbs(bones: dict[str, Bone], names: dict[str, str], share: float) -> dict[str, Bone]:
    """The figure with its limbs grown to this share of their length, on the floor."""
    shift: dict[str, np.ndarray] = {}
    for joint, name in names.items():
        bone, part = bones[name], joint.removeprefix("Left").removeprefix("Right")
        shift[name] = shift.get(bone.parent, np.zeros(3))
        if part in ("LowerArm", "Hand", "LowerLeg", "Foot"):
            shift[name] = shift[name] + (share - 1) * (bone.head - bones[bone.parent].head)
    tails = {bone.parent: shift[name] for name, bone in bones.items() if "Arm" in name or "Leg" in name}
    lowest = min(float((bone.head + shift[name])[2]) for name, bone in bones.items()) - 0.02
    return {
        name: replace(
            bone,
            head=bone.head + shift[name] - [0, 0, lowest],
            tail=bone.tail + tails.get(name, shift[name]) - [0, 0, lowest],
        )
        for name, bone in bones.items()
    }


def _sided(place, side: str) -> np.ndarray:
    return np.array(place, float) * ([-1, 1, 1] if side == "Right" else [1, 1, 1])


def _rolled(direction: np.ndarray, number: int) -> np.ndarray:
    """Axes with Y along the bone and any roll."""
    y = direction / np.linalg.norm(direction)
    x = np.cross(y, [0.3 * number % 1 + 0.1, 1, 0.2])
    x /= np.linalg.norm(x)
    return np.stack([x, y, np.cross(x, y)], axis=-1)
