"""What hypothesis draws from: rotations, directions and motions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mocap.model import rotation
from mocap.model.motion import Motion
from mocap.model.rotation import Array
from mocap.model.skeleton import humanoid

_seeds = st.integers(0, 2**32 - 1)


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def vectors(size: float = 10.0) -> st.SearchStrategy[Array]:
    """Points (3,) of a cube around the origin."""
    return arrays(float, (3,), elements=st.floats(-size, size, allow_subnormal=False))


def directions() -> st.SearchStrategy[Array]:
    """Vectors (3,) long enough to have a direction."""
    return vectors(1.0).filter(lambda v: np.linalg.norm(v) > 0.1)


def unit_quaternions(*shape: int) -> st.SearchStrategy[Array]:
    """Unit quaternions (*shape, 4) of either sign; a single one may be a round number, arrays are random."""
    if shape:
        return _seeds.map(lambda seed: _unit(np.random.default_rng(seed).normal(size=(*shape, 4))))
    drawn = arrays(float, (4,), elements=st.floats(-1.0, 1.0, allow_subnormal=False))
    return drawn.filter(lambda q: np.linalg.norm(q) > 0.1).map(_unit)


@st.composite
def motions(draw: st.DrawFn) -> Motion:
    """A humanoid of 0.5 to 2.5 m in up to 6 frames of arbitrary poses."""
    skeleton = humanoid(draw(st.floats(0.5, 2.5)))
    frames = draw(st.integers(1, 6))
    random = np.random.default_rng(draw(_seeds))
    local = rotation.make_continuous(_unit(random.normal(size=(frames, len(skeleton), 4))))
    root = random.normal(scale=3.0, size=(frames, 3))
    return Motion(skeleton, root, local, Fraction(30), np.ones((frames, len(skeleton))))
