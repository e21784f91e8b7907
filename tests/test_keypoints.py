"""Keypoint layouts and the invariants of keypoints over time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from mocap.model.keypoints import BLAZEPOSE_33, COCO_17, LAYOUTS, LSP_14, KeypointLayout, Keypoints2D, Keypoints3D
from mocap.model.rotation import Array

LAYOUT = KeypointLayout("pair", ("left_hand", "right_hand"), ((0, 1),), ((0, 1),))
FPS = Fraction(30000, 1001)
each_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
each_type = pytest.mark.parametrize(("make", "dimensions"), [(Keypoints2D, 2), (Keypoints3D, 3)])


def values(dimensions: int) -> tuple[Array, Array]:
    """Three frames of two keypoints; the second keypoint is missing in the last frame."""
    points = np.arange(6.0 * dimensions).reshape(3, 2, dimensions)
    confidence = np.full((3, 2), 0.9)
    points[2, 1], confidence[2, 1] = np.nan, 0.0
    return points, confidence


@each_layout
def test_keypoint_names_are_unique(layout: KeypointLayout) -> None:
    assert len(set(layout.names)) == len(layout)
    assert [layout.index(name) for name in layout.names] == list(range(len(layout)))


@each_layout
def test_every_sided_keypoint_is_mirrored_once(layout: KeypointLayout) -> None:
    paired = [index for pair in layout.mirror_pairs for index in pair]
    sided = [i for i, name in enumerate(layout.names) if name.startswith(("left_", "right_"))]
    assert sorted(paired) == sided
    for left, right in layout.mirror_pairs:
        assert layout.names[left].replace("left_", "right_") == layout.names[right]


@each_layout
def test_edges_join_different_keypoints_and_look_the_same_mirrored(layout: KeypointLayout) -> None:
    mirror = {a: b for pair in layout.mirror_pairs for a, b in (pair, pair[::-1])}
    edges = {frozenset(edge) for edge in layout.edges}
    assert all(len(edge) == 2 for edge in edges)
    assert len(edges) == len(layout.edges)
    assert edges == {frozenset(mirror.get(k, k) for k in edge) for edge in edges}


def test_layouts_have_the_published_size_and_order() -> None:
    assert (len(BLAZEPOSE_33), len(COCO_17), len(LSP_14)) == (33, 17, 14)
    assert [BLAZEPOSE_33.index(n) for n in ("nose", "left_shoulder", "right_hip", "right_foot_index")] == [
        0,
        11,
        24,
        32,
    ]
    assert [COCO_17.index(n) for n in ("left_eye", "right_shoulder", "left_ankle")] == [1, 6, 15]
    assert [LSP_14.index(n) for n in ("right_ankle", "left_wrist", "head_top")] == [0, 11, 13]


@each_type
def test_keypoints_may_be_missing(make: type, dimensions: int) -> None:
    assert len(make(LAYOUT, *values(dimensions), FPS)) == 3


@each_type
@pytest.mark.parametrize(
    ("where", "point", "confidence", "message"),
    [
        ((0, 0), np.nan, 0.5, "missing"),
        ((0, 0), 1.0, 0.0, "missing"),
        ((0, 0), 1.0, 1.5, "0..1"),
        ((0, 0), 1.0, -0.1, "0..1"),
        ((0, 0), 1.0, np.nan, "0..1"),
        ((0, 0), np.inf, 0.5, "finite"),
    ],
)
def test_contradictory_keypoints_are_refused(
    make: type, dimensions: int, where: tuple[int, int], point: float, confidence: float, message: str
) -> None:
    points, confidences = values(dimensions)
    points[where], confidences[where] = point, confidence
    with pytest.raises(ValueError, match=message):
        make(LAYOUT, points, confidences, FPS)


@each_type
def test_a_keypoint_with_one_missing_coordinate_counts_as_missing(make: type, dimensions: int) -> None:
    points, confidence = values(dimensions)
    points[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="missing"):
        make(LAYOUT, points, confidence, FPS)


@each_type
def test_shapes_must_agree(make: type, dimensions: int) -> None:
    points, confidence = values(dimensions)
    for wrong in [(points[:2], confidence), (points, confidence[:, :1]), (points[..., :1], confidence)]:
        with pytest.raises(ValueError, match="expected keypoints"):
            make(LAYOUT, *wrong, FPS)


@each_type
def test_the_frame_rate_must_be_positive(make: type, dimensions: int) -> None:
    with pytest.raises(ValueError, match="fps"):
        make(LAYOUT, *values(dimensions), Fraction(0))
