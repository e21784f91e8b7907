"""Options declared once: what their declarations allow, and what is made from them."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))

import make_options

from mocap.app.settings import STAGES, OutputSettings, TakeSettings, take_options
from mocap.cli.listing import json_text, markdown
from mocap.estimate.devices import DEVICES
from mocap.model.errors import MocapError
from mocap.model.settings import check, choices_of, options_of
from mocap.solve.clean.filters import FILTERS
from mocap.solve.lift import LIFTERS
from mocap.solve.settings import SolveSettings

OPTIONS = take_options()
NAMES = sorted(OPTIONS)
STORED = (
    *("fov_degrees", "camera_pitch_degrees", "camera_roll_degrees", "height_m", "lifter", "filter_name", "cutoff_hz"),
    *("solver", "foot_lock", "camera_motion"),
)


def another(name: str):
    """A value of an option that is allowed and is not its default."""
    one = OPTIONS[name]
    if one.kind in ("flag", "file"):
        return True
    if one.kind == "number":
        return 7.0 if one.high is None or one.high > 7 else one.high
    return next((choice for choice in choices_of(one) if choice != one.default), "slide=5")


@pytest.mark.parametrize("name", NAMES)
def test_every_option_has_help_and_a_default_that_is_allowed(name):
    one = OPTIONS[name]
    assert one.help.endswith(".")
    assert one.kind in ("number", "text", "flag", "file")
    assert one.kind != "number" or one.unit
    assert one.default is not None or one.unset
    assert not choices_of(one) or one.default in choices_of(one)


def test_no_two_options_share_a_name():
    assert len(OPTIONS) == sum(len(options_of(stage)) for stage in STAGES)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_changes_the_digest_and_comes_back_from_its_value(name):
    changed = TakeSettings().changed({name: another(name)})
    assert changed.values()[name] == another(name)
    assert changed.digest() != TakeSettings().digest()
    assert TakeSettings().changed(json.loads(json.dumps(changed.values()))) == changed


def test_the_keys_that_a_take_stores_keep_their_names_and_their_order():
    assert tuple(SolveSettings().as_json()) == STORED


def test_choices_are_those_of_the_tables():
    assert set(OPTIONS["filter"].choices) == set(FILTERS)
    assert OPTIONS["device"].choices == DEVICES
    assert SolveSettings().lifter in LIFTERS


@pytest.mark.parametrize("name", [name for name in NAMES if OPTIONS[name].low is not None])
def test_the_ends_of_a_range_are_allowed_and_numbers_beyond_are_not(name):
    one = OPTIONS[name]
    for value in (one.low, one.high):
        TakeSettings().changed({name: value})
    for value in (math.nextafter(one.low, -math.inf), math.nextafter(one.high, math.inf), math.nan, math.inf):
        with pytest.raises(MocapError, match=f"^--{name} must lie between"):
            TakeSettings().changed({name: value})


@pytest.mark.parametrize("name", [name for name in NAMES if OPTIONS[name].choices])
def test_a_value_outside_the_choices_is_refused_with_the_choices(name):
    with pytest.raises(MocapError, match=f"^--{name} must be .*{OPTIONS[name].choices[-1]}.*, not 'other'"):
        TakeSettings().changed({name: "other"})


@pytest.mark.parametrize("people", ["0", "-1", "1.5", "9" * 5000, "²", ""])
def test_people_are_a_number_from_1_or_a_word(people):
    assert TakeSettings().changed({"people": "12"}).capture.people == "12"
    with pytest.raises(MocapError, match="--people must be largest, all or a number from 1"):
        TakeSettings().changed({"people": people})


@pytest.mark.parametrize("wrong", [{"height_m": "tall"}, {"height_m": True}, {"cutoff_hz": None}, {"solver": ["fast"]}])
def test_a_stored_value_of_another_kind_is_damage(wrong):
    with pytest.raises(MocapError, match="the take's settings are damaged"):
        SolveSettings.from_json(wrong)


@pytest.mark.parametrize("wrong", [{"estimator": "openpose"}, {"fail-on": "beauty=1"}])
def test_what_stands_in_tables_is_checked_when_asked(wrong):
    with pytest.raises(MocapError):
        TakeSettings().changed(wrong).check()


def test_a_file_is_named_after_the_take_or_as_it_was_said():
    take = Path("takes/walk.mp4.bvh")
    assert OutputSettings().file("preview", take) is None
    assert OutputSettings(preview=True).file("preview", take) == Path("takes/walk.mp4_preview.mp4")
    assert OutputSettings(plot=Path("curves.svg")).file("plot", take) == Path("curves.svg")


def test_check_reads_the_values_and_not_only_the_class():
    check(SolveSettings(height_m=1.8))
    with pytest.raises(MocapError, match="--height"):
        replace(SolveSettings(height_m=1.8), height_m=17.0)


def test_the_json_has_every_option_with_its_range_and_commands():
    listed = {one["name"]: one for one in json.loads(json_text(list(OPTIONS.values())))["options"]}
    assert list(listed) == list(OPTIONS)
    height = listed["height"]
    assert (height["key"], height["type"], height["unit"]) == ("height_m", "number", "m")
    assert (height["minimum"], height["maximum"], height["default"]) == (0.3, 3.0, None)
    assert height["commands"] == ["process", "solve", "batch"]
    assert listed["preview"]["commands"] == ["process", "batch"]
    assert "blazepose-lite" in listed["estimator"]["choices"]


def test_the_table_escapes_bars_and_has_a_row_for_each_option():
    rows = markdown(list(OPTIONS.values())).splitlines()
    assert len(rows) == 2 + len(OPTIONS)
    assert all(row.replace("\\|", "").count("|") == 5 for row in rows)


@pytest.mark.parametrize("path", make_options.GENERATED, ids=lambda path: path.name)
def test_what_is_made_from_the_options_is_current(path):
    assert path.read_text(encoding="utf-8") == make_options.GENERATED[path](), "run docs/make_options.py"
