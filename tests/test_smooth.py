"""Cleaning: what filters keep, what they remove, and what stays missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocap.model.errors import MocapError
from mocap.solve.clean import filters

FPS = 30.0
T = np.arange(300) / FPS
SMOOTHING = sorted(set(filters.FILTERS) - {"none"})


def attenuation(name: str, frequency_hz: float, cutoff_hz: float = 6.0) -> float:
    wave = np.sin(2 * np.pi * frequency_hz * T + 0.3)[:, None]
    return float(np.std(filters.low_pass(wave, FPS, name=name, cutoff_hz=cutoff_hz)[60:-60]) / np.std(wave[60:-60]))


@pytest.mark.parametrize("name", sorted(filters.FILTERS))
@given(value=st.floats(-1e3, 1e3))
def test_a_constant_passes_every_filter_unchanged(name, value):
    constant = np.full((40, 2), value)
    np.testing.assert_allclose(filters.low_pass(constant, FPS, name=name), constant, atol=1e-6)


@pytest.mark.parametrize("name", sorted(set(filters.FILTERS) - {"one_euro"}))
@given(shift=st.floats(-1e3, 1e3))
def test_filters_commute_with_translation(name, shift):
    noise = np.random.default_rng(3).normal(size=(50, 2))
    moved = filters.low_pass(noise + shift, FPS, name=name)
    np.testing.assert_allclose(moved, filters.low_pass(noise, FPS, name=name) + shift, atol=1e-6)


@pytest.mark.parametrize("name", ["butterworth", "savgol", "kalman"])
def test_a_straight_line_passes_unchanged_to_its_ends(name):
    line = (3 + 2 * T)[:, None]
    np.testing.assert_allclose(filters.low_pass(line, FPS, name=name), line, atol=1e-6)


@pytest.mark.parametrize("name", ["butterworth", "savgol", "gaussian", "kalman"])
def test_the_cutoff_is_the_minus_three_decibel_point(name):
    assert attenuation(name, 3.0, cutoff_hz=3.0) == pytest.approx(np.sqrt(0.5), abs=0.02)


@pytest.mark.parametrize("name", SMOOTHING)
def test_slow_motion_is_kept(name):
    assert attenuation(name, 1.0) > 0.97


def test_the_default_filter_keeps_98_percent_of_a_3_hz_motion_and_removes_most_jitter():
    noise = np.random.default_rng(0).normal(size=(300, 8))
    before = np.std(np.diff(noise, 3, axis=0))
    after = np.std(np.diff(filters.low_pass(noise, FPS), 3, axis=0)[30:-30])
    assert attenuation("butterworth", 3.0) > 0.98
    assert after < before / 5


def test_zero_phase_filters_do_not_delay():
    bump = np.exp(-(((T - 5) / 0.2) ** 2))[:, None]
    for name in ("butterworth", "savgol", "gaussian", "kalman"):
        assert np.argmax(filters.low_pass(bump, FPS, name=name)) == np.argmax(bump), name


def test_filters_do_not_reach_across_a_cut():
    step = np.concatenate([np.zeros(30), np.ones(30)])[:, None]
    np.testing.assert_allclose(filters.low_pass(step, FPS, cuts=[30]), step, atol=1e-9)


def test_missing_values_stay_missing_and_do_not_spread():
    values = np.sin(T)[:, None].repeat(2, axis=1)
    values[100:140, 0] = np.nan
    filtered = filters.low_pass(values, FPS)
    np.testing.assert_array_equal(np.isnan(filtered), np.isnan(values))


def test_above_the_nyquist_rate_nothing_is_filtered():
    noise = np.random.default_rng(0).normal(size=(30, 1))
    np.testing.assert_array_equal(filters.low_pass(noise, 10.0, cutoff_hz=6.0), noise)


def test_a_spike_is_an_outlier_and_its_neighbours_are_not():
    track = np.stack([100 + 50 * np.sin(T), 200 + 30 * T], axis=-1)[:, None]
    track[120, 0] += 40
    np.testing.assert_array_equal(np.argwhere(filters.is_outlier(track, FPS, floor=3.0)), [[120, 0]])


def test_noise_below_the_floor_is_no_outlier():
    track = np.zeros((100, 1, 2))
    track[50] = 2.0
    assert not filters.is_outlier(track, FPS, floor=3.0).any()


def test_a_missing_point_is_no_outlier():
    track = np.zeros((20, 1, 2))
    track[5:9] = np.nan
    assert not filters.is_outlier(track, FPS, floor=0.1).any()


@pytest.mark.parametrize(("frames", "filled"), [(1, True), (9, True), (10, False)])
def test_gaps_are_filled_up_to_three_tenths_of_a_second(frames, filled):
    values = (2 * T)[:, None].copy()
    values[50 : 50 + frames] = np.nan
    result = filters.fill_gaps(values, FPS)
    assert np.isfinite(result).all() == filled
    if filled:
        np.testing.assert_allclose(result[:, 0], 2 * T, atol=1e-9)


def test_gaps_at_the_ends_and_across_cuts_are_not_filled():
    values = np.ones((30, 1))
    values[[0, 14, 15, 29]] = np.nan
    assert np.isnan(filters.fill_gaps(values, FPS, cuts=[15])[[0, 14, 15, 29]]).all()


def test_held_values_are_the_nearest_known_ones():
    values = np.array([np.nan, 1.0, np.nan, np.nan, np.nan, 5.0, np.nan])[:, None]
    np.testing.assert_array_equal(filters.hold_nearest(values)[:, 0], [1, 1, 1, 1, 5, 5, 5])


def test_runs_are_half_open_spans():
    assert list(filters.runs(np.array([True, False, True, True]))) == [(0, 1), (2, 4)]


@pytest.mark.parametrize(
    ("name", "cutoff", "words"), [("median", 6.0, "butterworth"), ("gaussian", 0.0, "0.1 and 1000 Hz")]
)
def test_a_wrong_filter_is_refused_with_the_choices(name, cutoff, words):
    with pytest.raises(MocapError, match=words):
        filters.low_pass(np.zeros((9, 1)), FPS, name=name, cutoff_hz=cutoff)
