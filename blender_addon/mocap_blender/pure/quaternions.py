# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations of whole takes at once: quaternions wxyz (…, 4) and matrices (…, 3, 3), active, column vectors."""

from __future__ import annotations

import numpy as np

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The rotation b, then a."""
    aw, ax, ay, az = np.moveaxis(np.asarray(a, dtype=float), -1, 0)
    bw, bx, by, bz = np.moveaxis(np.asarray(b, dtype=float), -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def inverse(q: np.ndarray) -> np.ndarray:
    """The conjugate of unit quaternions."""
    return np.asarray(q) * [1.0, -1.0, -1.0, -1.0]


def rotate(q: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Vectors (…, 3) turned by quaternions (…, 4)."""
    w, axis = q[..., :1], q[..., 1:]
    twice = 2.0 * np.cross(axis, vectors)
    return vectors + w * twice + np.cross(axis, twice)


def from_matrix(matrices: np.ndarray) -> np.ndarray:
    """Quaternions of rotation matrices; the largest component is found first (Shepperd 1978)."""
    m = np.asarray(matrices, dtype=float)
    trace = np.trace(m, axis1=-2, axis2=-1)
    squares = np.stack([trace, *(m[..., i, i] for i in range(3))], axis=-1)
    lead = np.argmax(squares, axis=-1)
    K = np.empty((*m.shape[:-2], 4, 4))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        K[..., 0, i + 1] = K[..., i + 1, 0] = m[..., k, j] - m[..., j, k]
        K[..., i + 1, j + 1] = K[..., j + 1, i + 1] = m[..., i, j] + m[..., j, i]
        K[..., i + 1, i + 1] = 1 + 2 * m[..., i, i] - trace
    K[..., 0, 0] = 1 + trace
    row = np.take_along_axis(K, lead[..., None, None].repeat(4, axis=-1), axis=-2)[..., 0, :]
    return row / np.linalg.norm(row, axis=-1, keepdims=True)


def to_matrix(q: np.ndarray) -> np.ndarray:
    """Matrices whose columns are the turned axes."""
    return np.stack([rotate(q, np.broadcast_to(axis, (*q.shape[:-1], 3))) for axis in np.eye(3)], axis=-1)


def shortest_arc(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The smallest rotations that take directions a (…, 3) to b (…, 3)."""
    a, b = _unit(a), _unit(b)
    q = np.concatenate([1.0 + np.sum(a * b, axis=-1, keepdims=True), np.cross(a, b)], axis=-1)
    length = np.linalg.norm(q, axis=-1, keepdims=True)
    side = np.cross(a, np.where(np.abs(a[..., :1]) < 0.9, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]))
    half_turn = np.concatenate([np.zeros_like(length), _unit(side)], axis=-1)
    return np.where(length > 1e-7, q / np.maximum(length, 1e-12), half_turn)


def continuous(q: np.ndarray) -> np.ndarray:
    """Quaternions (T, …, 4) with signs such that neighbours in time are near one another."""
    flips = np.sum(q[1:] * q[:-1], axis=-1, keepdims=True) < 0
    signs = np.concatenate([np.ones_like(q[:1, ..., :1]), np.cumprod(np.where(flips, -1.0, 1.0), axis=0)])
    return q * signs


def from_euler(order: str, degrees: np.ndarray) -> np.ndarray:
    """Quaternions of turns (…, 3) about the axes of ``order``, the product taken in the order they stand."""
    half = 0.5 * np.radians(degrees)
    q = np.broadcast_to(IDENTITY, (*half.shape[:-1], 4))
    for i, axis in enumerate(order):
        turn = np.zeros((*half.shape[:-1], 4))
        turn[..., 0], turn[..., 1 + "XYZ".index(axis)] = np.cos(half[..., i]), np.sin(half[..., i])
        q = multiply(q, turn)
    return q


def about(axis: np.ndarray, radians: np.ndarray) -> np.ndarray:
    """Quaternions that turn by angles (…) about unit axes (…, 3)."""
    half = 0.5 * np.asarray(radians)[..., None]
    return np.concatenate([np.cos(half), np.sin(half) * axis], axis=-1)


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)
