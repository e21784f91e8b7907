"""Trajectory optimisation: non-linear least squares over the root and the joint rotations of all frames of a clip.

The closed form solves each frame bone by bone and trusts every keypoint. Here all frames are fitted together, with
fixed bone lengths, to the terms of ``mocap.solve.terms``. Two priors determine what no keypoint shows: smoothness, and
nearness to the closed form. The method is Gauss-Newton with Huber weights and analytic derivatives (Triggs et al. 2000,
"Bundle adjustment: a modern synthesis"). No term connects frames that are more than two apart, so the normal equations
are banded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from mocap.model import rotation
from mocap.model.motion import Motion
from mocap.model.rotation import Array, Flags
from mocap.solve.terms import OPTIMISED_JOINTS, TERMS, UNKNOWNS, Evidence, Posed, Rows, foot_lock, penetration

ROUNDS = 5  # Gauss-Newton steps; later ones move joints by less than a millimetre
PENETRATION_M, MORE_ROUNDS = 0.005, 5  # a sole deeper than this under the ground asks for more steps, at most so many
WINDOW = 300  # frames solved at once, so that memory stays bounded
OVERLAP = 40  # frames that the next window solves again, when it knows what follows them
SETTLED = 2  # frames of the last window that the next one keeps fixed: terms connect no more
HUBER = 2.0  # standard deviations from which the cost of a residual grows linearly, not by its square
# Standard deviations of the priors:
NEAR_RAD, NEAR_M = 0.35, 1.0  # difference of rotations and root from the closed form
ANGULAR_RAD_S2, LINEAR_M_S2 = 25.0, 5.0  # accelerations of rotations and root
LEAP_S, LEAP_M_S2 = 0.2, 10.0  # of the root's height this long before and after a fall: people push off and land
GRAVITY_M_S2 = -9.81  # expected vertical acceleration of the root while it falls
FIXED_WEIGHT = 1e9  # of an unknown that must not change
COUNTED_FPS = 30.0  # weights are as at this rate, whatever the clip's: errors last longer than one frame


def optimise(motion: Motion, evidence: Evidence, cuts: Sequence[int] = ()) -> Motion:
    """Trajectory optimisation: fit a motion to all the evidence at once.

    Parameters
    ----------
    motion : the start and the prior, from the closed form; T frames, world frame.
    evidence : of the same T frames.
    cuts : frames with which a new scene begins; every scene is solved alone.

    Returns
    -------
    Motion
        The fitted root and rotations. Confidence is unchanged.
    """
    root, local = motion.root_world.copy(), motion.local_wxyz.copy()
    for begin, end in pairwise([0, *cuts, len(motion)]):
        for start, stop in _windows(begin, end):
            part = slice(start, stop)
            window = _Window(motion, evidence.part(start, stop), part)
            settled = SETTLED if start > begin else 0
            window.start_from(root[start : start + settled], local[start : start + settled])
            for _ in range(ROUNDS):
                window.improve(settled)
            for _ in range(MORE_ROUNDS):  # a foot that one step moves under the floor has a residual in the next
                if window.penetration() <= PENETRATION_M:
                    break
                window.improve(settled)
            root[part], local[part] = window.root, window.local
    local = rotation.make_continuous(local / np.linalg.norm(local, axis=-1, keepdims=True))
    return replace(motion, root_world=root, local_wxyz=local)


def _windows(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans [start, stop) that cover [begin, end), each from OVERLAP frames before the end of the one before."""
    start = begin
    while True:
        stop = end if end - start <= WINDOW + OVERLAP else start + WINDOW
        yield start, stop
        if stop == end:
            return
        start = stop - OVERLAP


class _Window:
    """The frames that are solved at once: their current root and rotations, and the start."""

    def __init__(self, motion: Motion, evidence: Evidence, part: slice) -> None:
        self.skeleton, self.evidence = motion.skeleton, evidence
        self.root, self.local = motion.root_world[part].copy(), motion.local_wxyz[part].copy()
        self._start_root, self._start_local = self.root.copy(), self.local.copy()
        self._active = [motion.skeleton.index(name) for name in OPTIMISED_JOINTS]
        fps = float(motion.fps)
        self._weight = COUNTED_FPS / fps
        near = np.concatenate([np.full(3, NEAR_M), np.full(UNKNOWNS - 3, NEAR_RAD)])
        expected, sigma = _accelerations(self.evidence.is_falling, fps)
        self._near, self._expected, self._smooth = near**-2, expected / fps**2, (fps**2 / sigma) ** 2

    def start_from(self, root: Array, local: Array) -> None:
        """Set the first frames to those that the window before has settled."""
        self.root[: len(root)], self.local[: len(local)] = root, local

    def improve(self, settled: int) -> None:
        """One step of Gauss-Newton; the first ``settled`` frames do not change."""
        equations = _Equations(len(self.root))
        posed = Posed(self.skeleton, self.root, self.local)
        for term in TERMS:
            equations.add(term(posed, self.evidence))
        equations.add_foot_lock(*foot_lock(posed, self.evidence), self.evidence.contact_weights)
        equations.add_priors(self._from_start(), self._accelerations() - self._expected, self._near, self._smooth)
        equations.scale(self._weight)
        equations.fix(settled)
        change = equations.solution()
        self.root = self.root + change[:, :3]
        rotations = rotation.rotvec_to_wxyz(change[:, 3:].reshape(len(change), -1, 3))
        self.local[:, self._active] = rotation.multiply(rotations, self.local[:, self._active])
        self.local /= np.linalg.norm(self.local, axis=-1, keepdims=True)

    def penetration(self) -> float:
        """How far the deepest sole is under the ground, metres."""
        return penetration(Posed(self.skeleton, self.root, self.local), self.evidence)

    def _from_start(self) -> Array:
        """Differences (T, UNKNOWNS) of the unknowns from the closed form."""
        back = rotation.conjugate(self._start_local[:, self._active])
        rotated = rotation.wxyz_to_rotvec(rotation.multiply(self.local[:, self._active], back))
        return np.concatenate([self.root - self._start_root, rotated.reshape(len(rotated), -1)], axis=1)

    def _accelerations(self) -> Array:
        """Second differences (T − 2, UNKNOWNS) of the unknowns over time, per frame²."""
        local = self.local[:, self._active]
        steps = rotation.wxyz_to_rotvec(rotation.multiply(local[1:], rotation.conjugate(local[:-1])))
        return np.concatenate(
            [np.diff(self.root, 2, axis=0), np.diff(steps, axis=0).reshape(len(steps) - 1, -1)], axis=1
        )


