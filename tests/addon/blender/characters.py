"""Rigs to retarget to, by name: the real characters, Rigify's, and those that the tests make."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import bpy
from mathutils import Matrix
from rigs import expected, nameless, rig

REPOSITORY = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("MOCAP_DATA", REPOSITORY.parent / "shared" / "data"))
REAL = ("male_mixamo", "female_game_engine", "male_cmu_mb", "kaykit_knight")
MADE = ("vrm", "vroid", "mmd", "unreal5", "nameless")
RIGIFY = {"rigify_human": "armature_human_metarig_add", "rigify_basic": "armature_basic_human_metarig_add"}


def real(name: str):
    """The armature of a character of ../shared/data, at rest, without its meshes and animations."""
    bpy.ops.import_scene.gltf(filepath=str(DATA / "characters" / f"{name}.glb"))
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")
    armature.animation_data_clear()
    for bone in armature.pose.bones:
        bone.matrix_basis.identity()
    for thing in [thing for thing in bpy.data.objects if thing.type == "MESH"]:
        bpy.data.objects.remove(thing)
    return armature


def made(name: str):
    """A figure in an A-pose with a convention's names, rolled bones, and hair, skirt, twist and finger bones."""
    if name == "nameless":
        return armature_of(nameless(rig(expected("mixamo"), seed=3))[0])
    return armature_of(rig(expected(name), prefix="Bob_" if name == "vrm" else "", seed=3))


def rigify(name: str):
    """A generated rig of Rigify."""
    import addon_utils

    addon_utils.enable("rigify", default_set=True)
    getattr(bpy.ops.object, RIGIFY[name])()
    drawn = bpy.context.object
    bpy.ops.pose.rigify_generate()
    generated = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE" and thing is not drawn)
    bpy.data.objects.remove(drawn)
    return generated


def armature_of(bones: dict):
    """An armature object of bones as ``rigs.rig`` gives them."""
    armature = bpy.data.objects.new("figure", bpy.data.armatures.new("figure"))
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for name, bone in bones.items():
        edited = armature.data.edit_bones.new(name)
        edited.head, edited.tail = bone.head, bone.tail
        edited.align_roll(Matrix(bone.matrix.tolist()).col[2])
    for name, bone in bones.items():
        if bone.parent:
            armature.data.edit_bones[name].parent = armature.data.edit_bones[bone.parent]
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def maker_of(name: str) -> Callable[[str], object]:
    """The function that makes the rig of this name."""
    return real if name in REAL else rigify if name in RIGIFY else made
