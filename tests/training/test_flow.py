"""Optical flow brings heatmaps to another frame; pooling is fitted to what helps."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from training.flow import dense_flow, neighbours, warped
from training.flow_comparison import LIMBS, bells, fit_pooling, highest, scores
from training.networks.spatialnet import FlowPooling


def scene(shift: float) -> np.ndarray:
    """A textured picture moved to the right by some pixels."""
    texture = np.random.default_rng(1).integers(0, 256, (160, 200, 3), dtype=np.uint8)
    texture = cv2.normalize(cv2.GaussianBlur(texture, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    matrix = np.array([[1.0, 0, shift - 20], [0, 1.0, -16]])
    return cv2.warpAffine(texture, matrix, (128, 128))


def test_flow_tells_how_far_a_picture_moved():
    flow = dense_flow(scene(0), scene(3))[20:-20, 20:-20]
    np.testing.assert_allclose(np.median(flow, axis=(0, 1)), [3, 0], atol=0.2)


def test_a_warped_peak_lies_where_the_flow_comes_from():
    maps = np.zeros((1, 8, 8), np.float32)
    maps[0, 4, 5] = 1
    flow = np.zeros((8, 8, 2), np.float32)
    flow[..., 0] = 1
    assert np.argwhere(warped(maps, flow)[0]).tolist() == [[4, 4]]


def test_maps_of_neighbours_are_brought_to_the_frame_in_the_middle():
    """A peak in a cell's middle that moves with the picture by a cell, four pixels, a frame: all come to one cell."""
    pictures = [scene(4.0 * t) for t in range(3)]
    maps = [bells(np.array([[[(16.5 + t) / 32, 16.5 / 32]]]), 32)[0].astype(np.float32) for t in range(3)]
    gathered = neighbours(pictures, maps, 1, 2)
    assert gathered.shape == (5, 1, 32, 32)
    np.testing.assert_allclose(highest(gathered)[1:4, 0], np.tile(highest(gathered)[2, 0], (3, 1)), atol=0.01)
    np.testing.assert_array_equal(gathered[0], maps[1])  # before the clip begins


def test_pooling_learns_to_leave_out_a_frame_that_lies():
    generator = np.random.default_rng(0)
    truth = generator.uniform(0.2, 0.8, (20, len(LIMBS), 2))
    good, bad = bells(truth, 16), bells(generator.uniform(0.1, 0.9, truth.shape), 16)
    weights = fit_pooling(np.stack([good, bad, good], axis=1), truth, 1).weights.detach().numpy()
    assert np.all(weights[1] < 0.1)
    assert np.all(weights[[0, 2]] > 0.3)


def test_pooling_begins_as_the_mean():
    maps = torch.rand(2, 3, 5, 8, 8)
    torch.testing.assert_close(FlowPooling(5, 1)(maps), maps.mean(1))


def test_wrists_are_scored_in_torsos():
    truth = np.random.default_rng(2).uniform(0, 1, (4, len(LIMBS), 2))
    assert scores(truth, truth)["wrist_pck_0.05"] == 100
    assert scores(truth + 5, truth)["wrist_pck_0.2"] == 0