def _accelerations(is_falling: Flags, fps: float) -> tuple[Array, Array]:
    """Expected accelerations (T − 2, UNKNOWNS) where the root falls in some frames (T,), and standard deviations."""
    from scipy.ndimage import binary_dilation

    expected = np.zeros((max(len(is_falling) - 2, 0), UNKNOWNS))
    expected[:, 1] = GRAVITY_M_S2 * is_falling[1:-1]
    sigma = np.full(expected.shape, ANGULAR_RAD_S2)
    sigma[:, :3] = LINEAR_M_S2
    leaps = binary_dilation(is_falling, np.ones(3), iterations=max(1, round(LEAP_S * fps)))
    sigma[leaps[1:-1], 1] = LEAP_M_S2
    return expected, sigma


class _Equations:
    """Normal equations of T frames: a block on the diagonal and one below it for each frame, and single values two
    blocks below it."""

    def __init__(self, frames: int) -> None:
        D = UNKNOWNS
        self._diagonal = np.zeros((frames, D, D))
        self._below = np.zeros((frames - 1, D, D))  # rows of frame t + 1, columns of frame t
        self._two_below = np.zeros((max(frames - 2, 0), D))
        self._gradient = np.zeros((frames, D))

    def add(self, rows: Rows) -> None:
        """Add a term whose residuals each depend on one frame."""
        weight = np.ones_like(rows.residuals)
        if rows.has_outliers:
            weight = HUBER / np.maximum(np.abs(rows.residuals), HUBER)
        weighted = (weight[..., None] * rows.jacobian).swapaxes(1, 2)
        self._diagonal += weighted @ rows.jacobian
        self._gradient += (weighted @ rows.residuals[..., None])[..., 0]

    def add_foot_lock(self, positions: Array, jacobian: Array, contact_weights: Array) -> None:
        """Add the steps of positions (T, 3P) between frames as residuals, weighted by the contacts (T, P) of both."""
        both = np.repeat(contact_weights[1:] * contact_weights[:-1], 3, axis=1)
        step = both * np.diff(positions, axis=0)
        before, after = both[..., None] * jacobian[:-1], both[..., None] * jacobian[1:]
        self._diagonal[:-1] += before.swapaxes(1, 2) @ before
        self._diagonal[1:] += after.swapaxes(1, 2) @ after
        self._below -= after.swapaxes(1, 2) @ before
        self._gradient[:-1] -= (before.swapaxes(1, 2) @ step[..., None])[..., 0]
        self._gradient[1:] += (after.swapaxes(1, 2) @ step[..., None])[..., 0]

    def add_priors(self, from_start: Array, accelerations: Array, near: Array, smooth: Array) -> None:
        """Add small differences from the start and small accelerations; weights (UNKNOWNS,), (T − 2, UNKNOWNS)."""
        d = np.arange(UNKNOWNS)
        self._diagonal[:, d, d] += near
        self._gradient += near * from_start
        for i, a in enumerate((1.0, -2.0, 1.0)):
            frames = slice(i, i + len(accelerations))
            self._diagonal[frames, d, d] += a * a * smooth
            self._gradient[frames] += a * smooth * accelerations
        for i in (0, 1):
            self._below[i : i + len(accelerations), d, d] -= 2.0 * smooth
        self._two_below += smooth

    def scale(self, weight: float) -> None:
        """Multiply everything that was added so far by a weight."""
        for part in (self._diagonal, self._below, self._two_below, self._gradient):
            part *= weight

    def fix(self, settled: int) -> None:
        """Give the first frames so much weight that they do not change."""
        d = np.arange(UNKNOWNS)
        self._diagonal[:settled, d, d] += FIXED_WEIGHT

    def solution(self) -> Array:
        """The step (T, UNKNOWNS) to the minimum of the linearised problem."""
        from scipy.linalg import solveh_banded

        T, D = self._gradient.shape
        band = np.zeros((2 * D + 1, T, D))  # LAPACK's lower form: row k holds the values k below the diagonal
        for column in range(D):
            band[: D - column, :, column] = self._diagonal[:, column:, column].T
            band[D - column : 2 * D - column, :-1, column] = self._below[:, :, column].T
        band[2 * D, : T - 2] = self._two_below
        step = solveh_banded(band.reshape(2 * D + 1, T * D), -self._gradient.ravel(), lower=True, overwrite_ab=True)
        return np.asarray(step.reshape(T, D))
