"""How exact the lifter is on made views of motions that no training saw.

    python -m benchmarks.lifting motions.npz [--windows 256]

Every window is a held-out take as it was captured, on a body of 1.75 m with proportions of its own, before a camera of
its own, for 2.7 seconds. Image points are exact and nothing else is known, or have a detector's noise and faults, and
the lens is a guess. The figures are those of the network alone (one view of the scene, nothing but its answer), and of
the lifter as `mocap process` uses it, at the true size and at what `--height` makes of it; windows in which no frame
tells of all judged points count in the first alone. Protocol of mocap/metrics/pose.py.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

import numpy as np

from mocap.evaluate.metrics.pose import mpjpe_mm, pa_mpjpe_mm
from mocap.io.weights import load_weights
from mocap.model.camera import Camera, intrinsics_from_fov
from mocap.model.keypoints import BLAZEPOSE_33, Keypoints2D, Keypoints3D
from mocap.model.rotation import Array
from mocap.solve import bone_lengths
from mocap.solve.lift import DEFAULT_LIFTER
from mocap.solve.lift.features import K, features_of
from mocap.solve.lift.temporal import ADULT_M, LearntDepth, by_tap, forward
from training.detector_noise import exactly, noticed
from training.lifter_views import Views, split
from training.motions import FPS, read_motions
from training.train_lifter import JUDGED, STATURE_M

SIZE, RATE, BATCH = (1080, 1920), Fraction(FPS), 32
CAMERA = Camera(intrinsics_from_fov(60, SIZE), np.eye(4), SIZE)
WAYS = {"exact image points alone": exactly, "a detector's noise": noticed}


def main() -> None:
    """Reads the command line, measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("motions", type=Path, help="of training.motions")
    parser.add_argument("--windows", type=int, default=256, help="the first 64 are those of the training's log")
    options = parser.parse_args()
    held_out, judge = split(read_motions(options.motions))[1], Judge()
    print(f"{'MPJPE / PA in mm':26}{'network alone':>17}{'as it is used':>17}{'height said':>17}")
    for name, notice in WAYS.items():
        views, rows = Views(held_out, notice=notice, mixed=False), []
        for i in range(options.windows // BATCH):
            rng = np.random.default_rng(i)
            seen = views.seen(BATCH, rng)[0]
            told = notice(seen, rng)
            for b, window in enumerate(seen):
                guess = None if told.guess is None else told.guess[b]
                rows.append(judge.errors(window, told.rays[b], told.confidence[b], guess))
        print(f"{name:26}" + "".join(f"{a:9.1f} / {b:5.1f}" for a, b in np.nanmean(rows, axis=0)), flush=True)


class Judge:
    """The lifter of the program, and its network by itself."""

    def __init__(self) -> None:
        self.lifter, self.weights = LearntDepth(), by_tap(load_weights(DEFAULT_LIFTER))

    def errors(self, seen: Array, rays: Array, confidence: Array, guess: Array | None) -> Array:
        """MPJPE and PA-MPJPE in mm (3, 2), for each column, of a window: where landmarks (T, 33, 3) are, and what is
        told of them. NaN where a judged landmark is told of in no frame."""
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
        truth, *answers = (STATURE_M * body[:, JUDGED] for body in (seen, *bodies))
        figures = np.full((3, 2), np.nan)
        figures[: len(bodies)] = [(mpjpe_mm(body, truth), pa_mpjpe_mm(body, truth)) for body in answers]
        return figures


if __name__ == "__main__":
    main()
