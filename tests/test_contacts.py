"""Feet on the ground."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bodies import standing

from mocap.solve.contact import detection, ground

FPS = 30.0


def stepping_foot(lift_m=0.15, speed_m_s=2.0):
    """A sole that stands for 0.5 s, swings for 0.5 s, and stands again, twice over."""
    point, x = [], 0.0
    for _ in range(2):
        point += [(x, 0.0, 0.0)] * 15
        for i in range(15):
            x += speed_m_s / FPS
            point.append((x, lift_m * np.sin(np.pi * (i + 1) / 16), 0.0))
    return np.array([*point, *[(x, 0.0, 0.0)] * 15])


def test_contact_spans_are_the_standing_phases():
    spans = detection.spans_down(stepping_foot(), FPS, detection.CONTACT)
    assert [(abs(a - b[0]) <= 1, abs(e - b[1]) <= 1) for (a, e), b in zip(spans, [(0, 15), (30, 45), (60, 75)])] == [
        (True, True)
    ] * 3


@pytest.mark.parametrize("fps", [24.0, 60.0])
def test_rules_do_not_depend_on_the_frame_rate(fps):
    point = stepping_foot()
    times = np.arange(0, 2.46, 1 / fps)
    resampled = np.stack([np.interp(times, np.arange(len(point)) / FPS, column) for column in point.T], axis=-1)
    spans = detection.spans_down(resampled, fps, detection.CONTACT)
    assert len(spans) == 3
    assert spans[1][0] / fps == pytest.approx(1.0, abs=0.07)


def test_a_sliding_foot_is_not_in_contact():
    sliding = np.zeros((60, 3))
    sliding[:, 2] = np.arange(60) * 1.0 / FPS
    assert detection.spans_down(sliding, FPS, detection.CONTACT) == []


def test_a_wandering_foot_is_split():
    creeping = np.zeros((60, 3))
    creeping[:, 2] = np.arange(60) * 0.1 / FPS
    spans = detection.spans_down(creeping, FPS, detection.CONTACT)
    assert len(spans) > 1
    assert all(np.ptp(creeping[a:b, 2]) <= 0.07 for a, b in spans)


def test_a_foot_in_the_air_is_not_in_contact():
    jump = np.zeros((30, 3))
    jump[10:20, 1] = 0.3
    assert all(b <= 11 or a >= 19 for a, b in detection.spans_down(jump, FPS, detection.CONTACT))


def test_the_floor_is_where_the_soles_stand():
    assert ground.floor_height(standing(), np.ones(40, bool)) == pytest.approx(0.4, abs=1e-9)


def test_one_deep_frame_does_not_move_the_floor():
    motion = standing()
    root = motion.root_world.copy()
    root[20, 1] -= 0.3
    sunk = replace(motion, root_world=root)
    assert ground.floor_height(sunk, np.ones(40, bool)) == pytest.approx(0.4, abs=0.02)


def test_a_standing_body_has_all_four_points_down_all_the_time():
    assert detection.spans_by_rule(standing(), np.ones(40, bool)) == {
        name: [(0, 40)] for name in ("LeftHeel", "LeftToes", "RightHeel", "RightToes")
    }


def test_unseen_frames_have_no_contacts():
    seen = np.ones(40, bool)
    seen[15:25] = False
    assert detection.spans_by_rule(standing(), seen)["LeftHeel"] == [(0, 15), (25, 40)]
