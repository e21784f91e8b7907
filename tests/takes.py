"""Motions and takes made by formula, for the tests of files.

``python tests/takes.py`` writes the golden files anew: for a change of the format that is meant.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from mocap.io.bvh import write_bvh
from mocap.io.take_json import write_json
from mocap.model import rotation
from mocap.model.camera import Camera, world_from_camera
from mocap.model.keypoints import BLAZEPOSE_33, Keypoints2D, Keypoints3D
from mocap.model.motion import Motion
from mocap.model.skeleton import humanoid
from mocap.model.take import Gap, Person, Source, Swap, Take

GOLDEN = Path(__file__).parent / "golden"
NTSC = Fraction(30000, 1001)


def random_motion(frames: int, *, seed: int = 0, fps: Fraction = NTSC) -> Motion:
    """A humanoid whose every joint wanders through all rotations."""
    random = np.random.default_rng(seed)
    skeleton = humanoid(1.75)
    start = random.normal(0, 1.5, (1, len(skeleton), 3))
    turns = rotation.rotvec_to_wxyz(start + np.cumsum(random.normal(0, 0.2, (frames, len(skeleton), 3)), axis=0))
    return Motion(
        skeleton=skeleton,
        root_world=np.array([0, 0.9, 0]) + np.cumsum(random.normal(0, 0.05, (frames, 3)), axis=0),
        local_wxyz=rotation.make_continuous(turns),
        fps=fps,
        confidence=random.uniform(0, 1, (frames, len(skeleton))),
    )


def swinging_motion(frames: int) -> Motion:
    """A humanoid that swings its arms, in whole degrees and millimetres, so that no digit depends on the machine."""
    skeleton = humanoid(1.5)
    degrees = np.zeros((frames, len(skeleton), 3))  # z, x, y
    degrees[:, skeleton.index("LeftUpperArm"), 0] = -60 + 5 * np.arange(frames)
    degrees[:, skeleton.index("RightUpperArm"), 1] = 30 - 7 * np.arange(frames)
    degrees[:, skeleton.index("Hips"), 2] = 10 * np.arange(frames)
    walked = np.arange(frames)[:, None] * np.array([0.0, 0.0, 0.031])
    return Motion(
        skeleton=skeleton,
        root_world=np.array([0.0, 0.795, 0.0]) + walked,
        local_wxyz=rotation.make_continuous(rotation.euler_to_wxyz(np.radians(degrees), "ZXY")),
        fps=NTSC,
        confidence=np.full((frames, len(skeleton)), 0.75),
    )


def take_of(motion: Motion, *, unseen: range = range(0)) -> Take:
    """A take of one person with that motion, keypoints by formula, nobody measured in the ``unseen`` frames."""
    frames = len(motion)
    t, k = np.mgrid[0:frames, 0:33].astype(float)
    confidence = 0.25 + 0.25 * (k % 3)
    xy = np.stack([100 + 2.5 * k + t, 600 - 10.25 * k], axis=-1)
    xyz = np.stack([0.01 * k, -0.02 * k, 0.0125 * t], axis=-1)
    boxes = np.tile([90.0, 200.5, 250.25, 640.0], (frames, 1)) + np.arange(frames)[:, None]
    for values in (xy, xyz, boxes):
        values[list(unseen)] = np.nan
    confidence[list(unseen)] = 0
    if frames:
        xy[-1, 32], xyz[-1, 32], confidence[-1, 32] = np.nan, np.nan, 0
    person = Person(
        id=1,
        boxes=boxes,
        keypoints_2d=Keypoints2D(BLAZEPOSE_33, xy, confidence, motion.fps),
        keypoints_3d=Keypoints3D(BLAZEPOSE_33, xyz, confidence, motion.fps),
        motion=motion,
        contacts={"LeftHeel": [(0, 1)]} if frames else {},
        swaps=[Swap(0, 1, "arms"), Swap(0, 2, "legs")] if frames > 1 else [],
        gaps=[Gap(unseen.start, unseen.stop, "nobody seen")] if unseen else [],
    )
    size = (720, 1280)
    return Take(
        source=Source(name="clip.mp4", sha256="0123456789abcdef" * 4, size=size, fps=motion.fps, frames=frames),
        fps=motion.fps,
        frames=frames,
        camera=Camera(np.array([[1200.0, 0, 360], [0, 1200, 640], [0, 0, 1]]), world_from_camera(), size),
        people=(person,),
        settings={"height_m": 1.5, "filter": "butterworth"},
        filters=[{"name": "butterworth", "cutoff_hz": 6.0}],
        models=[{"name": "blazepose-heavy", "sha256": "f" * 64, "licence": "Apache-2.0"}],
        licences=[{"part": "blazepose-heavy", "kind": "weights", "licence": "Apache-2.0", "commercial_use": "yes"}],
        warnings=["the hands leave the picture"],
        versions={"opentake": "0.1.0"},
    )


def golden_take() -> Take:
    """The take of tests/golden/tiny_take.json, with the motion of tiny_take.bvh."""
    return take_of(swinging_motion(6), unseen=range(2, 4))


if __name__ == "__main__":
    write_json(golden_take(), GOLDEN / "tiny_take.json")
    write_bvh(swinging_motion(6), GOLDEN / "tiny_take.bvh")
