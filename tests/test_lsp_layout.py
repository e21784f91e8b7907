"""Takes of networks that see LSP's 14 joints only: they are solved to the end, and say what nobody saw."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import keypoints_of, picture_of, walking_motion

from mocap.app.process import unobserved
from mocap.evaluate import metrics
from mocap.evaluate.lsp import to_lsp
from mocap.model.camera import Camera, intrinsics_from_fov, world_from_camera
from mocap.model.keypoints import BLAZEPOSE_33, LSP_14, Keypoints2D
from mocap.model.take import Person, Source, Take
from mocap.solve.reconstruct import reconstruct
from mocap.solve.settings import SolveSettings

SIZE = (1080, 1920)


@pytest.fixture(scope="module")
def truth():
    return walking_motion()


@pytest.fixture(scope="module")
def take(truth) -> Take:
    """The take of a network that sees LSP's joints of a known motion, without depth."""
    T = world_from_camera(0.0)
    T[:3, 3] = (0.0, 1.4, 4.5)
    camera = Camera(intrinsics_from_fov(55, SIZE), T, SIZE)
    image = picture_of(keypoints_of(truth), camera)
    xy = to_lsp(image.xy, image.layout)
    boxes = np.concatenate([xy.min(axis=1), xy.max(axis=1)], axis=1)
    person = Person(1, boxes, Keypoints2D(LSP_14, xy, np.full(xy.shape[:2], 0.9), truth.fps), None)
    source = Source("clip.mp4", "0" * 64, SIZE, truth.fps, len(truth))
    return Take(source, truth.fps, len(truth), Camera(camera.K, np.eye(4), SIZE), (person,))


def test_fourteen_joints_make_a_motion_whose_toes_nobody_saw(take, truth):
    motion = reconstruct(take, SolveSettings()).people[0].motion
    assert motion is not None
    assert len(motion) == take.frames
    names = motion.skeleton.names
    for side in ("Left", "Right"):
        assert motion.confidence[:, names.index(f"{side}Toes")].max() == 0
        assert motion.confidence[:, names.index(f"{side}LowerLeg")].min() > 0.5
    error = metrics.mpjpe_mm(metrics.evaluation_points(motion), metrics.evaluation_points(truth))
    assert error < 150  # of a body 1.75 m tall: depth is the lifter's judgement, feet are nobody's


def test_what_a_layout_does_not_show_is_told():
    hands, feet, unused = unobserved(LSP_14)
    assert "no hands" in hands
    assert "no heels and toes" in feet
    assert "neck, head_top" in unused
    assert unobserved(BLAZEPOSE_33) == []
