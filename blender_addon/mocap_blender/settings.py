# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on keeps in the file: the bone map of each armature, as its rows."""

from __future__ import annotations

import bpy

from .armature import bones_of
from .pure.mapping import BoneMap, map_bones
from .pure.names import BODY, HUMANOID


class MOCAP_PG_row(bpy.types.PropertyGroup):
    """One joint of a take and the bone that it moves."""

    name: bpy.props.StringProperty(name="Joint")
    bone: bpy.props.StringProperty(name="Bone", description="The bone that this joint moves; empty: none")


class MOCAP_PG_map(bpy.types.PropertyGroup):
    """The bone map of an armature. Without rows it is made anew at every import."""

    rows: bpy.props.CollectionProperty(type=MOCAP_PG_row)
    active: bpy.props.IntProperty()
    family: bpy.props.StringProperty()
    kind: bpy.props.StringProperty(default="bones")
    score: bpy.props.FloatProperty(subtype="FACTOR", min=0, max=1)


def fill(armature, bone_map: BoneMap) -> None:
    """Writes a map into the rows of an armature: all joints of the body, and the fingers that are mapped."""
    stored = armature.mocap_map
    stored.rows.clear()
    stored.family, stored.kind, stored.score = bone_map.family, bone_map.kind, bone_map.score
    for joint in HUMANOID:
        if joint in BODY or joint in bone_map.bones:
            row = stored.rows.add()
            row.name, row.bone = joint, bone_map.bones.get(joint, "")


def map_of(armature) -> BoneMap:
    """The map in an armature's rows, or the best one that is found for it."""
    stored = armature.mocap_map
    if not stored.rows:
        return map_bones(bones_of(armature))
    return BoneMap({row.name: row.bone for row in stored.rows if row.bone}, stored.family, stored.score, stored.kind)


CLASSES = (MOCAP_PG_row, MOCAP_PG_map)


def register() -> None:
    """Gives every object a place for its map."""
    bpy.types.Object.mocap_map = bpy.props.PointerProperty(type=MOCAP_PG_map)


def unregister() -> None:
    """Takes it away."""
    del bpy.types.Object.mocap_map
