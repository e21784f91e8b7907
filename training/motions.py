"""Motions of many sources as one kind of arrays: joint places and part rotations in a world with Y up.

    python -m training.motions CMU_BVH CMU_ASFAMC CMU_FBX ANIMATIONS -o motions.npz

reads every .bvh, .amc, .fbx and .glb below the given folders at 30 frames a second, the last two with Blender's own
importers (the ``bpy`` module), and every .npz that is such a file already. The sources use six families of bone names;
a take whose bones are not found is left out with a line.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mocap.io.bvh import read_bvh
from mocap.model import kinematics, rotation
from mocap.model.rotation import Array
from training import asfamc

FPS = 30
LIMBS = ("hip", "knee", "ankle", "ball", "shoulder", "elbow", "wrist")
POINTS = ("neck", "head", *(f"left_{limb}" for limb in LIMBS), *(f"right_{limb}" for limb in LIMBS))
PARTS = ("pelvis", "chest", "head", "left_wrist", "right_wrist", "left_ankle", "right_ankle")
NO_MOVEMENT = ("T-Pose", "TPose", "Rest Pose", "EXPERIMENTAL")  # in the name of a keyed animation
FEWEST_FRAMES = 12  # a shorter take teaches nothing about time

# In order of preference: Mixamo and MotionBuilder (CMU FBX), cgspeed's CMU BVH, iClone, Rigify, Unreal, KayKit.
# Mixamo's LeftShoulder is a collar bone, cgspeed's an upper arm: the first name that is there decides.
NAMES = {
    "pelvis": "Hips CC_Base_Hip DEF-hips pelvis hips",
    "chest": "Spine2 Spine1 Chest2 CC_Base_Spine02 DEF-spine.003 spine_03 chest",
    "neck": "lowerneck Neck CC_Base_NeckTwist01 DEF-neck neck_01 head",
    "head": "Head CC_Base_Head DEF-head head",
    "hip": "{Side}UpLeg {Side}Hip CC_Base_{S}_Thigh DEF-thigh.{S} thigh_{s} upperleg.{s}",
    "knee": "{Side}Leg {Side}Knee CC_Base_{S}_Calf DEF-shin.{S} calf_{s} lowerleg.{s}",
    "ankle": "{Side}Foot {Side}Ankle CC_Base_{S}_Foot DEF-foot.{S} foot_{s} foot.{s}",
    "ball": "{Side}ToeBase {Side}Toe CC_Base_{S}_ToeBase DEF-toe.{S} ball_{s} toes.{s}",
    "shoulder": "{Side}Arm {Side}Shoulder CC_Base_{S}_Upperarm DEF-upper_arm.{S} upperarm_{s} upperarm.{s}",
    "elbow": "{Side}ForeArm {Side}Elbow CC_Base_{S}_Forearm DEF-forearm.{S} lowerarm_{s} lowerarm.{s}",
    "wrist": "{Side}Hand {Side}Wrist CC_Base_{S}_Hand DEF-hand.{S} hand_{s} wrist.{s}",
}
ASF_NAMES = {
    "pelvis": "root",
    "chest": "thorax",
    "neck": "lowerneck",
    "head": "head",
    **{f"{side}_{limb}": side[0] + bone for side in ("left", "right") for limb, bone in (
        ("hip", "femur"), ("knee", "tibia"), ("ankle", "foot"), ("ball", "toes"), ("shoulder", "humerus"),
        ("elbow", "radius"), ("wrist", "wrist"),
    )},
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class SourceTake:
    """A take at 30 frames a second.

    points: (T, 16, 3) places of POINTS, in the source's unit, Y up. rotations: (T, 7, 3, 3) of PARTS in the world,
    identity in the rest pose, in which the figure stands upright and faces +Z. arms_at_rest: (2, 3) unit directions
    from elbow to wrist in the rest pose, left and right.
    """

    name: str
    points: Array
    rotations: Array
    arms_at_rest: Array


def main() -> None:
    """Reads the command line and writes one file with all takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    files = [
        path
        for folder in options.folders
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".bvh", ".amc", ".fbx", ".glb", ".npz"}
    ]
    takes = [take for path in files for take in read_takes(path)]
    write_motions(options.output, takes)
    seconds = sum(len(take.points) for take in takes) / FPS
    print(f"{len(takes)} takes, {seconds / 60:.1f} minutes")


def write_motions(path: Path, takes: list[SourceTake]) -> None:
    """Writes takes as one npz file, in single precision."""
    arrays = {}
    for take in takes:
        arrays[f"{take.name}|points"] = take.points.astype(np.float32)
        arrays[f"{take.name}|rotations"] = take.rotations.astype(np.float32)
        arrays[f"{take.name}|arms_at_rest"] = take.arms_at_rest.astype(np.float32)
    np.savez_compressed(path, **arrays)


def read_motions(path: Path) -> list[SourceTake]:
    """The takes of a file written by ``write_motions``."""
    with np.load(path) as stored:
        names = [key.removesuffix("|points") for key in stored.files if key.endswith("|points")]
        return [
            SourceTake(name, *(stored[f"{name}|{field}"] for field in ("points", "rotations", "arms_at_rest")))
            for name in names
        ]


def read_takes(path: Path) -> list[SourceTake]:
    """The takes of one file: a .glb and an .npz of this module hold many, the others one."""
    takes = {".bvh": _from_bvh, ".amc": _from_amc, ".npz": read_motions}.get(path.suffix, _from_scene)(path)
    if not takes:
        print(f"{path.name}: its bones have other names")
    return [take for take in takes if len(take.points) >= FEWEST_FRAMES]


