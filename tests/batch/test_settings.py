"""Options of a batch and the mocap.toml files that override them."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from mocap.app.batch.settings import Overrides, TakeSettings
from mocap.model.errors import MocapError

OTHERS = {"str": "other", "float": 7.0, "bool": True}


def settings_of(root: Path, clip: str, **base) -> TakeSettings:
    return Overrides(root).settings(Path(clip), TakeSettings(**base))


def write(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mocap.toml").write_text(text)


def test_without_files_the_options_of_the_command_line_hold(tmp_path):
    assert settings_of(tmp_path, "a.mp4", fov=70.0) == TakeSettings(fov=70.0)


def test_the_nearest_word_on_a_clip_wins(tmp_path):
    write(tmp_path, "height = 1.5\nfov = 60\npeople = 2\n")
    write(tmp_path / "day", 'height = 1.6\ncamera-pitch = 5\n[clip."a.mp4"]\nheight = 1.7\n')
    (tmp_path / "day" / "a.mp4").touch()
    base = {"height": 1.4, "units": "cm"}
    assert settings_of(tmp_path, "b.mp4", **base).height == 1.5
    assert settings_of(tmp_path, "day/b.mp4", **base).height == 1.6
    a = settings_of(tmp_path, "day/a.mp4", **base)
    assert (a.height, a.fov, a.camera_pitch, a.people, a.units) == (1.7, 60.0, 5.0, "2", "cm")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("heigth = 1.8", "unknown key 'heigth'; known are: estimator, .*height"),
        ("camera_pitch = 5", "unknown key 'camera_pitch'; known are: .*camera-pitch"),
        ('height = "tall"', "height: expected a number, not 'tall'"),
        ("height = true", "height: expected a number"),
        ("preview = 1", "preview: expected true or false"),
        ("height = ", "cannot be read"),
        ('[clip."none.mp4"]\nheight = 1', "no clip 'none.mp4'"),
        ("clip = 3", "expected tables"),
    ],
)
def test_what_cannot_be_understood_is_an_error_naming_the_file(tmp_path, text, words):
    write(tmp_path, text)
    with pytest.raises(MocapError, match=f"mocap.toml.*{words}"):
        settings_of(tmp_path, "a.mp4")


@pytest.mark.parametrize("name", [field.name for field in fields(TakeSettings)])
def test_every_setting_changes_the_digest(name):
    kind = next(str(field.type).partition(" ")[0] for field in fields(TakeSettings) if field.name == name)
    assert replace(TakeSettings(), **{name: OTHERS[kind]}).digest() != TakeSettings().digest()


@pytest.mark.parametrize("wrong", [{"height": 17.0}, {"estimator": "none"}, {"units": "inch"}, {"cutoff": -1.0}])
def test_values_out_of_range_are_told_before_any_clip_is_read(wrong):
    with pytest.raises(MocapError):
        TakeSettings(**wrong).check()
