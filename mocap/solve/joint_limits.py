"""Joint limits: what a body can do, generously, so that a bad frame bends no limb the wrong way."""

from __future__ import annotations

import numpy as np

from mocap.model import rotation
from mocap.model.body import BODY
from mocap.model.parts import Limit
from mocap.model.rotation import Array
from mocap.model.skeleton import Skeleton

HYPEREXTENSION = 5.0  # degrees a hinge may bend the wrong way


def limit_of(joint: str) -> Limit | None:
    """The limit of a joint of the humanoid, or None for a free one (the root)."""
    return BODY.by_name[joint].limit if joint in BODY.by_name else None


def clamp_to_limits(skeleton: Skeleton, local_wxyz: Array) -> Array:
    """Rotations (T, J, 4) against the parent with every joint inside its range, by the nearest swing and twist."""
    clamped = np.array(local_wxyz, float)
    for j, name in enumerate(skeleton.names):
        limit = limit_of(name)
        if limit is not None:
            clamped[:, j] = clamp(clamped[:, j], _bone_axis(skeleton, j), limit)
    return clamped


def clamp(local_wxyz: Array, axis: Array, limit: Limit) -> Array:
    """Rotations (T, 4) of a bone along ``axis`` (3,) at rest, limited in swing, twist and the sense of its hinge."""
    twist = twist_about(local_wxyz, axis)
    swing = rotation.multiply(local_wxyz, rotation.conjugate(twist))
    swing_vector = _shorten(rotation.wxyz_to_rotvec(swing), np.radians(limit.swing))
    twist_vector = _shorten(rotation.wxyz_to_rotvec(twist), np.radians(limit.twist))
    if limit.hinge is not None:
        hinge = np.array(limit.hinge)
        bend = swing_vector @ hinge
        swing_vector = swing_vector + np.maximum(-np.radians(HYPEREXTENSION) - bend, 0.0)[:, None] * hinge
    return rotation.multiply(rotation.rotvec_to_wxyz(swing_vector), rotation.rotvec_to_wxyz(twist_vector))


def clamp_swing(parent: Array, along: Array, bone: Array, joint: str) -> Array:
    """Orientation (T, 3, 3) reached from the parent's by turning ``along`` (3,) towards ``bone`` (T, 3), as far as
    the joint's swing allows."""
    turn = rotation.wxyz_to_rotvec(rotation.shortest_arc(parent @ along, bone))
    limit = limit_of(joint)
    turn = turn if limit is None else _shorten(turn, np.radians(limit.swing))
    return np.asarray(rotation.wxyz_to_matrix(rotation.rotvec_to_wxyz(turn)) @ parent)


def twist_about(wxyz: Array, axis: Array) -> Array:
    """The part (..., 4) of rotations that turns about ``axis`` (3,): q = swing · twist (Dobrowolski 2015)."""
    along = wxyz[..., 1:] @ axis
    twist = np.concatenate([wxyz[..., :1], along[..., None] * axis], axis=-1)
    norm = np.linalg.norm(twist, axis=-1, keepdims=True)
    return np.where(norm > 1e-9, twist / np.maximum(norm, 1e-9), rotation.IDENTITY_WXYZ)


def _shorten(vectors: Array, longest: float) -> Array:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors * np.minimum(1.0, longest / np.maximum(length, 1e-12))


def _bone_axis(skeleton: Skeleton, joint: int) -> Array:
    """Unit rest direction (3,) from a joint to its first child, or to its End Site."""
    children = skeleton.children(joint)
    end = skeleton.offsets[children[0]] if children else skeleton.ends[skeleton.names[joint]]
    return np.asarray(end / np.linalg.norm(end))
