"""The body: one table that the solver, the repair of sides, contacts, corrections, report and validation read."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from mocap.app.process import unobserved
from mocap.model import rotation
from mocap.model.body import BODY, GROUPS
from mocap.model.keypoints import BLAZEPOSE_33, COCO_17, LAYOUTS, LSP_14, KeypointLayout
from mocap.model.skeleton import humanoid
from mocap.solve.closed_form import CLOSED_FORMS

PACKAGE = Path(__file__).resolve().parents[1] / "mocap"
# networks' layouts, a benchmark's own protocol, and the choice of curves to draw
NOT_ANATOMY = {"model/body.py", "model/keypoints.py", "evaluate/lsp.py", "report/plot.py"}


def bare(name: str) -> str:
    """A name without its side."""
    for side in ("left_", "right_", "Left", "Right"):
        name = name.removeprefix(side)
    return name


def test_joints_are_in_the_order_of_the_skeleton():
    skeleton = humanoid(1.8)
    assert [joint.name for joint in BODY.joints] == list(skeleton.names)
    for joint in BODY.joints:
        parent = skeleton.parents[skeleton.index(joint.name)]
        assert joint.parent == (skeleton.names[parent] if parent >= 0 else None)


def test_the_right_side_is_the_mirror_image_of_the_left():
    for kind in ("arm", "leg"):
        left, right = BODY.of_kind(kind)
        for one, other in zip(left.joints, right.joints):
            np.testing.assert_array_equal(np.array(one.rest) * [-1, 1, 1], other.rest)
            assert bare(one.keypoint) == bare(other.keypoint)
            assert (one.give, one.is_optimised) == (other.give, other.is_optimised)
        assert [bare(contact.name) for contact in left.contacts] == [bare(contact.name) for contact in right.contacts]


def test_hinges_bend_knees_backwards_and_elbows_forwards_on_both_sides():
    for _, hinge, end in BODY.hinges:
        assert hinge.limit is not None
        bend = rotation.rotvec_to_wxyz(np.array(hinge.limit.hinge) * np.radians(60))
        forwards = rotation.rotate(bend, np.array(end.rest))[2]
        assert forwards < 0 if "Leg" in hinge.name else forwards > 0


def test_every_part_has_a_closed_form():
    assert {part.kind for part in BODY.parts} == set(CLOSED_FORMS)


def test_contact_points_lie_on_the_sole_of_the_rest_pose():
    skeleton = humanoid(1.0)
    for contact in BODY.contacts.values():
        joint = skeleton.rest_positions()[skeleton.index(contact.joint)]
        place = joint + skeleton.end_of_chain(contact.joint) / contact.divisor
        assert place[1] == pytest.approx(0.0, abs=1e-12)
    heel, toes = (BODY.contacts[name] for name in ("LeftHeel", "LeftToes"))
    assert (skeleton.end_of_chain(heel.joint) / heel.divisor)[2] < 0 < skeleton.end_of_chain(toes.joint)[2]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
def test_both_keypoints_of_a_pair_are_of_one_group(layout: KeypointLayout):
    for left, right in layout.mirror_pairs:
        assert BODY.group_of(layout.names[left]) == BODY.group_of(layout.names[right]) in GROUPS


def test_a_keypoint_that_the_solve_ignores_is_a_warning():
    names = (*BLAZEPOSE_33.names, "left_thumb_tip", "tail")
    odd = KeypointLayout("ODD", names, (), ())
    assert unobserved(odd) == ["the network (ODD) gives left_thumb_tip, tail, which the solve does not use"]
    assert unobserved(BLAZEPOSE_33) == []
    assert any("neck, head_top" in warning for warning in unobserved(LSP_14))
    assert [("hands" in warning, "toes" in warning) for warning in unobserved(COCO_17)] == [
        (True, False),
        (False, True),
    ]


def test_no_other_module_has_a_table_of_anatomy():
    words = {bare(joint.name) for joint in BODY.joints} | {bare(k) for names in LAYOUTS.values() for k in names.names}
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict) and name not in NOT_ANATOMY:
                texts = {c.value for c in ast.walk(node) if isinstance(c, ast.Constant) and isinstance(c.value, str)}
                if len({bare(text) for text in texts} & words) > 3:
                    found.append(f"{name}:{node.lineno}")
    assert found == []
