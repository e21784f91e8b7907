"""A motion fitted to all its evidence at once: non-linear least squares over the root and joint angles of a clip.

The closed form (``solve``) goes from bone to bone and takes each sight of it for true. Here all frames are fitted
together, on fixed bone lengths, to the terms of ``fit_terms``; smoothness, and nearness to the closed form, hold what
nothing shows. Gauss-Newton with Huber weights and analytic derivatives (Triggs et al. 2000, "Bundle adjustment: a
modern synthesis"); no term reaches further than two frames, so the normal equations are banded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from mocap.model import rotation
from mocap.model.motion import Motion
from mocap.model.rotation import Array, Flags
from mocap.solve.terms import ACTIVE, TERMS, UNKNOWNS, Evidence, Posed, Rows, depth_under_ground, standing

ROUNDS = 5  # of Gauss-Newton; later ones move joints by less than a millimetre
SUNK_M, MORE_ROUNDS = 0.005, 5  # under the ground, which asks for another round, but not for ever
WINDOW = 300  # frames solved at once, so that memory stays bounded
OVERLAP = 40  # frames that the next window solves again, with more of what follows in view
SETTLED = 2  # frames of the window before that the next one keeps: as far as a term reaches
HUBER = 2.0  # standard deviations from which a residual counts by its length, not its square
NEAR_RAD, NEAR_M = 0.35, 1.0  # angles and root, from the closed form
TURNING_RAD_S2, MOVING_M_S2 = 25.0, 5.0  # accelerations of angles and root
GRAVITY_M_S2 = -9.81  # the root's upwards, where it falls
LEAP_S, LEAPING_M_S2 = 0.2, 10.0  # before and after a fall, where people push off and land, it accelerates more
KEPT = 1e9  # weight that holds an unknown where it is
COUNTED_FPS = 30.0  # evidence counts as at this rate, whatever the clip's: its errors last longer than a frame


def refine(motion: Motion, evidence: Evidence, cuts: Sequence[int] = ()) -> Motion:
    """The motion that fits the evidence, each scene between ``cuts`` by itself; confidence is the given motion's."""
    root, local = motion.root_world.copy(), motion.local_wxyz.copy()
    for begin, end in pairwise([0, *cuts, len(motion)]):
        for start, stop in _windows(begin, end):
            part = slice(start, stop)
            window = _Window(motion, evidence.part(start, stop), part)
            settled = SETTLED if start > begin else 0
            window.take_over(root[start : start + settled], local[start : start + settled])
            for _ in range(ROUNDS):
                window.improve(settled)
            for _ in range(MORE_ROUNDS):  # a foot that went through the floor in a round counts in the next
                if window.depth_under_ground() <= SUNK_M:
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
    """The frames that are solved at once: where they are now, and what they started from."""

    def __init__(self, motion: Motion, evidence: Evidence, part: slice) -> None:
        self.skeleton, self.evidence = motion.skeleton, evidence
        self.root, self.local = motion.root_world[part].copy(), motion.local_wxyz[part].copy()
        self._start_root, self._start_local = self.root.copy(), self.local.copy()
        self._active = [motion.skeleton.index(name) for name in ACTIVE]
        fps = float(motion.fps)
        self._share = COUNTED_FPS / fps
        near = np.concatenate([np.full(3, NEAR_M), np.full(UNKNOWNS - 3, NEAR_RAD)])
        expected, quick = _accelerations(self.evidence.falls, fps)
        self._near, self._expected, self._smooth = near**-2, expected / fps**2, (fps**2 / quick) ** 2

    def take_over(self, root: Array, local: Array) -> None:
        """Begin with frames that are settled already."""
        self.root[: len(root)], self.local[: len(local)] = root, local

    def improve(self, settled: int) -> None:
        """One step of Gauss-Newton; the first ``settled`` frames keep still."""
        equations = _Equations(len(self.root))
        posed = Posed(self.skeleton, self.root, self.local)
        for term in TERMS:
            equations.add(term(posed, self.evidence))
        equations.add_steps(*standing(posed, self.evidence), self.evidence.stands)
        equations.add_smoothness(self._off_start(), self._bends() - self._expected, self._near, self._smooth)
        equations.scale(self._share)
        equations.hold(settled)
        change = equations.solution()
        self.root = self.root + change[:, :3]
        turns = rotation.rotvec_to_wxyz(change[:, 3:].reshape(len(change), -1, 3))
        self.local[:, self._active] = rotation.multiply(turns, self.local[:, self._active])
        self.local /= np.linalg.norm(self.local, axis=-1, keepdims=True)

    def depth_under_ground(self) -> float:
        """Metres by which a sole is under the ground."""
        return depth_under_ground(Posed(self.skeleton, self.root, self.local), self.evidence)

    def _off_start(self) -> Array:
        """How far (T, UNKNOWNS) the frames are from the closed form."""
        back = rotation.conjugate(self._start_local[:, self._active])
        turned = rotation.wxyz_to_rotvec(rotation.multiply(self.local[:, self._active], back))
        return np.concatenate([self.root - self._start_root, turned.reshape(len(turned), -1)], axis=1)

    def _bends(self) -> Array:
        """Second differences (T − 2, UNKNOWNS) of the unknowns over time."""
        local = self.local[:, self._active]
        turns = rotation.wxyz_to_rotvec(rotation.multiply(local[1:], rotation.conjugate(local[:-1])))
        return np.concatenate(
            [np.diff(self.root, 2, axis=0), np.diff(turns, axis=0).reshape(len(turns) - 1, -1)], axis=1
        )


