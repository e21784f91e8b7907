# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of whole channels at once: one call a channel, not one a key."""

from __future__ import annotations

import bpy
import numpy as np

LINEAR = 1  # of Keyframe.interpolation, as foreach_set takes it


def new_action(name: str, armature):
    """A new action that animates the armature; returns it with the collection that takes its F-curves."""
    action = bpy.data.actions.new(name)
    armature.animation_data_create()
    if hasattr(action, "slots"):  # Blender 4.4 and later
        slot = action.slots.new(id_type="OBJECT", name=armature.name)
        strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
        curves = strip.channelbag(slot, ensure=True).fcurves
        armature.animation_data.action = action
        armature.animation_data.action_slot = slot
    else:
        curves = action.fcurves
        armature.animation_data.action = action
    return action, curves


def write(curves, data_path: str, frames: np.ndarray, values: np.ndarray) -> None:
    """Keys of a property (T, n), one F-curve for each of its n components, at frames (T,)."""
    for component in range(values.shape[1]):
        _write(curves.new(data_path, index=component), frames, values[:, component])


def write_single(curves, data_path: str, frames: np.ndarray, values: np.ndarray) -> None:
    """Keys (T,) of a property that is one number."""
    _write(curves.new(data_path), frames, values)


def groups(armature) -> dict[str, list]:
    """The F-curves of an armature's action by data path, in the order of their components."""
    data = armature.animation_data
    action = data.action if data is not None else None
    if action is None:
        return {}
    if hasattr(action, "slots"):
        bags = [strip.channelbag(data.action_slot) for layer in action.layers for strip in layer.strips]
        curves = [curve for bag in bags if bag is not None for curve in bag.fcurves]
    else:
        curves = list(action.fcurves)
    found: dict[str, list] = {}
    for curve in sorted(curves, key=lambda curve: curve.array_index):
        found.setdefault(curve.data_path, []).append(curve)
    return found


def read(curves: list) -> tuple[np.ndarray, np.ndarray]:
    """Frames (T,) of the first curve's keys, and the values (T, n) of n curves there."""
    points = np.empty(2 * len(curves[0].keyframe_points), dtype=np.float32)
    curves[0].keyframe_points.foreach_get("co", points)
    frames = points[::2].astype(float)
    values = [[curve.evaluate(frame) for frame in frames] for curve in curves[1:]]
    return frames, np.stack([points[1::2].astype(float), *map(np.array, values)], axis=-1)


def replace(curves: list, values: np.ndarray) -> None:
    """Other values (T, n) for the keys of n curves; a curve with other keys than the first gets the first's."""
    frames = np.empty(2 * len(curves[0].keyframe_points), dtype=np.float32)
    curves[0].keyframe_points.foreach_get("co", frames)
    for component, curve in enumerate(curves):
        curve.keyframe_points.clear()
        _write(curve, frames[::2], values[:, component])


def _write(curve, frames: np.ndarray, values: np.ndarray) -> None:
    curve.keyframe_points.add(len(frames))
    curve.keyframe_points.foreach_set("co", np.stack([frames, values], axis=-1).astype(np.float32).ravel())
    curve.keyframe_points.foreach_set("interpolation", np.full(len(frames), LINEAR, dtype=np.uint8))
    curve.update()
