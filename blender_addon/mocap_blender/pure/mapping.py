# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone of an armature is which joint of a take.

Tables of names are tried first (``rigs/``, one small file a family), the armature's shape after that.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import structure
from .bones import Bones, ancestors_of
from .errors import AddonError
from .names import BODY, HUMANOID, HUMANOID_CENTRE, Name, canonical

FORMAT, VERSION = "mocap-bone-map", 1
RIGS = Path(__file__).parent / "rigs"
ENOUGH = 0.7  # of the needed bones: without legs or without arms it is no match
# Without these a body cannot be moved. Collar bones, toes, neck and the spine's upper bones are often missing.
_NEEDED_LIMBS = ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
NEEDED = ("Hips", "Spine", "Head", *(side + limb for side in ("Left", "Right") for limb in _NEEDED_LIMBS))


class MapError(AddonError):
    """A bone map that cannot be read or used; the message is one line for the user."""


@dataclass(frozen=True, eq=False)
class BoneMap:
    """bones: joint of a take (HUMANOID) to bone name. family: which table gave it, "structure" or "custom".

    score: 0..1, the share of needed joints found. kind: "rigify" if the bones are controls of a generated Rigify rig.
    """

    bones: dict[str, str]
    family: str
    score: float
    kind: str = "bones"


def map_bones(bones: Bones) -> BoneMap:
    """The best map of an armature; its score is 0 where the armature is no figure with two arms and two legs."""
    candidates = [_from_table(table, bones) for table in tables()]
    candidates = [found for found in candidates if found.score >= ENOUGH and not problems(found, bones)]
    if candidates:
        return max(candidates, key=lambda found: _rank(found, bones))
    shaped = structure.map_by_shape(bones)
    return BoneMap(shaped, "structure", _score(shaped)) if _score(shaped) >= ENOUGH else BoneMap({}, "none", 0.0)


def tables() -> list[dict]:
    """The tables of rig families, by name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RIGS.glob("*.json"))]


def unmapped(bone_map: BoneMap) -> list[str]:
    """The body's joints that no bone takes."""
    return [joint for joint in BODY if joint not in bone_map.bones]


def problems(bone_map: BoneMap, bones: Bones) -> list[str]:
    """What is wrong with a map, in sentences: bones that are missing, taken twice, or out of order in the hierarchy."""
    found = [f"{joint}: there is no bone '{bone}'" for joint, bone in bone_map.bones.items() if bone not in bones]
    for bone, times in Counter(bone_map.bones.values()).items():
        if times > 1:
            joints = [joint for joint, mapped in bone_map.bones.items() if mapped == bone]
            found.append(f"'{bone}' stands for {' and '.join(joints)}")
    if found or bone_map.kind == "rigify":  # controls hang beside one another
        return found
    for limb, parent in _ORDER.items():
        for side in ("Left", "Right"):
            child, above = bone_map.bones.get(side + limb), bone_map.bones.get(side + parent)
            if child and above and above not in ancestors_of(child, bones):
                found.append(f"{side}{limb}: '{child}' does not hang below '{above}'")
    return found


_ORDER = {"LowerArm": "UpperArm", "Hand": "LowerArm", "LowerLeg": "UpperLeg", "Foot": "LowerLeg", "Toes": "Foot"}


def _rank(found: BoneMap, bones: Bones) -> tuple[bool, int, bool, int]:
    """What makes one map better than another: controls before bones, then the body, the neck's own parent, fingers."""
    neck, chest = found.bones.get("Neck"), found.bones.get("UpperChest")
    body = sum(joint in BODY for joint in found.bones)
    return found.kind == "rigify", body, neck is not None and bones[neck].parent == chest, len(found.bones)


def _score(mapped: Iterable[str]) -> float:
    mapped = set(mapped)
    return sum(joint in mapped for joint in NEEDED) / len(NEEDED)


def _from_table(table: dict, bones: Bones) -> BoneMap:
    """The map that a table gives, with the name prefix that finds most of the body."""
    by_name: dict[Name, str] = {}
    for bone in bones:
        by_name.setdefault(canonical(bone), bone)
    maps = [_with_prefix(table, by_name, prefix) for prefix in _prefixes(table, by_name)]
    best = max(maps, key=lambda found: (sum(joint in BODY for joint in found), len(found)))
    return BoneMap(best, table["family"], _score(best), table["kind"])


def _prefixes(table: dict, by_name: dict[Name, str]) -> set[str]:
    """What may stand before this table's names: what is before one of its names for the hips or the thigh."""
    hips = [canonical(name).stem for name in table["centre"]["Hips"]]
    thighs = [canonical(name).stem for name in table["sides"]["UpperLeg"]]
    found = {""}
    for name in by_name:
        found |= {name.stem.removesuffix(own) for own in (thighs if name.side else hips) if name.stem.endswith(own)}
    return found


def _with_prefix(table: dict, by_name: dict[Name, str], prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for joint in HUMANOID:
        side = "" if joint in HUMANOID_CENTRE else ("Left" if joint.startswith("Left") else "Right")
        names = table["sides"].get(joint.removeprefix(side), ()) if side else table["centre"].get(joint, ())
        for name in names:
            bone = by_name.get(Name(side, prefix + canonical(name).stem))
            if bone is not None and bone not in found.values():
                found[joint] = bone
                break
    return found


def write_map(bone_map: BoneMap, path: str | os.PathLike) -> None:
    """Writes a map as JSON, beside the target first."""
    document = {"format": FORMAT, "version": VERSION, "family": bone_map.family, "kind": bone_map.kind}
    document["bones"] = {joint: bone_map.bones[joint] for joint in HUMANOID if joint in bone_map.bones}
    target = Path(path)
    temporary = target.with_name(target.name + ".part")
    temporary.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    temporary.replace(target)


def read_map(path: str | os.PathLike) -> BoneMap:
    """The map in a file of ``write_map``. Raises MapError."""
    name = Path(path).name
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MapError(f"cannot read the bone map {name}: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise MapError(f"{name} is no bone map; save one with 'Save map' first")
    if not isinstance(document.get("version"), int) or document["version"] > VERSION:
        raise MapError(f"{name} is a bone map of a newer version; update the add-on")
    bones = document.get("bones")
    if not isinstance(bones, dict) or not all(isinstance(bone, str) for bone in bones.values()):
        raise MapError(f"{name} is damaged: 'bones' must give a bone's name for every joint")
    strangers = sorted(set(bones) - set(HUMANOID))
    if strangers:
        raise MapError(f"{name} has unknown joints: {', '.join(strangers[:3])}")
    kind = "rigify" if document.get("kind") == "rigify" else "bones"
    return BoneMap(bones, "custom", _score(bones), kind)
