"""Joint limits: the range of every joint, wide enough for any person, so that no bad frame bends a limb backwards."""

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
    """Limit every joint to its range: swing and twist are shortened separately.

    Parameters
    ----------
    skeleton : J joints; those that the humanoid does not have are free.
    local_wxyz : (T, J, 4) rotations relative to the parent.

    Returns
    -------
    Array (T, J, 4).
    """
    clamped = np.array(local_wxyz, float)
    for j, name in enumerate(skeleton.names):
        limit = limit_of(name)
        if limit is not None:
            clamped[:, j] = clamp(clamped[:, j], _bone_axis(skeleton, j), limit)
    return clamped


def clamp(local_wxyz: Array, axis: Array, limit: Limit) -> Array:
    """Limit the rotations of one joint in swing, twist and, for a hinge, in the direction of its bend.

    Parameters
    ----------
    local_wxyz : (T, 4) rotations relative to the parent.
    axis : (3,) unit direction of the bone at rest.
    limit : the range.

    Returns
    -------
    Array (T, 4).
    """
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
    """Swing a bone from the orientation of its parent towards a direction, as far as the joint's limit allows.

    Parameters
    ----------
    parent : (T, 3, 3) orientation of the parent.
    along : (3,) rest direction of the bone.
    bone : (T, 3) direction to point to.
    joint : the name whose limit counts.

    Returns
    -------
    Orientation (T, 3, 3).
    """
    swing = rotation.wxyz_to_rotvec(rotation.shortest_arc(parent @ along, bone))
    limit = limit_of(joint)
    swing = swing if limit is None else _shorten(swing, np.radians(limit.swing))
    return np.asarray(rotation.wxyz_to_matrix(rotation.rotvec_to_wxyz(swing)) @ parent)


def twist_about(wxyz: Array, axis: Array) -> Array:
    """The twist (..., 4) of rotations about ``axis`` (3,), from q = swing · twist (Dobrowolski 2015)."""
    along = wxyz[..., 1:] @ axis
    twist = np.concatenate([wxyz[..., :1], along[..., None] * axis], axis=-1)
    norm = np.linalg.norm(twist, axis=-1, keepdims=True)
    return np.where(norm > 1e-9, twist / np.maximum(norm, 1e-9), rotation.IDENTITY_WXYZ)


def _shorten(vectors: Array, longest: float) -> Array:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors * np.minimum(1.0, longest / np.maximum(length, 1e-12)))


def _bone_axis(skeleton: Skeleton, joint: int) -> Array:
    """Unit rest direction (3,) from a joint to its first child, or to its End Site."""
    children = skeleton.children(joint)
    end = skeleton.offsets[children[0]] if children else skeleton.ends[skeleton.names[joint]]
    return np.asarray(end / np.linalg.norm(end))
