"""What holds for every motion and every file: reading, contacts, doubt, retargeting and the foot pass, without Blender.

Not with hypothesis, which Blender's own environments lack: inputs are drawn with seeds.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

for folder in (Path(__file__).resolve().parent, Path(__file__).resolve().parents[2] / "blender_addon"):
    sys.path.insert(0, str(folder))

from mocap_blender.pure import alignment, bvh, contacts, doubt, feet, foreign, quaternions, retarget  # noqa: E402
from mocap_blender.pure.mapping import map_bones  # noqa: E402
from mocap_blender.pure.take import SourceMotion, TakeError, mirrored, read_take  # noqa: E402
from rigs import expected, rig, with_limbs  # noqa: E402

GOLDEN = Path(__file__).parent / "golden"
SEEDS = range(3)


def walk() -> SourceMotion:
    return read_take(GOLDEN / "walk.json").people[0]


def random_turns(seed: int, *shape: int) -> np.ndarray:
    q = np.random.default_rng(seed).normal(size=(*shape, 4))
    return q / np.linalg.norm(q, axis=-1, keepdims=True)


def same_turn(a: np.ndarray, b: np.ndarray) -> float:
    """The largest angle between turns, radians."""
    return float(2 * np.arccos(np.clip(np.abs(np.sum(a * b, axis=-1)), 0, 1)).max())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("order", ["ZXY", "XYZ", "ZYX", "YXZ"])
def test_euler_angles_of_any_order_are_the_product_of_their_axes(seed, order):
    degrees = np.random.default_rng(seed).uniform(-180, 180, 3)
    matrix = np.eye(3)
    for axis, angle in zip(order, np.radians(degrees)):
        i = "XYZ".index(axis)
        j, k = (i + 1) % 3, (i + 2) % 3
        turn = np.eye(3)
        turn[j, j] = turn[k, k] = np.cos(angle)
        turn[k, j], turn[j, k] = np.sin(angle), -np.sin(angle)
        matrix = matrix @ turn
    assert quaternions.to_matrix(quaternions.from_euler(order, degrees)) == pytest.approx(matrix, abs=1e-12)
    assert quaternions.to_matrix(quaternions.from_matrix(matrix)) == pytest.approx(matrix, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_shortest_arc_takes_one_direction_to_the_other_also_the_opposite_one(seed):
    a, b = np.random.default_rng(seed).normal(size=(2, 3))
    for goal in (b, a, -a):
        turned = quaternions.rotate(quaternions.shortest_arc(a, goal), a / np.linalg.norm(a))
        assert turned == pytest.approx(goal / np.linalg.norm(goal), abs=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_mirroring_twice_is_nothing_and_once_mirrors_every_joint(seed):
    motion = replace(walk(), local=random_turns(seed, *walk().local.shape[:2]))
    once, twice = mirrored(motion), mirrored(mirrored(motion))
    assert twice.world_positions() == pytest.approx(motion.world_positions())
    assert twice.contacts == motion.contacts
    left, right = motion.names.index("LeftHand"), motion.names.index("RightHand")
    assert once.world_positions()[:, right] == pytest.approx(motion.world_positions()[:, left] * [-1, 1, 1])


def as_bvh(motion: SourceMotion, names: dict[str, str], unit: float, turn: np.ndarray) -> str:
    """A motion as another program may write it: other names, another unit, ZYX order, the whole figure turned."""
    world = quaternions.to_matrix(quaternions.multiply(turn, motion.local[:, 0]))
    local = quaternions.to_matrix(motion.local)
    local[:, 0] = world
    R = quaternions.to_matrix(turn)
    rest = R.T  # joints rest as in the take, so that the rest pose is the T-pose turned
    lines = ["HIERARCHY"]

    def add(j: int, depth: int) -> None:
        kind = "ROOT" if j == 0 else "JOINT"
        offset = unit * R @ motion.offsets[j]
        numbers = " ".join(f"{x:.8f}" for x in offset)
        channels = (
            "6 Xposition Yposition Zposition Zrotation Yrotation Xrotation"
            if j == 0
            else "3 Zrotation Yrotation Xrotation"
        )
        lines.append(f"{kind} {names[motion.names[j]]}\n{{\nOFFSET {numbers}\nCHANNELS {channels}")
        children = np.flatnonzero(motion.parents == j)
        for child in children:
            add(int(child), depth + 1)
        if not len(children):
            lines.append("End Site\n{\nOFFSET 0.0 0.0 0.01\n}")
        lines.append("}")

    add(0, 0)
    order = []

    def visit(j: int) -> None:
        order.append(j)
        for child in np.flatnonzero(motion.parents == j):
            visit(int(child))

    visit(0)
    rows = []
    for t in range(len(motion.root)):
        row = list(unit * R @ motion.root[t])
        for j in order:
            # the joint's own rotation about the turned rest axes
            own = quaternions.to_matrix(motion.local[t, j])
            own = R @ own @ rest
            y = -np.arcsin(np.clip(own[2, 0], -1, 1))
            row += list(np.degrees([np.arctan2(own[1, 0], own[0, 0]), y, np.arctan2(own[2, 1], own[2, 2])]))
        rows.append(" ".join(f"{x:.8f}" for x in row))
    return "\n".join([*lines, "MOTION", f"Frames: {len(rows)}", "Frame Time: 0.0083333", *rows])


@pytest.mark.parametrize(
    ("family", "unit", "yaw"), [("mixamo", 1.0, 0.0), ("rokoko", 100.0, 90.0), ("mixamo", 17.7, 180.0)]
)
def test_another_program_s_bvh_is_the_same_motion_whatever_its_names_unit_and_heading(family, unit, yaw):
    motion = replace(walk(), root=walk().root[::9], local=walk().local[::9])
    turn = quaternions.about(np.array([0.0, 1.0, 0.0]), np.radians(yaw))
    clip = bvh.parse(as_bvh(motion, expected(family), unit, turn))
    assert clip.fps == Fraction(120)
    assert not bvh.has_take_s_joints(clip)
    taken = foreign.as_take(clip)
    theirs = SourceMotion(1, taken.names, taken.parents, taken.offsets, taken.ends, taken.root, taken.local,
                          np.ones(taken.local.shape[:2]), {})  # fmt: skip
    ours, places = motion.world_positions(), theirs.world_positions()
    metre = (
        1.0
        if unit != 17.7
        else alignment.leg_length(dict(zip(theirs.names, theirs.rest_positions())))
        / (alignment.leg_length(dict(zip(motion.names, motion.rest_positions()))))
    )
    for joint in ("LeftHand", "RightFoot", "Head"):
        a = ours[:, motion.names.index(joint)] - ours[:, 0]
        b = places[:, theirs.names.index(joint)] - places[:, 0]
        assert b == pytest.approx(metre * a, abs=2e-3)
    travelled = ours[:, 0] - ours[0, 0]
    assert places[:, 0] - places[0, 0] == pytest.approx(metre * travelled, abs=2e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_files_are_one_line_for_the_user_never_a_crash(tmp_path, seed):
    random = np.random.default_rng(seed)
    for name in ("walk.json", "walk.bvh"):
        text = (GOLDEN / name).read_text()
        for _ in range(3):
            a, b = sorted(random.integers(0, len(text), 2))
            cut = text[:a] + text[min(b, a + 4000) :]
            (tmp_path / name).write_text(cut if random.random() < 0.5 else text[:a] + "x{,7" + text[a:])
            said = refusal(tmp_path / name)
            assert said is None or "\n" not in said


def refusal(path: Path) -> str | None:
    """What is said about a file that cannot be read; None for one that can, and whose motion is whole."""
    try:
        take = read_take(path)
    except TakeError as error:
        return str(error)
    assert np.isfinite(take.people[0].root).all()
    return None


@pytest.mark.parametrize("seed", SEEDS)
def test_a_foot_that_stands_is_found_and_one_that_flies_is_not(seed):
    random, fps = np.random.default_rng(seed), float(random_rate(seed))
    stands = int(random.integers(int(0.3 * fps), int(1.2 * fps)))
    flies = int(random.integers(int(0.4 * fps), int(0.8 * fps)))
    lift = np.sin(np.linspace(0, np.pi, flies))
    steps = []
    for step in range(4):
        steps.append(np.tile([0.6 * step, 0.08, 0.0], (stands, 1)))
        steps.append(np.stack([0.6 * step + np.linspace(0, 0.6, flies), 0.08 + 0.2 * lift, 0 * lift], axis=-1))
    path = np.concatenate(steps) + random.normal(0, 2e-4, (4 * (stands + flies), 3))
    spans = contacts.spans_of(path, fps)
    assert len(spans) == 4
    slack = 0.12 * fps
    for step, (start, end) in enumerate(spans):
        assert abs(start - step * (stands + flies)) <= slack
        assert abs(end - (step * (stands + flies) + stands)) <= slack


def random_rate(seed: int) -> Fraction:
    return (Fraction(24), Fraction(30000, 1001), Fraction(30), Fraction(60), Fraction(120))[seed % 5]


def test_a_held_pose_and_a_jump_are_doubtful_and_a_walk_is_not():
    motion = replace(walk(), local=walk().local[10:].copy(), root=walk().root[10:].copy())
    assert doubt.doubtful_spans(motion, 30) == []
    motion.local[20:30], motion.root[20:30] = motion.local[20], motion.root[20]
    motion.local[50, 3] = quaternions.multiply(motion.local[50, 3], quaternions.about(np.array([1.0, 0, 0]), 2.5))
    assert doubt.doubtful_spans(motion, 30) == [(20, 30, doubt.HELD), (49, 52, doubt.JUMP)]


@pytest.mark.parametrize("limbs", [None, 0.5])
@pytest.mark.parametrize("family", ["mixamo", "mmd", "daz"])
def test_limbs_point_where_the_take_s_do_on_every_rig(family, limbs):
    bones = rig(expected(family), extras=limbs is None)
    bones = bones if limbs is None else with_limbs(bones, expected(family), limbs)
    motion, bone_map = walk(), map_bones(bones)
    pose = retarget.target_pose(motion, bones, bone_map)
    source = motion.world_positions()
    for joint, end in alignment.LIMB_ENDS.items():
        along = quaternions.rotate(pose.turns[joint], pose.rest[end] - pose.rest[joint]) @ pose.frame
        wanted = source[:, motion.names.index(end)] - source[:, motion.names.index(joint)]
        cosine = np.sum(along * wanted, axis=1) / np.linalg.norm(along, axis=1) / np.linalg.norm(wanted, axis=1)
        assert cosine.min() > 1 - 1e-9


def test_hands_stay_in_line_with_raised_arms():
    bones = rig(expected("vrm"), extras=False)
    motion = walk()
    still = replace(motion, local=np.tile(quaternions.IDENTITY, (1, len(motion.names), 1)), root=motion.root[:1])
    pose = retarget.target_pose(still, bones, map_bones(bones))
    for side in ("Left", "Right"):
        arm, hand = pose.turns[f"{side}LowerArm"][0], pose.turns[f"{side}Hand"][0]
        assert same_turn(arm, hand) < 1e-6  # as far as an arc cosine tells


@pytest.mark.parametrize("limbs", [0.5, 1.0, 1.4])
def test_held_feet_slide_less_than_unheld_ones_and_stand_on_the_sole(limbs):
    bones, motion = with_limbs(rig(expected("vrm"), extras=False), expected("vrm"), limbs), walk()
    pose = retarget.target_pose(motion, bones, map_bones(bones))
    held = feet.held(pose, motion, 30.0)
    for side in ("Left", "Right"):
        slides = []
        for shown in (pose, held):
            path = shown.places()[f"{side}Foot"] @ shown.frame
            slides.append(
                np.concatenate([np.abs(np.diff(path[a:b, [0, 2]], axis=0)) for a, b in motion.contacts[f"{side}Heel"]])
            )
        assert slides[1].mean() <= 0.5 * slides[0].mean() + 5e-4


def test_the_foot_pass_leaves_a_take_alone_that_never_stands():
    bones, motion = rig(expected("vrm"), extras=False), replace(walk(), contacts={})
    pose = retarget.target_pose(motion, bones, map_bones(bones))
    held = feet.held(pose, motion, 30.0)
    assert np.abs(held.places()["LeftFoot"] - pose.places()["LeftFoot"]).max() < 2e-3
