"""The program's options in the add-on: every one that mocap declares, and what they become on the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "blender_addon"))

from mocap_blender.pure import options

FIELDS = {field.name: field for field in options.fields()}
UNCHANGED = {field.identifier: field.default for field in FIELDS.values()}
TAKE = Path("clips/walk.bvh")


def test_nothing_chosen_gives_nothing_so_that_a_file_beside_the_clip_counts():
    assert options.arguments(UNCHANGED, TAKE) == []


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        ({"height": 1.8}, ["--height", "1.8"]),
        ({"camera_pitch": "-0.5"}, ["--camera-pitch", "-0.5"]),
        ({"people": "all", "allow_damaged": True}, ["--allow-damaged", "--people", "all"]),
        ({"preview": True}, ["--preview", str(Path("clips/walk_preview.mp4"))]),
        ({"solve": "fast", "cutoff": 8.0}, ["--cutoff", "8", "--solve", "fast"]),
    ],
)
def test_what_was_chosen_is_on_the_command_line(chosen, wanted):
    assert options.arguments(UNCHANGED | chosen, TAKE) == wanted


def test_an_angle_can_be_0_and_be_not_given():
    """Blender's numbers cannot be empty, so that an option whose range holds 0 is a text."""
    assert FIELDS["camera-pitch"].kind == "text"
    assert FIELDS["camera-pitch"].help.endswith("; empty: estimated from how people stand")
    assert (FIELDS["height"].kind, FIELDS["height"].low, FIELDS["height"].label) == ("float", 0.0, "Height (m)")


def test_the_program_takes_every_field_as_it_is_given():
    pytest.importorskip("mocap")
    from mocap.app.settings import TakeSettings, take_options

    declared = take_options()
    assert set(FIELDS) | set(options.LEFT_OUT) == {name for name, one in declared.items() if "process" in one.commands}
    for name, field in FIELDS.items():
        if field.kind == "choice":
            assert field.default in field.choices
            TakeSettings().changed({name: field.choices[-1]})
        elif field.kind == "float":
            TakeSettings().changed({name: field.high})
