"""Estimators of LSP's 14 joints and of COCO's 17, with networks of random weights: places, parity, errors."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402

from mocap.estimate import create_estimator  # noqa: E402
from mocap.estimate.joints import averaged, body_regions, peaks_of  # noqa: E402
from mocap.estimate.modules import load_module  # noqa: E402
from mocap.io.weights import find_models_folder  # noqa: E402
from mocap.model.errors import MocapError  # noqa: E402
from mocap.model.keypoints import COCO_17, LSP_14  # noqa: E402
from training.export import KINDS, export  # noqa: E402
from training.networks import create_network  # noqa: E402

WITH_TORCHVISION = pytest.mark.skipif(importlib.util.find_spec("torchvision") is None, reason="torchvision is absent")
FRAME = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
REGIONS = np.array([[160.0, 120, 200, 0.3], [100.0, 100, 90, 0.0]])


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    """A folder of models to add to, in use."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("MOCAP_MODELS", str(folder))
    return folder


def add_random(name: str, models: Path, tmp_path: Path) -> torch.nn.Module:
    """A model of random weights, none of them as in a new network; gives it as torch loads it."""
    torch.manual_seed(0)
    network = create_network(KINDS[name].network)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    run = tmp_path / f"run-{name}"
    run.mkdir()
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, run / "weights.safetensors")
    export(run, name, models, commands=["none"], figures={"source": "none"})
    return load_module(name)


@pytest.mark.parametrize("name", ["deeppose", "resnet34", "heatmap-small"])
def test_the_runtime_says_what_torch_says(name, models, tmp_path):
    module = add_random(name, models, tmp_path)
    poses = create_estimator(name, device="cpu").estimate([FRAME, FRAME], REGIONS)
    images = np.stack([averaged(FRAME, region, module.image_size) for region in REGIONS])
    with torch.inference_mode():
        outputs = module(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255).numpy()
    points = outputs.reshape(2, 14, 2) if outputs.ndim == 2 else np.stack([peaks_of(maps)[0] for maps in outputs])
    turned = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    expected = REGIONS[0, :2] + 200 * (points[0] - 0.5) @ turned.T
    np.testing.assert_allclose(poses.xy[0], expected, atol=0.05, rtol=1e-3)
    np.testing.assert_allclose(poses.xy[1], REGIONS[1, :2] + 90 * (points[1] - 0.5), atol=0.05, rtol=1e-3)
    assert poses.confidence.min() > 0
    assert poses.xyz is None


def test_blazepose_with_a_new_head_begins_with_its_own_landmarks(tmp_path, monkeypatch):
    """With the head's last layer zero, the joints are BlazePose's refined landmarks."""
    models = tmp_path / "models"
    shutil.copytree(find_models_folder() / "blazepose-lite", models / "blazepose-lite")
    monkeypatch.setenv("MOCAP_MODELS", str(models))
    network = create_network("blazepose-lsp-lite")
    trunk = {k: v for k, v in load_module("blazepose-lite").state_dict().items() if not k.startswith("mask.")}
    network.trunk.load_state_dict(trunk)
    (tmp_path / "run").mkdir()
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, tmp_path / "run" / "weights.safetensors")
    export(tmp_path / "run", "blazepose-lsp-lite", models, commands=["none"], figures={})
    ours = create_estimator("blazepose-lsp-lite", device="cpu").estimate([FRAME, FRAME], REGIONS)
    published = create_estimator("blazepose-lite", device="cpu")
    theirs = published.estimate([FRAME, FRAME], REGIONS)
    for name in ("left_wrist", "right_knee", "left_hip"):
        known = theirs.xy[:, published.layout.index(name)]
        np.testing.assert_allclose(ours.xy[:, LSP_14.index(name)], known, atol=0.3)
    np.testing.assert_allclose(ours.next_regions, theirs.next_regions, atol=0.1)
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-3)


def test_a_network_that_was_not_trained_here_says_how_it_is(models):
    with pytest.raises(MocapError, match=r"alexnet has no weights here; docs/dev/training\.md"):
        create_estimator("alexnet", device="cpu")


def test_the_next_region_holds_the_body_upright_and_whole():
    """A body lying on its side, head to the right: the crop is turned by a quarter."""
    upright = np.array(
        [[40, 200], [40, 150], [42, 100], [58, 100], [60, 150], [60, 200], [30, 110], [30, 80], [40, 50], [60, 50],
         [70, 80], [70, 110], [50, 40], [50, 10]], dtype=np.float64,
    )  # fmt: skip
    region = body_regions(upright[None])[0]
    np.testing.assert_allclose(region, [50, 105, 190 / 0.7, 0], atol=1e-9)
    lying = np.column_stack([-upright[:, 1], upright[:, 0]])  # turned clockwise on screen: up becomes right
    turned = body_regions(lying[None])[0]
    np.testing.assert_allclose(turned, [-105, 50, 190 / 0.7, np.pi / 2], atol=1e-9)


def test_a_peak_is_found_between_cells():
    rows, columns = np.mgrid[0:24, 0:24] + 0.5
    bell = np.exp(-((columns - 10.2) ** 2 + (rows - 5.9) ** 2) / 4.5)
    logits = np.log(np.clip(bell, 1e-6, 1 - 1e-6) / (1 - np.clip(bell, 1e-6, 1 - 1e-6)))
    points, peaks = peaks_of(logits[None])
    np.testing.assert_allclose(points[0] * 24, [10.2, 5.9], atol=0.15)
    assert peaks[0] > 0.9


def test_a_large_region_is_averaged():
    checks = (np.indices((400, 400)).sum(axis=0) % 2 * 255).astype(np.uint8)
    crop = averaged(np.dstack([checks] * 3), np.array([200.0, 200, 400, 0]), 100)
    assert np.abs(crop.astype(int) - 127).max() <= 1


@WITH_TORCHVISION
def test_keypoint_rcnn_answers_with_cocos_keypoints_in_the_frame():
    """Random weights: the answer means nothing, but it has its form."""
    from mocap.estimate.keypoint_rcnn import KeypointRcnnEstimator, untrained

    torch.manual_seed(0)
    network = untrained()
    network.roi_heads.score_thresh = 0.0
    network.roi_heads.detections_per_img = 2  # enough for the form, and quick
    network.rpn._post_nms_top_n = {"training": 10, "testing": 10}
    poses = KeypointRcnnEstimator("keypoint-rcnn", device="cpu", network=network).estimate([FRAME], REGIONS[:1])
    assert poses.xy.shape == (1, len(COCO_17), 2)
    assert np.all((poses.confidence > 0) & (poses.confidence <= 1))
    assert np.isfinite(poses.next_regions).all()


@WITH_TORCHVISION
def test_keypoint_rcnn_says_where_its_weights_are_to_come_from(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MocapError, match="not downloaded; fetch it with"):
        create_estimator("keypoint-rcnn", device="cpu")


def test_overlapping_boxes_are_suppressed_as_torchvision_does():
    from mocap.estimate.torchvision_operators import non_maximum_suppression

    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30], [0, 0, 4, 10]])
    scores = torch.tensor([0.8, 0.9, 0.1, 0.7])
    assert non_maximum_suppression(boxes, scores, 0.5).tolist() == [1, 3, 2]
    assert non_maximum_suppression(boxes[:0], scores[:0], 0.5).tolist() == []