def _from_bvh(path: Path) -> list[SourceTake]:
    motion = read_bvh(path)
    bones = _bones(motion.skeleton.names)
    if bones is None:
        return []
    frames = np.rint(np.arange(0, len(motion) - 0.5, float(motion.fps) / FPS)).astype(int)
    world = kinematics.world_rotations(motion.skeleton, motion.local_wxyz[frames])
    joints = kinematics.forward_kinematics(motion.skeleton, motion.root_world[frames], world)
    column = {part: motion.skeleton.index(bone) for part, bone in bones.items()}
    rest = motion.skeleton.rest_positions()
    arms = np.stack([rest[column[f"{side}_wrist"]] - rest[column[f"{side}_elbow"]] for side in ("left", "right")])
    return [
        SourceTake(
            f"{path.parent.name}/{path.stem}",
            joints[:, [column[point] for point in POINTS]],
            rotation.wxyz_to_matrix(world[:, [column[part] for part in PARTS]]),
            arms / np.linalg.norm(arms, axis=1, keepdims=True),
        )
    ]


def _from_amc(path: Path) -> list[SourceTake]:
    bones = asfamc.read_asf(next(path.parent.glob("*.asf")))
    channels = asfamc.read_amc(path)
    starts, turns = asfamc.placed(bones, {name: rows[:: asfamc.FPS // FPS] for name, rows in channels.items()})
    turning = {**ASF_NAMES, "left_wrist": "lhand", "right_wrist": "rhand"}
    arms = np.stack([bones[bone].along / np.linalg.norm(bones[bone].along) for bone in ("lradius", "rradius")])
    points = np.stack([starts[ASF_NAMES[point]] for point in POINTS], axis=1)
    rotations = np.stack([turns[turning[part]] for part in PARTS], axis=1)
    return [SourceTake(f"{path.parent.name}/{path.stem}", points, rotations, arms)]


def _from_scene(path: Path) -> list[SourceTake]:
    os.environ.setdefault("BLENDER_USER_RESOURCES", tempfile.mkdtemp())
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = FPS
    rate = _import(path)
    for thing in list(bpy.data.objects):
        if thing.type == "MESH":
            bpy.data.objects.remove(thing)
    armature = next(thing for thing in bpy.data.objects if thing.type == "ARMATURE")
    bones = _bones(armature.pose.bones.keys())
    if bones is None:
        return []
    if path.suffix == ".fbx":
        return [_sampled(f"{path.parent.name}/{path.stem}", armature, bones, armature.animation_data.action, rate)]
    actions = [action for action in bpy.data.actions if not any(word in action.name for word in NO_MOVEMENT)]
    return [_sampled(f"{path.stem}/{action.name}", armature, bones, action, rate) for action in actions]


def _import(path: Path) -> float:
    """Imports a file; its own frames a second."""
    import bpy

    if path.suffix == ".fbx":
        bpy.ops.import_scene.fbx(filepath=str(path))
        return float(bpy.context.scene.render.fps)
    bpy.ops.import_scene.gltf(filepath=str(path))
    return FPS


def _bones(names: Iterable[str]) -> dict[str, str] | None:
    """Point or part to bone name, or None if one is not found."""
    present = set(names)
    present |= {name.removeprefix("Neo_") for name in present}
    prefix = "Neo_" if any(name.startswith("Neo_") for name in present) else ""
    found = {}
    for part in (*POINTS, *PARTS):
        side, _, limb = part.rpartition("_")
        words = {"Side": side.capitalize(), "S": side[:1].upper(), "s": side[:1]}
        known = [name.format(**words) for name in NAMES[limb].split()]
        name = next((name for name in known if name in present), None)
        if name is None:
            return None
        found[part] = prefix + name
    return found


def _sampled(name: str, armature: object, bones: dict[str, str], action: object, rate: float) -> SourceTake:
    import bpy

    armature.animation_data_create().action = action
    if hasattr(action, "slots") and action.slots:
        armature.animation_data.action_slot = action.slots[0]
    begin, end = action.frame_range
    frames = np.arange(begin, end + 1e-6, rate / FPS)
    points, rotations = np.empty((len(frames), len(POINTS), 3)), np.empty((len(frames), len(PARTS), 3, 3))
    rest = {part: _upright(armature.matrix_world @ armature.data.bones[bones[part]].matrix_local) for part in bones}
    for t, frame in enumerate(frames):
        bpy.context.scene.frame_set(int(frame), subframe=float(frame % 1))
        now = {part: _upright(armature.matrix_world @ armature.pose.bones[bones[part]].matrix) for part in bones}
        points[t] = [now[point][:3, 3] for point in POINTS]
        rotations[t] = [_turned(now[part], rest[part]) for part in PARTS]
    arms = np.stack([rest[f"{side}_wrist"][:3, 3] - rest[f"{side}_elbow"][:3, 3] for side in ("left", "right")])
    return SourceTake(name, points, rotations, arms / np.linalg.norm(arms, axis=1, keepdims=True))


def _upright(matrix: object) -> Array:
    """A Blender matrix (Z up, figures face −Y) in a world with Y up in which they face +Z."""
    z_up = np.array(matrix, dtype=float)
    return np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]]) @ z_up


def _turned(now: Array, rest: Array) -> Array:
    """The rotation (3, 3) from the rest pose to now, scale taken out."""
    u, _, vt = np.linalg.svd(now[:3, :3] @ np.linalg.inv(rest[:3, :3]))
    return np.asarray(u @ vt)


if __name__ == "__main__":
    main()
