"""A figure to retarget to, and the golden take."""

from __future__ import annotations

from pathlib import Path

import bpy

GOLDEN = Path(__file__).resolve().parents[1] / "golden"

# head and tail of a figure 1.7 m tall in an A-pose that faces −Y, left side and middle
FIGURE = {
    "Hips": (None, (0, 0, 0.95), (0, 0, 1.05)),
    "Spine": ("Hips", (0, 0, 1.05), (0, 0, 1.18)),
    "Spine1": ("Spine", (0, 0, 1.18), (0, 0, 1.3)),
    "Spine2": ("Spine1", (0, 0, 1.3), (0, 0, 1.45)),
    "Neck": ("Spine2", (0, 0, 1.45), (0, -0.01, 1.54)),
    "Head": ("Neck", (0, -0.01, 1.54), (0, -0.01, 1.7)),
    "LeftShoulder": ("Spine2", (0.03, 0, 1.42), (0.16, 0, 1.42)),
    "LeftArm": ("LeftShoulder", (0.16, 0, 1.42), (0.36, 0, 1.22)),
    "LeftForeArm": ("LeftArm", (0.36, 0, 1.22), (0.53, -0.02, 1.05)),
    "LeftHand": ("LeftForeArm", (0.53, -0.02, 1.05), (0.6, -0.03, 0.98)),
    "LeftUpLeg": ("Hips", (0.09, 0, 0.92), (0.1, -0.01, 0.5)),
    "LeftLeg": ("LeftUpLeg", (0.1, -0.01, 0.5), (0.11, 0.02, 0.08)),
    "LeftFoot": ("LeftLeg", (0.11, 0.02, 0.08), (0.12, -0.12, 0.02)),
    "LeftToeBase": ("LeftFoot", (0.12, -0.12, 0.02), (0.12, -0.19, 0.02)),
}


def figure(*, root: bool = False, bones: dict | None = None):
    """An active armature object "figure": the one above with Mixamo's names and another prefix, or of those bones."""
    if bones is None:
        bones = {f"rig:{name}": (parent and f"rig:{parent}", *ends) for name, (parent, *ends) in FIGURE.items()}
        mirrored = {
            name.replace("Left", "Right"): (parent.replace("Left", "Right"), *((-x, y, z) for x, y, z in ends))
            for name, (parent, *ends) in bones.items()
            if "Left" in name
        }
        bones |= mirrored
    if root:
        bones = {"Root": (None, (0, 0, 0), (0, 0.2, 0))} | {
            name: (parent or "Root", *ends) for name, (parent, *ends) in bones.items()
        }
    armature = bpy.data.objects.new("figure", bpy.data.armatures.new("figure"))
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for name, (parent, head, tail) in bones.items():
        bone = armature.data.edit_bones.new(name)
        bone.head, bone.tail = head, tail
        bone.parent = armature.data.edit_bones[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature
