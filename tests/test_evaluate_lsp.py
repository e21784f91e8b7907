"""Leeds Sports Pose: the zip, the choice of the person, and the figures, with networks that answer by rule."""

from __future__ import annotations

import io
import logging
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from mocap.errors import MocapError
from mocap.estimators import Detections, Poses, create_estimator
from mocap.evaluate import lsp, report
from mocap.keypoints import BLAZEPOSE_33, COCO_17, LSP_14
from mocap.tables import plain

log = logging.getLogger(__name__)

SIZE = (120, 100)  # width, height
LABELS = np.random.default_rng(0).uniform(10, 90, (lsp.IMAGES, 14, 2))
HIDDEN = np.random.default_rng(1).uniform(size=(lsp.IMAGES, 14)) < 0.2


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """A zip like the real one, its first six images grey in a shade that tells their number."""
    path = tmp_path_factory.mktemp("lsp") / "lsp_dataset.zip"
    joints = np.concatenate([LABELS + 0.5, HIDDEN[..., None]], axis=-1).transpose(2, 1, 0)
    mat = io.BytesIO()
    savemat(mat, {"joints": joints})
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("joints.mat", mat.getvalue())
        for i in range(6):
            picture = np.full((SIZE[1], SIZE[0], 3), 10 * i, np.uint8)
            zipped.writestr(f"images/im{i + 1:04d}.jpg", cv2.imencode(".jpg", picture)[1].tobytes())
        zipped.writestr("images/im0007.jpg", b"no picture")
    return path


def number(frame: np.ndarray) -> int:
    return round(float(frame.mean()) / 10)


class Everybody:
    """Detects a person at the edge with the higher score and one in the middle; nobody in the images named."""

    def __init__(self, *empty: int) -> None:
        self.empty = empty

    def detect(self, frames):
        return [self._people(0 if number(frame) in self.empty else 2) for frame in frames]

    def _people(self, count: int) -> Detections:
        regions = np.array([[10.0, 50, 40, 0], [58.0, 52, 60, 0]])[:count]
        return Detections(boxes=np.zeros((count, 4)), scores=np.array([0.9, 0.4])[:count], regions=regions)


class Knowing:
    """Gives the labels in the middle region, better with each look: off by 9 pixels, then 3, then 1."""

    layout = LSP_14

    def estimate(self, frames, regions):
        assert np.all(np.abs(regions[:, 0] - 58) < 1)
        looks = np.round(10 * (regions[:, 0] - 58)).astype(int)
        off = np.array([9.0, 3.0, 1.0])[looks]
        xy = np.array([LABELS[number(frame)] for frame in frames]) + off[:, None, None] * np.array([0.6, 0.8])
        count = len(frames)
        return Poses(xy, np.ones((count, 14)), None, np.ones(count), regions + np.array([0.1, 0, 0, 0]))


def scored(archive: Path, images: range, *empty: int) -> lsp.LspScores:
    return lsp.evaluate_lsp(archive, images, detector=Everybody(*empty), estimator=Knowing())


def test_labels_are_in_pixels_from_the_corner_and_say_what_is_hidden(archive):
    truth, hidden = lsp.read_labels(archive)
    np.testing.assert_allclose(truth, LABELS)
    np.testing.assert_array_equal(hidden, HIDDEN)


def test_the_person_in_the_middle_is_looked_at_three_times_and_the_last_look_counts(archive):
    scores = scored(archive, range(6))
    torso = np.linalg.norm(LABELS[:6, LSP_14.index("left_shoulder")] - LABELS[:6, LSP_14.index("right_hip")], axis=-1)
    other = np.linalg.norm(LABELS[:6, LSP_14.index("right_shoulder")] - LABELS[:6, LSP_14.index("left_hip")], axis=-1)
    shares = np.array([9.0, 3.0, 1.0])[:, None] / np.maximum(torso, other)
    assert scores.pck_by_pass == pytest.approx(100 * (shares < 0.2).mean(axis=1))
    assert scores.auc == pytest.approx([100 * np.maximum(1 - shares[2] / 0.2, 0).mean()] * 14)
    assert scores.found == 6


def test_images_without_a_detection_count_as_wrong(archive):
    scores = scored(archive, range(6), 2, 4)
    assert scores.found == 4
    assert scores.pck.max() <= 100 * 4 / 6 + 1e-9
    assert scores.pcp.max() <= 100 * 4 / 6 + 1e-9


def test_nobody_detected_anywhere_is_a_zero_and_no_failure(archive):
    scores = scored(archive, range(3), 0, 1, 2)
    assert scores.pck.tolist() == [0] * 14
    assert scores.found == 0


def test_tables_name_every_joint_and_limb_and_the_rules(archive):
    text = plain(report.lsp_tables(scored(archive, range(6))))
    assert all(name.replace("_", " ") in text for name in LSP_14.names)
    assert all(limb in text for limb in lsp.LIMBS)
    assert "nobody detected counts as wrong" in text
    assert set(report.lsp_json(scored(archive, range(2)))["pck"]) == set(LSP_14.names)


def test_neck_and_head_top_lie_on_the_line_from_the_shoulders_to_the_ears():
    for layout in (BLAZEPOSE_33, COCO_17):
        xy = np.zeros((1, len(layout), 2))
        for name in ("left_ear", "right_ear"):
            xy[0, layout.index(name)] = (0, -100)
        for name, x in (("left_shoulder", 30), ("right_shoulder", -30), ("left_knee", 7)):
            xy[0, layout.index(name)] = (x, 0)
        points = lsp.to_lsp(xy, layout)[0]
        np.testing.assert_allclose(points[LSP_14.index("neck")], (0, -24))
        np.testing.assert_allclose(points[LSP_14.index("head_top")], (0, -175))
        np.testing.assert_allclose(points[LSP_14.index("left_knee")], (7, 0))


def test_the_test_half_is_the_second_thousand():
    assert list(lsp.images_of("test", 250)) == [1000, 1250, 1500, 1750]
    assert len(lsp.images_of("train", 1)) == 1000
    with pytest.raises(MocapError, match="at least 1"):
        lsp.images_of("test", 0)


def test_a_damaged_archive_is_said_in_one_line(archive, tmp_path):
    with pytest.raises(MocapError, match=r"im0007\.jpg is no picture"):
        scored(archive, range(6, 7))
    with pytest.raises(MocapError, match=r"im0008\.jpg is missing"):
        scored(archive, range(7, 8))
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("joints.mat", b"nothing")
    with pytest.raises(MocapError, match=r"joints\.mat is missing or damaged"):
        lsp.read_labels(tmp_path / "other.zip")
    with pytest.raises(MocapError, match="No such file"):
        lsp.read_labels(tmp_path / "none.zip")


def test_a_threshold_outside_of_its_range_is_refused():
    with pytest.raises(MocapError, match="between 0 and 1"):
        lsp.sensitive_detector(1.5)


@pytest.mark.real
@pytest.mark.slow
def test_the_heavy_network_is_right_about_five_joints_of_six(real_data):
    """50 images of the official test half; all 1000 give 86.9 % (one standard error of 50 images is about 3)."""
    scores = lsp.evaluate_lsp(
        real_data / "lsp_dataset.zip",
        lsp.images_of("test", 20),
        detector=lsp.sensitive_detector(0.1),
        estimator=create_estimator("blazepose-heavy"),
    )
    log.info(plain(report.lsp_tables(scores)))
    assert scores.found >= 47
    assert scores.pck.mean() >= 84
