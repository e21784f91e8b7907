"""The motions that the lifter learns from: other sources' figures, drawn limbs, and the kinds that are held out."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from captured import walker

from benchmarks.known_poses import KnownPoses
from benchmarks.lifting import kinds_of
from training import drawn_limbs
from training.captured_bodies import LENGTHS, Cast, _chest, landmarks_of, prepared
from training.detector_noise import TRAINING, USUAL, doubted, fewer, noticed
from training.drawn_limbs import arm_directions, leg_frames
from training.drawn_postures import drawn, planted, standing
from training.held_out import far_kind, is_near
from training.lifter_views import FRACTIONS, chances_of, split
from training.mix_weights import between
from training.motions import PARTS, POINTS, SourceTake, _bones
from training.retargeted import lacking_thigh, retargeted, with_template_lengths
from training.train_lifter import Settings, Training

LIMB_BONES = ("upperarm", "lowerarm", "wrist", "hand", "upperleg", "lowerleg", "foot", "toes")
KAYKIT = ["root", "hips", "spine", "chest", "head", *(f"{bone}.{side}" for side in "lr" for bone in LIMB_BONES)]
SEEDS = range(12)


def at(points, name):
    return points[:, POINTS.index(name)]


def length(points, a, b):
    return np.linalg.norm(at(points, a) - at(points, b), axis=-1)


def named(name: str) -> SourceTake:
    return replace(walker(), name=name)


def test_the_bones_of_kaykit_s_characters_are_found():
    bones = _bones(KAYKIT)
    assert bones is not None
    assert bones["left_knee"] == "lowerleg.l"
    assert set(bones) == {*POINTS, *PARTS}


def test_a_short_limbed_figure_gets_the_template_s_lengths_along_its_own_bones():
    take = walker()
    short = take.points.copy()
    for side in ("left", "right"):  # forearms of half their length
        elbow, wrist = (POINTS.index(f"{side}_{joint}") for joint in ("elbow", "wrist"))
        short[:, wrist] = 0.5 * (short[:, elbow] + short[:, wrist])
    (found,) = retargeted([replace(take, name="Med_General/a", points=short)])
    np.testing.assert_allclose(length(found.points, "left_elbow", "left_wrist"), LENGTHS["forearm"], atol=1e-9)
    np.testing.assert_allclose(length(found.points, "left_hip", "left_knee"), LENGTHS["thigh"], atol=1e-9)
    ways = [at(p, "left_wrist") - at(p, "left_elbow") for p in (found.points, take.points)]
    np.testing.assert_allclose(*(w / np.linalg.norm(w, axis=-1, keepdims=True) for w in ways), atol=1e-9)


def test_a_take_of_another_source_stays_as_it_is():
    assert retargeted([named("iclone_direct/001")])[0].points is not None
    np.testing.assert_array_equal(retargeted([named("iclone_direct/001")])[0].points, walker().points)


def test_hips_that_lie_too_low_are_raised_to_where_thighs_are_as_long_as_shins():
    take, low = named("uiprmd/m01_s01_e01"), walker().points.copy()
    trunk = _chest(low)[..., 1]
    for side in ("left", "right"):
        low[:, POINTS.index(f"{side}_hip")] -= 0.05 * trunk
    assert np.median(lacking_thigh(low)) == pytest.approx(0.05, abs=0.008)
    (found,) = retargeted([replace(take, points=low)])
    expected = with_template_lengths(walker().points)
    assert np.abs(at(found.points, "left_knee") - at(found.points, "left_hip")
                  - at(expected, "left_knee") + at(expected, "left_hip")).max() < 0.01  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_a_drawn_body_is_whole_and_moves_smoothly(seed):
    body = prepared(walker())
    changed = drawn(body, np.random.default_rng(seed))
    for limb in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist")):
        for side in ("left", "right"):
            ends = [f"{side}_{joint}" for joint in limb]
            np.testing.assert_allclose(length(changed.points, *ends), length(body.points, *ends).mean(), rtol=0.01)
    assert np.abs(np.diff(changed.points, 2, axis=0)).max() < 0.08  # statures
    np.testing.assert_allclose(np.einsum("tnji,tnjk->tnik", changed.frames, changed.frames)[:, 1:],
                               np.broadcast_to(np.eye(3), (120, len(PARTS) - 1, 3, 3)), atol=1e-6)  # fmt: skip
    places = landmarks_of(Cast(changed, changed, (changed, changed)), np.random.default_rng(0))
    assert np.isfinite(places).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_planted_feet_stay_and_the_knees_reach_them(seed):
    changed = planted(prepared(walker()), np.random.default_rng(seed))
    for side in ("left", "right"):
        ankle = at(changed.points, f"{side}_ankle")
        np.testing.assert_allclose(ankle, np.broadcast_to(ankle[:1], ankle.shape), atol=1e-9)
        for a, b, bone in (("hip", "knee", "thigh"), ("knee", "ankle", "shin")):
            np.testing.assert_allclose(length(changed.points, f"{side}_{a}", f"{side}_{b}"), LENGTHS[bone], rtol=0.01)


@pytest.mark.parametrize("seed", SEEDS)
def test_who_stands_straight_has_straight_legs_and_an_upright_trunk(seed):
    points = standing(prepared(walker()), np.random.default_rng(seed)).points
    for side in ("left", "right"):
        thigh, shin = (
            at(points, f"{side}_{b}") - at(points, f"{side}_{a}") for a, b in pairwise(("hip", "knee", "ankle"))
        )
        cosine = np.sum(thigh * shin, axis=-1) / np.linalg.norm(thigh, axis=-1) / np.linalg.norm(shin, axis=-1)
        assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 0.01
        assert length(points, f"{side}_hip", f"{side}_knee") == pytest.approx(LENGTHS["thigh"], rel=0.01)
    assert _chest(points)[:, 1, 1].min() > np.cos(np.radians(20))


def test_the_angles_of_a_left_arm_are_those_of_its_joints():
    angles = np.array([(0, 0, 0, 0, 0), (90, 0, 0, 0, 0), (90, 90, 0, 90, 0), (0, 0, 0, 90, 0), (90, 0, 90, 90, 0)])
    upper, fore, thumb = arm_directions(angles.astype(float))
    np.testing.assert_allclose(upper, [[0, -1, 0], [1, 0, 0], [0, 0, 1], [0, -1, 0], [1, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(fore, [[0, -1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]], atol=1e-12)
    np.testing.assert_allclose(thumb[0], [0, 0, 1], atol=1e-12)  # a hanging arm's thumb is in front


def test_the_angles_of_a_leg_are_those_of_its_joints():
    thigh, shin, _ = leg_frames(np.array([[90.0, 0, 0, 90, 0], [0, 30, 0, 0, 0]]), "left")
    np.testing.assert_allclose(-thigh[0][:, 1], [0, 0, 1], atol=1e-12)  # sits: the thigh points forwards
    np.testing.assert_allclose(-shin[0][:, 1], [0, -1, 0], atol=1e-12)
    np.testing.assert_allclose(-thigh[1][:, 1], [0.5, -np.sqrt(0.75), 0], atol=1e-12)  # apart: to the left


def test_no_drawn_wrist_is_within_the_trunk_when_there_is_another_way():
    rng, inside = np.random.default_rng(0), 0
    for _ in range(200):
        upper, fore, _ = arm_directions(drawn_limbs._arm_key(rng)[None])
        wrist = (LENGTHS["upper_arm"] * upper + LENGTHS["forearm"] * fore)[0] + [LENGTHS["shoulder"], 0, 0]
        inside += bool((np.abs(wrist[[0, 2]]) < drawn_limbs.TRUNK[[0, 2]]).all() and -0.3 < wrist[1] < 0)
    assert inside == 0


def test_kinds_that_are_held_out_are_not_trained_on():
    names = [
        "uiprmd/m01_s07_e01",
        "uiprmd/m04_s02_e01",
        "uiprmd/m01_s02_e01",
        "kaykit_knight/Throw",
        "iclone_direct/002",
    ]
    assert [far_kind(name) for name in names] == ["two other people's exercises", "side lunges", None, "throwing", None]
    training, near = split([named(name) for name in names])
    assert [body.name for body in training] == ["uiprmd/m01_s02_e01"]
    assert [body.name for body in near] == ["iclone_direct/002"]
    assert is_near("iclone_direct/002_07")
    assert set(kinds_of([named(name) for name in names], everything=False)) == {
        "near", "two other people's exercises", "side lunges", "throwing",
    }  # fmt: skip
    assert len(kinds_of([named(name) for name in names], everything=True)["all"]) == len(names)


def test_many_short_takes_of_a_source_do_not_outweigh_the_rest():
    bodies = [
        prepared(take) for take in retargeted([named("a"), *(named(f"uiprmd/m01_s0{i}_e01") for i in range(1, 7))])
    ]
    chances = chances_of(bodies)
    assert chances.sum() == pytest.approx(1)
    fraction, rest = FRACTIONS[("uiprmd/",)], 1 - sum(FRACTIONS.values())
    np.testing.assert_allclose(chances[1:].sum(), fraction / (fraction + rest))
    np.testing.assert_allclose(chances_of(bodies[1:]), 1 / 6)


def test_confidence_of_another_scale_leaves_missing_keypoints_missing():
    confidence = np.where(np.random.default_rng(1).random((200, 5, 33)) < 0.3, 0.0, 0.8)
    changed = doubted(confidence, np.random.default_rng(2), 0.4)
    np.testing.assert_array_equal(changed > 0, confidence > 0)
    assert np.mean([(a != b).any() for a, b in zip(changed, confidence)]) == pytest.approx(0.4, abs=0.1)


def test_a_training_withholds_depth_and_keypoints_more_often_than_clips_do():
    seen = np.random.default_rng(0).normal([0, 0, 4], 0.3, (400, 2, 33, 3))
    absent = {}
    for hardness in (USUAL, TRAINING):
        told = noticed(seen, np.random.default_rng(1), hardness)
        absent[hardness] = np.isnan(told.guess).all(axis=(1, 2, 3)).mean()
        hidden = fewer(np.ones((400, 2, 33)), np.random.default_rng(1), hardness) == 0
        assert hidden[:, :, 1].all(axis=1).mean() == pytest.approx(
            2 * hardness.fewer, abs=0.06
        )  # an inner corner of the eye
    assert absent[USUAL] == pytest.approx(0.2, abs=0.06)
    assert absent[TRAINING] == pytest.approx(0.5, abs=0.08)


def test_a_known_pose_is_near_whichever_way_it_faces_and_in_a_mirror():
    body = prepared(walker())
    known = KnownPoses([body])
    places = landmarks_of(Cast(body, body, (body, body)), np.random.default_rng(0))
    c, s = np.cos(1.0), np.sin(1.0)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    up = np.array([0.0, 1, 0])
    assert known.angles(places, up).max() < 4
    np.testing.assert_allclose(known.angles(places @ turn.T, up), known.angles(places, up), atol=0.05)
    lying = places @ np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]).T
    assert known.angles(lying, up).min() > 40


def test_weights_between_two_states_lie_on_the_line_between_them(tmp_path):
    before, after = {"a": torch.zeros(3), "b": torch.ones(2)}, {"a": torch.full((3,), 4.0), "b": torch.ones(2)}
    mixed = between(before, after, 0.25)
    torch.testing.assert_close(mixed, {"a": torch.ones(3), "b": torch.ones(2)})
    with pytest.raises(ValueError, match="two networks"):
        between(before, {"a": torch.zeros(3)}, 0.5)


def test_a_training_by_steps_is_over_after_so_many_whatever_the_clock_says(tmp_path):
    by_steps = Training(torch.nn.Linear(2, 2), Settings(steps=10, minutes=1), tmp_path)
    by_steps.step = 4
    assert by_steps._progress(1e6) == 0.5
    by_minutes = Training(torch.nn.Linear(2, 2), Settings(minutes=1), tmp_path)
    assert by_minutes._progress(30) == 0.5
    assert by_minutes._progress(1e6) == 1


def test_a_training_that_is_stopped_while_it_writes_goes_on_from_the_checkpoint_before(tmp_path, monkeypatch):
    def stopped(states, path):
        path.write_bytes(b"half of")
        raise KeyboardInterrupt

    training = Training(torch.nn.Linear(2, 2), Settings(), tmp_path)
    training.step = 20
    training._store()
    training.step = 40
    with monkeypatch.context() as patched:
        patched.setattr(torch, "save", stopped)
        with pytest.raises(KeyboardInterrupt):
            training._store()
    again = Training(torch.nn.Linear(2, 2), Settings(), tmp_path)
    again._restore()
    assert again.step == 20
