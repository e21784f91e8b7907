# SPDX-License-Identifier: GPL-3.0-or-later
"""Standing feet held again, after the motion was smoothed or changed by hand."""

from __future__ import annotations

import bpy
import numpy as np

from . import keys, played
from .armature import bones_of
from .import_operator import chosen_armature
from .pure import feet, quaternions, retarget, smoothing
from .pure.errors import AddonError, RetargetError
from .pure.mapping import BoneMap
from .pure.take import SourceMotion
from .settings import map_of

JOIN_S = 0.1  # at the ends of a range the change fades within so many seconds


class MOCAP_OT_relock_feet(bpy.types.Operator):
    """Hold standing feet on the floor again where the take says that they stand, in the preview range or the scene's"""

    bl_idname = "mocap.relock_feet"
    bl_label = "Re-lock Feet"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012, Blender's own form

    def execute(self, context):
        """Changes keys of hips and legs."""
        try:
            first, last = self._relock(context)
        except AddonError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"feet held, frames {first} to {last}")
        return {"FINISHED"}

    def _relock(self, context) -> tuple[int, int]:
        armature = chosen_armature(context)
        _, take = played.take_of(armature)
        if not played.travels(armature):
            raise RetargetError(f"'{armature.name}' walks in place or on its root bone, so its feet have to slide")
        if not keys.groups(armature):
            raise RetargetError(f"'{armature.name}' has no keys; select its strip's action, or bake the preview first")
        person, start, fps = played.person_of(armature, take), played.start_of(armature), float(take.fps)
        first, last = _range(context.scene, start, take.frames)
        bones, bone_map = bones_of(armature), map_of(armature)
        part = _part(person, first - start, last + 1 - start)
        pose = _shown(context, armature, part, bone_map, range(first, last + 1))
        held = feet.held(pose, part, fps)
        turns = retarget.local_turns(held, bones, bone_map)
        legs = [joint for joint in bone_map.bones if joint.endswith(("UpperLeg", "LowerLeg", "Foot", "Toes"))]
        wanted = {f"{_path(armature, bone_map.bones[j])}.rotation_quaternion": turns[bone_map.bones[j]] for j in legs}
        hips = f"{_path(armature, bone_map.bones['Hips'])}.location"
        wanted[hips] = retarget.hips_location(held, bones, bone_map)
        curves = keys.groups(armature)
        joined = {path: _joined(curves.get(path), first, values, JOIN_S * fps) for path, values in wanted.items()}
        for path, values in joined.items():
            keys.replace(curves[path], values)
        return first, last


def _range(scene, start: int, frames: int) -> tuple[int, int]:
    """First and last frame: the preview range, if it is on, within the take."""
    chosen = (scene.frame_preview_start, scene.frame_preview_end) if scene.use_preview_range else (start, 10**9)
    first, last = max(chosen[0], start), min(chosen[1], start + frames - 1)
    if last <= first:
        raise RetargetError(f"the preview range holds no frames of the take, which has {start} to {start + frames - 1}")
    return first, last


def _part(person: SourceMotion, begin: int, end: int) -> SourceMotion:
    """Frames [begin, end) of a motion."""
    contacts = {
        point: [(max(a, begin) - begin, min(b, end) - begin) for a, b in spans if a < end and b > begin]
        for point, spans in person.contacts.items()
    }
    fields = {"root": person.root[begin:end], "local": person.local[begin:end], "contacts": contacts}
    return SourceMotion(**{**person.__dict__, **fields, "confidence": person.confidence[begin:end], "gaps": []})


def _shown(context, armature, motion: SourceMotion, bone_map: BoneMap, frames: range) -> retarget.Pose:
    """The pose of the armature as Blender shows it in these frames."""
    bones = bones_of(armature)
    pose = retarget.target_pose(motion, bones, bone_map)
    names = {joint: bone_map.bones[joint] for joint in pose.turns}
    matrices = {joint: np.empty((len(frames), 4, 4)) for joint in names}
    now = context.scene.frame_current
    for t, frame in enumerate(frames):
        context.scene.frame_set(frame)
        shown = armature.evaluated_get(context.evaluated_depsgraph_get())
        for joint, name in names.items():
            matrices[joint][t] = shown.pose.bones[name].matrix
    context.scene.frame_set(now)
    turns = {}
    for joint, name in names.items():
        axes = matrices[joint][:, :3, :3]
        axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
        rest = quaternions.inverse(quaternions.from_matrix(bones[name].matrix))
        turns[joint] = quaternions.multiply(quaternions.from_matrix(axes), rest)
    return retarget.Pose(turns, matrices["Hips"][:, :3, 3], pose.rest, pose.frame, pose.scale)


def _path(armature, bone: str) -> str:
    return armature.pose.bones[bone].path_from_id()


def _joined(curves: list | None, first: int, values: np.ndarray, frames: float) -> np.ndarray:
    """The values (T, n) of all keys, those from a frame on changed such that they join the keys before and behind."""
    at, kept = keys.read(curves) if curves else (np.zeros(0), np.zeros((0, values.shape[1])))
    begin = int(np.searchsorted(at, first))
    if begin + len(values) > len(at) or at[begin] != first or kept.shape[1] != values.shape[1]:
        raise RetargetError("hips or legs have no key in some frame of the range; import the take again, or bake it")
    end = begin + len(values)
    rotates = values.shape[1] == 4
    if rotates:
        values = values * np.where(np.sum(values * kept[begin:end], axis=1, keepdims=True) < 0, -1.0, 1.0)
    share = smoothing.share_of(len(at), begin, end, frames)[begin:end, None]
    joined = kept.copy()
    joined[begin:end] += share * (values - kept[begin:end])
    if rotates:
        joined /= np.linalg.norm(joined, axis=1, keepdims=True)
    return joined


CLASSES = (MOCAP_OT_relock_feet,)
