"""Which bone is which, on the real characters and Rigify's metarigs: by their names, and by their shape alone."""

from __future__ import annotations

import bpy
import pytest
from characters import REAL, RIGIFY, real
from mocap_blender.armature import bones_of
from mocap_blender.pure.mapping import map_bones
from mocap_blender.pure.names import BODY
from rigs import nameless

CENTRE = ("Hips", "Spine", "Chest", "UpperChest", "Neck", "Head")
# family, the bones of CENTRE (- where there is none), and those of the limbs in the order of SIDED; {} is the side
SIDED = ("Shoulder", "UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "Toes")
MAPS = {
    "male_mixamo": ("mixamo", "Hips Spine Spine1 Spine2 Neck Head", "mixamorig:", "Left Right",
                    "{}Shoulder {}Arm {}ForeArm {}Hand {}UpLeg {}Leg {}Foot {}ToeBase"),
    "female_game_engine": ("unreal", "pelvis spine_01 spine_02 spine_03 neck_01 head", "", "l r",
                           "clavicle_{} upperarm_{} lowerarm_{} hand_{} thigh_{} calf_{} foot_{} ball_{}"),
    "male_cmu_mb": ("cmu", "Hips LowerBack Spine Spine1 Neck Head", "", "Left Right",
                    "{}Shoulder {}Arm {}ForeArm {}Hand {}UpLeg {}Leg {}Foot {}ToeBase"),
    "kaykit_knight": ("kaykit", "hips spine chest - - head", "", "l r",
                      "- upperarm.{} lowerarm.{} wrist.{} upperleg.{} lowerleg.{} foot.{} toes.{}"),
    "rigify": ("rigify_metarig", "spine spine.001 spine.002 spine.003 spine.004 spine.006", "", "L R",
               "shoulder.{} upper_arm.{} forearm.{} hand.{} thigh.{} shin.{} foot.{} toe.{}"),
}  # fmt: skip


def expected(name: str) -> tuple[str, dict[str, str]]:
    """The family, and joint to the bone that a person would choose."""
    family, centre, prefix, sides, limbs = MAPS[name]
    found = dict(zip(CENTRE, centre.split()))
    for side, own in zip(("Left", "Right"), sides.split()):
        found |= {f"{side}{joint}": bone.format(own) for joint, bone in zip(SIDED, limbs.split())}
    return family, {joint: prefix + bone for joint, bone in found.items() if bone != "-"}


def body(bones: dict[str, str]) -> dict[str, str]:
    return {joint: bone for joint, bone in bones.items() if joint in BODY}


def check(bones: dict, name: str) -> None:
    family, wanted = expected(name)
    found = map_bones(bones)
    assert (found.family, found.score) == (family, 1.0)
    assert body(found.bones) == wanted
    renamed, names = nameless(bones)
    found = map_bones(renamed)
    assert found.family == "structure"
    assert body(found.bones) == {joint: names[bone] for joint, bone in wanted.items()}


@pytest.mark.real
@pytest.mark.parametrize("name", REAL)
def test_real_characters_are_mapped_whole_by_name_and_by_shape(scene, characters_folder, name):
    check(bones_of(real(name)), name)


@pytest.mark.parametrize("metarig", RIGIFY.values())
def test_rigify_s_metarigs_are_mapped_whole_by_name_and_by_shape(scene, metarig):
    import addon_utils

    addon_utils.enable("rigify", default_set=True)
    getattr(bpy.ops.object, metarig)()
    check(bones_of(bpy.context.object), "rigify")
