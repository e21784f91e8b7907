"""Rotations: unit quaternions ``wxyz``, and the only conversions between them and other conventions.

All functions broadcast over leading axes. Rotations are active and act on column vectors; angles are radians
unless a name says degrees.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

IDENTITY_WXYZ: Array = np.array([1.0, 0.0, 0.0, 0.0])


def multiply(a_wxyz: ArrayLike, b_wxyz: ArrayLike) -> Array:
    """Hamilton product: the rotation that applies ``b`` first, then ``a``. Shapes (..., 4)."""
    a, b = np.asarray(a_wxyz, float), np.asarray(b_wxyz, float)
    aw, ax, ay, az = np.moveaxis(a, -1, 0)
    bw, bx, by, bz = np.moveaxis(b, -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def conjugate(wxyz: ArrayLike) -> Array:
    """The inverse of unit quaternions (..., 4)."""
    return np.asarray(np.asarray(wxyz, float) * np.array([1.0, -1.0, -1.0, -1.0]))


def rotate(wxyz: ArrayLike, vector: ArrayLike) -> Array:
    """Vectors (..., 3) rotated by unit quaternions (..., 4)."""
    q, v = np.asarray(wxyz, float), np.asarray(vector, float)
    w, u = q[..., :1], q[..., 1:]
    t = 2.0 * np.cross(u, v)
    return np.asarray(v + w * t + np.cross(u, t))


def wxyz_to_matrix(wxyz: ArrayLike) -> Array:
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4)."""
    w, x, y, z = np.moveaxis(np.asarray(wxyz, float), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def matrix_to_wxyz(matrix: ArrayLike) -> Array:
    """Unit quaternions (..., 4), w ≥ 0, of rotation matrices (..., 3, 3).

    Takes the largest of the four candidates, which never divides by a small number (Shepperd 1978).
    """
    m = np.asarray(matrix, float)
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    d21, d02, d10 = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    s21, s02, s10 = m[..., 2, 1] + m[..., 1, 2], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 0] + m[..., 0, 1]
    candidates = np.stack(
        [
            np.stack([1 + m00 + m11 + m22, d21, d02, d10], axis=-1),
            np.stack([d21, 1 + m00 - m11 - m22, s10, s02], axis=-1),
            np.stack([d02, s10, 1 - m00 + m11 - m22, s21], axis=-1),
            np.stack([d10, s02, s21, 1 - m00 - m11 + m22], axis=-1),
        ],
        axis=-2,
    )
    best = np.argmax(np.diagonal(candidates, axis1=-2, axis2=-1), axis=-1)
    q = np.take_along_axis(candidates, best[..., None, None], axis=-2)[..., 0, :]
    q = q / np.linalg.norm(q, axis=-1, keepdims=True)
    return np.where(q[..., :1] < 0, -q, q)


def wxyz_to_xyzw(wxyz: ArrayLike) -> Array:
    """SciPy's order (..., 4)."""
    return np.roll(np.asarray(wxyz, float), -1, axis=-1)


def xyzw_to_wxyz(xyzw: ArrayLike) -> Array:
    """Our order (..., 4) from SciPy's."""
    return np.roll(np.asarray(xyzw, float), 1, axis=-1)


def rotvec_to_wxyz(rotation_vector: ArrayLike) -> Array:
    """Unit quaternions (..., 4) of rotation vectors (..., 3) in radians (exponential map)."""
    v = np.asarray(rotation_vector, float)
    angle = np.linalg.norm(v, axis=-1, keepdims=True)
    return np.concatenate([np.cos(angle / 2), 0.5 * np.sinc(angle / (2 * np.pi)) * v], axis=-1)


def wxyz_to_rotvec(wxyz: ArrayLike) -> Array:
    """Rotation vectors (..., 3) in radians, length at most π (logarithm map)."""
    q = np.asarray(wxyz, float)
    q = np.where(q[..., :1] < 0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, q[..., :1])
    return np.asarray(q[..., 1:] * np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2.0))


def angle_between(a_wxyz: ArrayLike, b_wxyz: ArrayLike) -> Array:
    """Angle in radians (...) of the rotation that takes ``a`` to ``b``; q and −q count as one rotation."""
    relative = multiply(conjugate(a_wxyz), b_wxyz)
    return np.asarray(2.0 * np.arctan2(np.linalg.norm(relative[..., 1:], axis=-1), np.abs(relative[..., 0])))


def slerp(a_wxyz: ArrayLike, b_wxyz: ArrayLike, fraction: ArrayLike) -> Array:
    """Spherical linear interpolation along the shorter way (Shoemake 1985).

    Parameters
    ----------
    a_wxyz, b_wxyz : (..., 4) unit quaternions.
    fraction : (...); 0 gives ``a``, 1 gives ``b``.

    Returns
    -------
    Array (..., 4).
    """
    relative = wxyz_to_rotvec(multiply(conjugate(a_wxyz), b_wxyz))
    return multiply(a_wxyz, rotvec_to_wxyz(np.asarray(fraction, float)[..., None] * relative))