def _accelerations(falls: Flags, fps: float) -> tuple[Array, Array]:
    """Accelerations (T − 2, UNKNOWNS) that a root which falls in some frames (T,) makes expect, and their spread."""
    from scipy.ndimage import binary_dilation

    expected = np.zeros((max(len(falls) - 2, 0), UNKNOWNS))
    expected[:, 1] = GRAVITY_M_S2 * falls[1:-1]
    spread = np.full(expected.shape, TURNING_RAD_S2)
    spread[:, :3] = MOVING_M_S2
    leaps = binary_dilation(falls, np.ones(3), iterations=max(1, round(LEAP_S * fps)))
    spread[leaps[1:-1], 1] = LEAPING_M_S2
    return expected, spread


class _Equations:
    """Normal equations of T frames: blocks on the diagonal and beside it, and single values two frames off it."""

    def __init__(self, frames: int) -> None:
        D = UNKNOWNS
        self._diagonal = np.zeros((frames, D, D))
        self._beside = np.zeros((frames - 1, D, D))  # rows of frame t + 1, columns of frame t
        self._two_off = np.zeros((max(frames - 2, 0), D))
        self._gradient = np.zeros((frames, D))

    def add(self, rows: Rows) -> None:
        """Residuals of single frames."""
        weight = np.ones_like(rows.residuals)
        if rows.has_outliers:
            weight = HUBER / np.maximum(np.abs(rows.residuals), HUBER)
        weighted = (weight[..., None] * rows.jacobian).swapaxes(1, 2)
        self._diagonal += weighted @ rows.jacobian
        self._gradient += (weighted @ rows.residuals[..., None])[..., 0]

    def add_steps(self, places: Array, jacobian: Array, stands: Array) -> None:
        """From frame to frame, places (T, 3P) stay, each point while it stands in both (T, P)."""
        both = np.repeat(stands[1:] * stands[:-1], 3, axis=1)
        step = both * np.diff(places, axis=0)
        before, after = both[..., None] * jacobian[:-1], both[..., None] * jacobian[1:]
        self._diagonal[:-1] += before.swapaxes(1, 2) @ before
        self._diagonal[1:] += after.swapaxes(1, 2) @ after
        self._beside -= after.swapaxes(1, 2) @ before
        self._gradient[:-1] -= (before.swapaxes(1, 2) @ step[..., None])[..., 0]
        self._gradient[1:] += (after.swapaxes(1, 2) @ step[..., None])[..., 0]

    def add_smoothness(self, off_start: Array, bends: Array, near: Array, smooth: Array) -> None:
        """Nearness to the start, and small ``bends``; weights (UNKNOWNS,) and (T − 2, UNKNOWNS) of the two."""
        d = np.arange(UNKNOWNS)
        self._diagonal[:, d, d] += near
        self._gradient += near * off_start
        for i, a in enumerate((1.0, -2.0, 1.0)):
            frames = slice(i, i + len(bends))
            self._diagonal[frames, d, d] += a * a * smooth
            self._gradient[frames] += a * smooth * bends
        for i in (0, 1):
            self._beside[i : i + len(bends), d, d] -= 2.0 * smooth
        self._two_off += smooth

    def scale(self, share: float) -> None:
        """Count everything by this share."""
        for part in (self._diagonal, self._beside, self._two_off, self._gradient):
            part *= share

    def hold(self, settled: int) -> None:
        """Keep the first frames where they are."""
        d = np.arange(UNKNOWNS)
        self._diagonal[:settled, d, d] += KEPT

    def solution(self) -> Array:
        """The step (T, UNKNOWNS) to the minimum of the linearised problem."""
        from scipy.linalg import solveh_banded

        T, D = self._gradient.shape
        band = np.zeros((2 * D + 1, T, D))  # LAPACK's lower form: row k holds what stands k below the diagonal
        for column in range(D):
            band[: D - column, :, column] = self._diagonal[:, column:, column].T
            band[D - column : 2 * D - column, :-1, column] = self._beside[:, :, column].T
        band[2 * D, : T - 2] = self._two_off
        step = solveh_banded(band.reshape(2 * D + 1, T * D), -self._gradient.ravel(), lower=True, overwrite_ab=True)
        return np.asarray(step.reshape(T, D))
