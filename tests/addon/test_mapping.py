"""Which bone is which: by the names of many conventions, and by the shape alone."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

for folder in (Path(__file__).resolve().parent, Path(__file__).resolve().parents[2] / "blender_addon"):
    sys.path.insert(0, str(folder))

from mocap_blender.pure.mapping import BoneMap, MapError, map_bones, problems, read_map, write_map  # noqa: E402
from mocap_blender.pure.names import BODY, Name, canonical  # noqa: E402
from rigs import CONVENTIONS, expected, nameless, rig, with_limbs  # noqa: E402

FAMILIES_THAT_SHARE_NAMES = {"godot": "vrm"}


@pytest.mark.parametrize(
    ("name", "side", "stem"),
    [
        ("mixamorig:LeftUpLeg", "Left", "upleg"),
        ("thigh.L", "Left", "thigh"),
        ("calf_r", "Right", "calf"),
        ("J_Bip_R_UpperArm", "Right", "jbipupperarm"),
        ("左ひじ", "Left", "ひじ"),
        ("lShldrBend", "Left", "shldrbend"),
        ("spine_01", "", "spine1"),
        ("RHipJoint", "Right", "hipjoint"),
        ("Armature|Head", "", "head"),
    ],
)
def test_names_are_brought_to_one_form(name, side, stem):
    assert canonical(name) == Name(side, stem)


@pytest.mark.parametrize("prefix", ["", "Bob_", "char1:"])
@pytest.mark.parametrize("family", CONVENTIONS)
def test_every_convention_is_mapped_whole_whatever_its_prefix_and_order(family, prefix):
    wanted = {joint: prefix + name for joint, name in expected(family).items()}
    for seed in (None, 1, 2):
        found = map_bones(rig(expected(family), prefix=prefix, seed=seed))
        assert found.family == FAMILIES_THAT_SHARE_NAMES.get(family, family)
        assert {joint: found.bones.get(joint) for joint in BODY} == wanted


def test_twist_hair_skirt_and_finger_bones_are_never_taken_for_the_body():
    for family in CONVENTIONS:
        found = map_bones(rig(expected(family)))
        assert not [bone for bone in found.bones.values() if any(word in bone for word in ("twist", "hair", "skirt"))]


def by_shape(bones: dict, names: dict[str, str]) -> tuple[list[str], list[str]]:
    """The joints that are right and wrong when the bones have meaningless names; names: joint to the bone it has."""
    renamed, new_names = nameless(bones)
    found = map_bones(renamed)
    assert found.family == "structure"
    right = [joint for joint in BODY if joint in names and found.bones.get(joint) == new_names[names[joint]]]
    return right, [joint for joint in BODY if joint in found.bones and joint not in right]


@pytest.mark.parametrize("extras", [True, False])
def test_meaningless_names_are_mapped_by_shape(extras):
    names = expected("mixamo")
    right, wrong = by_shape(rig(names, extras=extras, seed=3), names)
    assert wrong == []
    assert len(right) >= 0.95 * len(names)


@pytest.mark.parametrize("limbs", [0.35, 0.5, 0.7, 1.3])
def test_figures_with_short_and_long_limbs_are_mapped_by_shape(limbs):
    names = expected("mixamo")
    assert by_shape(with_limbs(rig(names, extras=False), names, limbs), names)[1] == []


def test_a_bone_on_top_of_the_skull_is_not_taken_for_the_head():
    names = expected("mixamo")
    bones = rig(names, extras=False)
    top = replace(bones["Head"], name="HeadTop", parent="Head", head=bones["Head"].tail, tail=bones["Head"].tail * 1.1)
    assert by_shape({**bones, "HeadTop": top}, names)[1] == []


def test_a_figure_with_wrist_hand_and_slot_in_a_line_keeps_its_elbow():
    names = expected("mixamo")
    bones = rig(names, extras=False)
    for side in ("Left", "Right"):
        hand = bones[f"{side}Hand"]
        step = hand.tail - hand.head
        for name, parent, start in ((f"{side}Grip", f"{side}Hand", 0.5), (f"{side}Slot", f"{side}Grip", 1.0)):
            head = hand.head + start * step
            bones[name] = replace(hand, name=name, parent=parent, head=head, tail=head + step)
    assert by_shape(bones, names)[1] == []


def test_five_spine_bones_are_spread_over_three_joints():
    bones = rig(expected("unreal5"), extras=False)
    for between, below, above in (("spine_02", "spine_01", "spine_03"), ("spine_04", "spine_03", "spine_05")):
        bones[between] = replace(bones[above], name=between, parent=below)
        bones[above] = replace(bones[above], parent=between)
    found = map_bones(bones)
    assert [found.bones[joint] for joint in ("Spine", "Chest", "UpperChest")] == ["spine_01", "spine_03", "spine_05"]


def test_a_body_without_legs_is_no_figure():
    half = {name: bone for name, bone in rig(expected("vrm")).items() if "Leg" not in name}
    half = {name: bone for name, bone in half.items() if "Foot" not in name and "Toes" not in name}
    assert map_bones(half).score == 0


def test_a_map_survives_its_file(tmp_path):
    before = map_bones(rig(expected("vrm")))
    write_map(before, tmp_path / "map.json")
    after = read_map(tmp_path / "map.json")
    assert after.bones == before.bones
    assert after.kind == before.kind


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "cannot read"),
        ("[]", "no bone map"),
        ('{"format": "mocap-bone-map", "version": 2}', "newer version"),
        ('{"format": "mocap-bone-map", "version": 1, "bones": {"Tail": "x"}}', "unknown joints: Tail"),
        ('{"format": "mocap-bone-map", "version": 1, "bones": {"Head": 3}}', "damaged"),
    ],
)
def test_a_damaged_map_is_refused_in_one_line(tmp_path, document, words):
    (tmp_path / "map.json").write_text(document)
    with pytest.raises(MapError, match=words) as caught:
        read_map(tmp_path / "map.json")
    assert "\n" not in str(caught.value)


def test_problems_name_the_joint_and_the_bone():
    bones, names = rig(expected("vrm")), expected("vrm")
    crossed = BoneMap({**names, "LeftHand": names["RightHand"], "RightHand": names["LeftHand"]}, "custom", 1.0)
    assert problems(crossed, bones)[0].startswith("LeftHand: 'rightHand' does not hang below")
    assert problems(BoneMap({"Head": "none"}, "custom", 0.1), bones) == ["Head: there is no bone 'none'"]