def make_continuous(wxyz: ArrayLike) -> Array:
    """The same rotations (T, ..., 4) with signs chosen so that frame and next frame have a dot product ≥ 0."""
    q = np.array(wxyz, float)
    if len(q) < 2:
        return q
    flips = np.sign(np.sum(q[1:] * q[:-1], axis=-1))
    flips[flips == 0] = 1.0
    q[1:] *= np.cumprod(flips, axis=0)[..., None]
    return q


def shortest_arc(from_vector: ArrayLike, to_vector: ArrayLike) -> Array:
    """The smallest rotation (..., 4) that takes one direction (..., 3) to another; lengths do not matter."""
    a, b = np.broadcast_arrays(np.asarray(from_vector, float), np.asarray(to_vector, float))
    a = a / np.linalg.norm(a, axis=-1, keepdims=True)
    b = b / np.linalg.norm(b, axis=-1, keepdims=True)
    w = 1.0 + np.sum(a * b, axis=-1, keepdims=True)
    least = np.eye(3)[np.argmin(np.abs(a), axis=-1)]
    q = np.concatenate([w, np.cross(a, b)], axis=-1)
    half_turn = np.concatenate([np.zeros_like(w), np.cross(a, least)], axis=-1)
    q = np.where(w < 1e-14, half_turn, q)  # within 1e-7 of opposite
    return np.asarray(q / np.linalg.norm(q, axis=-1, keepdims=True))


def frame_from_axes(primary: ArrayLike, secondary: ArrayLike, *, axes: str) -> Array:
    """Rotation matrices whose columns are an orthonormal frame built from two directions (Gram-Schmidt).

    Parameters
    ----------
    primary, secondary : directions (..., 3), any length.
    axes : the column that each direction gives, e.g. ``"yx"``: the primary direction is the y column exactly, the
        secondary one is made perpendicular to it and becomes x. The third column completes a right-handed frame.

    Returns
    -------
    Array (..., 3, 3).
    """
    first, second = "xyz".index(axes[0]), "xyz".index(axes[1])
    third = 3 - first - second
    p = np.asarray(primary, float)
    s = np.asarray(secondary, float)
    p = p / np.linalg.norm(p, axis=-1, keepdims=True)
    s = s - np.sum(p * s, axis=-1, keepdims=True) * p
    s = s / np.linalg.norm(s, axis=-1, keepdims=True)
    handedness = 1.0 if (second - first) % 3 == 1 else -1.0
    columns = [np.empty(0)] * 3
    columns[first], columns[second], columns[third] = p, s, handedness * np.cross(p, s)
    return np.stack(columns, axis=-1)


def wxyz_to_euler_zxy_degrees(wxyz: ArrayLike) -> Array:
    """BVH channels (T, ..., 3) = (Z, X, Y) in degrees with R = Rz·Rx·Ry, unwrapped over time (axis 0).

    Convention: R[2, 1] = sin(x), so a rotation by 90° about +X gives (0, 90, 0). Of the two Euler triples of each
    rotation, (z, x, y) and (z + 180, 180 − x, y + 180), the one nearer to the frame before is taken.
    """
    m = wxyz_to_matrix(wxyz)
    cosine = np.hypot(m[..., 2, 0], m[..., 2, 2])  # of x; an arcsine would lose half the digits near gimbal lock
    x = np.arctan2(m[..., 2, 1], cosine)
    z = np.arctan2(-m[..., 0, 1], m[..., 1, 1])
    y = np.arctan2(-m[..., 2, 0], m[..., 2, 2])
    locked = cosine < 1e-7  # gimbal lock: only z ± y is defined, put it all into z
    z = np.where(locked, np.arctan2(m[..., 1, 0], m[..., 0, 0]), z)
    y = np.where(locked, 0.0, y)
    return np.degrees(_nearest_euler(np.stack([z, x, y], axis=-1)))


def _nearest_euler(zxy: Array) -> Array:
    out = zxy.copy()
    for t in range(1, len(out)):
        candidates = np.stack([zxy[t], np.array([np.pi, np.pi, np.pi]) + zxy[t] * np.array([1.0, -1.0, 1.0])])
        candidates += 2 * np.pi * np.round((out[t - 1] - candidates) / (2 * np.pi))
        cost = np.sum(np.abs(candidates - out[t - 1]), axis=-1)
        out[t] = np.where(cost[0][..., None] <= cost[1][..., None], candidates[0], candidates[1])
    return out


def euler_to_wxyz(angles: ArrayLike, order: str) -> Array:
    """Unit quaternions (..., 4) of Euler angles (..., n) in radians, applied as the product in the listed order.

    ``order`` is e.g. ``"ZXY"`` for R = Rz·Rx·Ry (BVH's reading of its channels).
    """
    angles = np.asarray(angles, float)
    q = np.broadcast_to(IDENTITY_WXYZ, (*angles.shape[:-1], 4))
    for i, axis in enumerate(order.upper()):
        half = angles[..., i] / 2
        factor = np.zeros((*angles.shape[:-1], 4))
        factor[..., 0] = np.cos(half)
        factor[..., 1 + "XYZ".index(axis)] = np.sin(half)
        q = multiply(q, factor)
    return np.asarray(q)
