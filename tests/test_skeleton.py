"""The skeleton: its invariants, and the facts of the humanoid T-pose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocap.model.rotation import Array
from mocap.model.skeleton import Skeleton, humanoid

NAMES = ("Hips", "Spine", "Head", "Leg")
PARENTS = (-1, 0, 1, 0)
OFFSETS = np.array([[0, 1.0, 0], [0, 0.5, 0], [0, 0.3, 0], [0, -0.9, 0]])


def rest(skeleton: Skeleton) -> dict[str, Array]:
    return dict(zip(skeleton.names, skeleton.rest_positions(), strict=True))


def end_points(skeleton: Skeleton) -> dict[str, Array]:
    return {name: rest(skeleton)[name] + end for name, end in skeleton.ends.items()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": NAMES[:3]}, "one entry a joint"),
        ({"names": (), "parents": (), "offsets": np.empty((0, 3))}, "one entry a joint"),
        ({"offsets": OFFSETS[:, :2]}, "one entry a joint"),
        ({"names": ("Hips", "Spine", "Spine", "Leg")}, "unique"),
        ({"parents": (0, 0, 1, 0)}, "only root"),
        ({"parents": (-1, -1, 1, 0)}, "only root"),
        ({"parents": (-1, 2, 0, 0)}, "before their children"),
        ({"parents": (-1, 0, 0, 1)}, "depth-first"),
        ({"offsets": OFFSETS * np.nan}, "finite"),
        ({"ends": {"Head": np.array([0, np.inf, 0])}}, "finite"),
        ({"ends": {"Spine": np.ones(3)}}, "Spine"),
        ({"ends": {"Tail": np.ones(3)}}, "Tail"),
    ],
)
def test_a_broken_skeleton_is_refused(change: dict[str, object], message: str) -> None:
    fields = {"names": NAMES, "parents": PARENTS, "offsets": OFFSETS, "ends": {"Head": np.array([0, 0.2, 0])}}
    Skeleton(**fields)
    with pytest.raises(ValueError, match=message):
        Skeleton(**(fields | change))


def test_children_and_leaves_follow_from_the_parents() -> None:
    skeleton = Skeleton(NAMES, PARENTS, OFFSETS)
    assert [skeleton.children(j) for j in range(4)] == [[1, 3], [2], [], []]
    assert skeleton.leaves == [2, 3]
    assert [skeleton.index(name) for name in NAMES] == [0, 1, 2, 3]


def test_the_rest_pose_adds_offsets_up_from_the_root() -> None:
    heights = Skeleton(NAMES, PARENTS, OFFSETS).rest_positions()[:, 1]
    np.testing.assert_allclose(heights, [1.0, 1.5, 1.8, 0.1])


def test_the_rest_pose_is_a_copy() -> None:
    skeleton = humanoid()
    skeleton.rest_positions()[:] = 0.0
    assert skeleton.rest_positions()[0, 1] > 0


@given(st.floats(0.3, 3.0))
def test_the_humanoid_is_as_tall_as_asked(height_m: float) -> None:
    top = end_points(humanoid(height_m))["Head"]
    assert top[1] == pytest.approx(height_m, rel=0.02)


def test_the_humanoid_stands_on_the_floor() -> None:
    skeleton = humanoid(1.75)
    points = np.array([*rest(skeleton).values(), *end_points(skeleton).values()])
    assert 0.0 <= points[:, 1].min() < 0.02


@pytest.mark.parametrize(("side", "sign"), [("Left", 1.0), ("Right", -1.0)])
def test_the_humanoids_arms_lie_along_x_exactly(side: str, sign: float) -> None:
    skeleton = humanoid(1.75)
    joints = rest(skeleton)
    chain = [joints[side + part] for part in ("UpperArm", "LowerArm", "Hand")]
    bones = np.diff([*chain, end_points(skeleton)[side + "Hand"]], axis=0)
    np.testing.assert_array_equal(bones[:, 1:], 0.0)
    assert np.all(sign * bones[:, 0] > 0.05)


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_the_humanoids_legs_hang_straight_down(side: str) -> None:
    joints = rest(humanoid(1.75))
    bones = np.diff([joints[side + part] for part in ("UpperLeg", "LowerLeg", "Foot")], axis=0)
    np.testing.assert_array_equal(bones[:, [0, 2]], 0.0)
    assert np.all(bones[:, 1] < -0.3)


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_the_humanoids_toes_point_forward(side: str) -> None:
    skeleton = humanoid(1.75)
    foot = np.diff(
        [rest(skeleton)[side + "Foot"], rest(skeleton)[side + "Toes"], end_points(skeleton)[side + "Toes"]], axis=0
    )
    np.testing.assert_array_equal(foot[:, 0], 0.0)
    assert np.all(foot[:, 2] > 0.05)


def test_the_humanoids_right_side_mirrors_its_left() -> None:
    skeleton = humanoid(1.75)
    joints, ends = rest(skeleton), end_points(skeleton)
    left = [name for name in skeleton.names if name.startswith("Left")]
    assert len(left) == 8
    for points in (joints, ends):
        for name in left:
            if name in points:
                mirrored = points[name.replace("Left", "Right")] * [-1, 1, 1]
                np.testing.assert_array_equal(points[name], mirrored)
                assert points[name][0] > 0


def test_the_humanoids_middle_stands_upright() -> None:
    joints = rest(humanoid(1.75))
    middle = np.array([joints[name] for name in ("Hips", "Spine", "Chest", "UpperChest", "Neck", "Head")])
    np.testing.assert_array_equal(middle[:, 0], 0.0)
    assert np.all(np.diff(middle[:, 1]) > 0)


def test_every_leaf_of_the_humanoid_has_an_end_site_with_a_length() -> None:
    skeleton = humanoid()
    assert set(skeleton.ends) == {skeleton.names[j] for j in skeleton.leaves}
    assert all(np.linalg.norm(end) > 0.01 for end in skeleton.ends.values())


def test_the_humanoid_scales_evenly() -> None:
    np.testing.assert_allclose(humanoid(1.8).offsets, 1.8 * humanoid(1.0).offsets)
