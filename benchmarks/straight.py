"""How straight the lifter leaves limbs that are straight.

    python -m benchmarks.straight motions.npz [--windows 64]

Bodies stand upright on straight legs with a little sway (``training.drawn_limbs.standing``), their upper bodies from
takes that no training saw, before a camera that they face within 45 degrees. What is printed is the bend of the knees
in the mean and at the 95th percentile, in truth, and as the program lifts it from exact image points and from a
detector's.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.lifting import BATCH, WAYS, Judge
from mocap.model.rotation import Array
from training.captured_bodies import NAMES, Cast, cut, landmarks_of
from training.drawn_postures import standing
from training.lifter_views import Views, split
from training.motions import read_motions

KNEES = [[NAMES.index(f"{side}_{joint}") for joint in ("hip", "knee", "ankle")] for side in ("left", "right")]
FACING = np.cos(np.radians(45))


class Standing(Views):
    """Views of bodies that stand straight."""

    def _window(self, rng: np.random.Generator) -> Array:
        body = cut(self.bodies[rng.choice(len(self.bodies), p=self.chances)], self.frames, rng, 1.0)
        stood = standing(body, rng)
        return landmarks_of(Cast(stood, stood, (stood, stood)), rng)


def main() -> None:
    """Read the command line, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("motions", type=Path, help="of training.motions")
    parser.add_argument("--windows", type=int, default=64, help="of which those are taken that face the camera")
    options = parser.parse_args()
    bodies, judge = split(read_motions(options.motions))[1], Judge()
    for name, notice in WAYS.items():
        views, true, lifted = Standing(bodies, notice=notice, mixed=False), [], []
        for i in range(-(-options.windows // BATCH)):
            rng = np.random.default_rng(i)
            seen = views.seen(BATCH, rng)[0]
            told = notice(seen, rng)
            for b in np.flatnonzero(faces_camera(seen)):
                answers = judge.bodies(told.rays[b], told.confidence[b], None if told.guess is None else told.guess[b])
                if len(answers) > 1:
                    true.append(bends(seen[b]))
                    lifted.append(bends(answers[1]))
        for what, angles in (("truth", true), ("lifted", lifted)):
            bend = np.concatenate(angles)
            print(
                f"{name:6} {what:7} {np.nanmean(bend):5.1f}° in the mean, {np.nanquantile(bend, 0.95):5.1f}° at 95 %",
                flush=True,
            )


def faces_camera(seen: Array) -> Array:
    """Find the windows whose bodies face the camera, or turn their backs to it.

    Parameters
    ----------
    seen : (B, T, 33, 3)
        Landmarks in the camera's frame.

    Returns
    -------
    (B,)
        Whether the line of the hips is within 45 degrees of the image plane in the mean.
    """
    across = (seen[:, :, KNEES[0][0]] - seen[:, :, KNEES[1][0]]).mean(axis=1)
    return np.asarray(np.linalg.norm(across[:, :2], axis=-1) > FACING * np.linalg.norm(across, axis=-1))


def bends(points: Array) -> Array:
    """Measure how far knees are from straight.

    Parameters
    ----------
    points : (T, 33, 3)
        Landmarks along any axes.

    Returns
    -------
    (2 T,)
        Angles between thigh and shin, degrees; NaN where a joint is missing.
    """
    angles = []
    for hip, knee, ankle in KNEES:
        thigh, shin = points[:, knee] - points[:, hip], points[:, ankle] - points[:, knee]
        lengths = np.linalg.norm(thigh, axis=-1) * np.linalg.norm(shin, axis=-1)
        angles.append(np.degrees(np.arccos(np.clip(np.sum(thigh * shin, axis=-1) / lengths, -1, 1))))
    return np.concatenate(angles)


if __name__ == "__main__":
    main()
