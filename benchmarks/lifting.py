"""How exact the lifter is on made views of motions that no training saw.

    python -m benchmarks.lifting motions.npz [--windows 64]
    python -m benchmarks.lifting other.npz --all [--known motions.npz]

Near takes are of the kinds that the training knows, far ones of kinds that it does not (``training.held_out``); beside
each error stands the mean angle of nine bones to the nearest pose that the training knows. The second line measures
every take of any motions file.

Every window is a take as it was captured, on a body of 1.75 m with proportions of its own, before a camera of
its own, for 2.7 seconds. Image points are exact and nothing else is known, or have a detector's noise and faults, and
the lens is a guess. The figures are those of the network alone (one view of the scene, nothing but its answer), and of
the lifter as `mocap process` uses it, at the true size and at what `--height` makes of it; windows in which no frame
tells of all judged points count in the first alone. Protocol of mocap/evaluate/metrics/pose.py.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.known_poses import KnownPoses
from mocap.evaluate.metrics.pose import mpjpe_mm, pa_mpjpe_mm
from mocap.io.weights import load_weights
from mocap.model.camera import Camera, intrinsics_from_fov
from mocap.model.keypoints import BLAZEPOSE_33, Keypoints2D, Keypoints3D
from mocap.model.rotation import Array
from mocap.solve import bone_lengths
from mocap.solve.lift import DEFAULT_LIFTER
from mocap.solve.lift.features import K, features_of
from mocap.solve.lift.temporal import ADULT_M, LearntDepth, by_tap, forward
from training.captured_bodies import Body, prepared
from training.detector_noise import Notice, exactly, noticed
from training.lifter_views import Views, far, split
from training.motions import FPS, SourceTake, read_motions
from training.retargeted import retargeted
from training.train_lifter import JUDGED, STATURE_M

SIZE, RATE, BATCH = (1080, 1920), Fraction(FPS), 32
CAMERA = Camera(intrinsics_from_fov(60, SIZE), np.eye(4), SIZE)
WAYS = {"exact": exactly, "noise": noticed}


def main() -> None:
    """Read the command line, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("motions", type=Path, help="of training.motions")
    parser.add_argument("--windows", type=int, default=64, help="of each kind")
    parser.add_argument("--all", action="store_true", help="every take of the file, whatever training makes of it")
    parser.add_argument("--known", type=Path, help="motions file whose training takes are the known poses")
    options = parser.parse_args()
    takes = read_motions(options.motions)
    known_takes = read_motions(options.known) if options.known else takes
    training = split(known_takes)[0] if options.known or not options.all else []
    known = KnownPoses(training) if training else None
    print(f"{'MPJPE / PA in mm':44}{'known pose':>11}{'network alone':>16}{'as it is used':>16}{'height said':>16}")
    judge = Judge()
    for kind, bodies in kinds_of(takes, everything=options.all).items():
        for name, notice in WAYS.items():
            angle, figures = measured(bodies, notice, options.windows, judge, known)
            row = "".join(f"{a:9.1f} / {b:4.1f}" for a, b in figures)
            print(f"{f'{kind}, {name}':44}{angle:10.1f}°{row}", flush=True)


def kinds_of(takes: list[SourceTake], *, everything: bool) -> dict[str, list[Body]]:
    """Divide takes into what is measured apart.

    Parameters
    ----------
    takes : list of SourceTake
        Of a motions file.
    everything : bool
        Whether all takes are one kind, instead of those that no training sees.

    Returns
    -------
    dict of str to list of Body
        Near takes and each far kind, or all.
    """
    if everything:
        return {"all": [prepared(take) for take in retargeted(takes)]}
    return {"near": split(takes)[1], **far(takes)}


def measured(
    bodies: list[Body], notice: Notice, windows: int, judge: Judge, known: KnownPoses | None
) -> tuple[float, Array]:
    """Measure the lifter on windows of takes.

    Parameters
    ----------
    bodies : list of Body
        The takes.
    notice : Notice
        What is said of landmarks.
    windows : int
        How many, rounded up to whole batches.
    judge : Judge
        The lifter.
    known : KnownPoses or None
        The poses that its training knows.

    Returns
    -------
    angle : float
        Mean angle to the nearest known pose, degrees; NaN without ``known``.
    figures : (3, 2)
        MPJPE and PA-MPJPE in mm, for each column.
    """
    views, rows, angles = Views(bodies, notice=notice, mixed=False), [], [np.array([np.nan])]
    for i in range(-(-windows // BATCH)):
        rng = np.random.default_rng(i)
        seen, up, _ = views.seen(BATCH, rng)
        told = notice(seen, rng)
        for b, window in enumerate(seen):
            guess = None if told.guess is None else told.guess[b]
            rows.append(judge.errors(window, told.rays[b], told.confidence[b], guess))
            if known:
                angles.append(known.angles(window, up[b]))
    return float(np.nanmean(np.concatenate(angles))) if known else np.nan, np.nanmean(rows, axis=0)


class Judge:
    """The lifter of the program, and its network by itself."""

    def __init__(self) -> None:
        self.lifter, self.weights = LearntDepth(), by_tap(load_weights(DEFAULT_LIFTER))

    def errors(self, seen: Array, rays: Array, confidence: Array, guess: Array | None) -> Array:
        """Measure the answers to one window.

        Parameters
        ----------
        seen : (T, 33, 3)
            Where landmarks are in the camera's frame, statures.
        rays, confidence, guess : (T, 33, 2), (T, 33), (T, 33, 3) or None
            What is said of them.

        Returns
        -------
        (3, 2)
            MPJPE and PA-MPJPE in mm, for each column; NaN where a judged landmark is missing in every frame.
        """
        truth, *answers = (STATURE_M * body[:, JUDGED] for body in (seen, *self.bodies(rays, confidence, guess)))
        figures = np.full((3, 2), np.nan)
        figures[: len(answers)] = [(mpjpe_mm(body, truth), pa_mpjpe_mm(body, truth)) for body in answers]
        return figures

    def bodies(self, rays: Array, confidence: Array, guess: Array | None) -> list[Array]:
        """Lift one window.

        Parameters
        ----------
        rays, confidence, guess : (T, 33, 2), (T, 33), (T, 33, 3) or None
            What is said of landmarks.

        Returns
        -------
        list of (T, 33, 3)
            The network's body, the program's, and that at the size of a height that is said, in statures; the first
            alone where a judged landmark is missing in every frame.
        """
        turn, features = features_of(rays[None], confidence[None], None if guess is None else guess[None])
        answer = forward(features[0].astype(np.float32), self.weights)[:, : 3 * K].reshape(-1, K, 3)
        bodies = [np.asarray(answer, dtype=float) @ turn[0]]
        there = (confidence > 0)[..., None]
        if there[:, JUDGED].all(axis=(1, 2)).any():
            xy = CAMERA.project(np.concatenate([rays, np.ones_like(rays[..., :1])], axis=-1))
            image = Keypoints2D(BLAZEPOSE_33, np.where(there, xy, np.nan), confidence, RATE)
            own = None
            if guess is not None and np.isfinite(guess).any():
                own = Keypoints3D(BLAZEPOSE_33, np.where(there, guess, np.nan), confidence, RATE)
            points = self.lifter.lift(image, own, CAMERA).points
            bodies += [points.xyz / ADULT_M, points.xyz / bone_lengths.body_height(points)]
        return bodies


if __name__ == "__main__":
    main()
