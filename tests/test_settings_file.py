"""mocap.toml: options for a folder of clips or one clip, and everything that such a file may get wrong."""

from __future__ import annotations

import shutil
import tracemalloc
from pathlib import Path

import pytest

from mocap.app.settings import TakeSettings
from mocap.app.settings_file import LARGEST_BYTES, Overrides, beside, read_settings
from mocap.model.errors import MocapError


def settings_of(root: Path, clip: str, **base) -> TakeSettings:
    return Overrides(root).settings(Path(clip), TakeSettings().changed(base))


def write(folder: Path, text: str | bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mocap.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_without_files_the_options_of_the_command_line_hold(tmp_path):
    assert settings_of(tmp_path, "a.mp4", fov=70.0) == TakeSettings().changed({"fov": 70.0})


def test_the_nearest_word_on_a_clip_wins(tmp_path):
    write(tmp_path, "height = 1.5\nfov = 60\npeople = 2\n")
    write(tmp_path / "day", 'height = 1.6\ncamera-pitch = 5\n[clip."a.mp4"]\nheight = 1.7\n')
    (tmp_path / "day" / "a.mp4").touch()
    base = {"height": 1.4, "units": "cm"}
    assert settings_of(tmp_path, "b.mp4", **base).capture.solve.height_m == 1.5
    assert settings_of(tmp_path, "day/b.mp4", **base).capture.solve.height_m == 1.6
    a = settings_of(tmp_path, "day/a.mp4", **base).values()
    assert [a[name] for name in ("height", "fov", "camera-pitch", "people", "units")] == [1.7, 60.0, 5.0, "2", "cm"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("heigth = 1.8", "unknown key 'heigth'; did you mean 'height'\\? known are: estimator, .*height"),
        ("camera_pitch = 5", "unknown key 'camera_pitch'; did you mean 'camera-pitch'\\?"),
        ("zzz = 5", "unknown key 'zzz'; known are: "),
        ('height = "tall"', "height: expected a number, not 'tall'"),
        ("height = true", "height: expected a number"),
        ("height = 17", "height must lie between 0.3 and 3 metres, not 17"),
        ("height = nan", "height must lie between"),
        ("height = 1,68", "line 1: a number with a comma; write 1.68"),
        ('# 1,5\nfov = 60\nheight = "1,68" # m', "line 3: a number with a comma; write 1.68"),
        ("solve = 3", "solve: expected a text in quotes, not 3"),
        ('solve = "slow"', "solve must be refined or fast, not 'slow'"),
        ("people = 0", "people must be largest, all or a number from 1, not '0'"),
        ("preview = 1", "preview: expected true or false"),
        ('preview = "x.mp4"', "preview: expected true or false: the file is named after the take"),
        ("height = ", "cannot be read"),
        ('[clip."none.mp4"]\nheight = 1', "no clip 'none.mp4'"),
        ('[clip."../a.mp4"]\nheight = 1', "no clip '../a.mp4'"),
        ("clip = 3", "expected tables"),
        (b"# Gr\xf6\xdfe\nheight = 1.68", "is not UTF-8 \\(byte 4\\); save it as UTF-8"),
        ("x = " + "[" * 5000, "nested too deeply|cannot be read"),
        ("#" * (LARGEST_BYTES + 1), "larger than 64 kB"),
        ("start = 1" + "0" * 400, "start: the number is too large"),
        ("height = " + "9" * 5000, "cannot be read: a number has too many digits"),
        (".".join("a" * 20000) + " = 1", "line 1: the key has more than 8 dots"),
        (f'[clip."{"a" * 5000}.mp4"]\nheight = 1', "no clip 'a{60}…'"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_what_cannot_be_understood_is_one_short_line_naming_the_file(tmp_path, text, words):
    write(tmp_path, text)
    with pytest.raises(MocapError, match=f"mocap.toml.*({words})") as raised:
        settings_of(tmp_path, "a.mp4")
    assert "\n" not in str(raised.value)
    assert len(str(raised.value).replace(str(tmp_path), "")) < 500


def test_a_byte_order_mark_and_dots_in_names_and_comments_are_nothing(tmp_path):
    name = "walk.2024.05.01.take.1.of.12.b.mp4"
    (tmp_path / name).touch()
    path = write(tmp_path, f'\ufeff# ... .......... Größe\nheight = 1.68\n[clip."{name}"]\nfail-on = "slide=5"\n')
    assert read_settings(path) == ({"height": 1.68}, {name: {"fail-on": "slide=5"}})


def test_a_key_of_many_dots_costs_no_memory(tmp_path):
    path = write(tmp_path, ".".join("a" * 20000) + " = 1")
    tracemalloc.start()
    with pytest.raises(MocapError, match="dots"):
        read_settings(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_beside_a_clip_the_command_line_wins_and_the_line_says_what_the_file_adds(tmp_path):
    write(tmp_path, 'height = 1.8\nfov = 60\npreview = true\npeople = 2\n[clip."a.mp4"]\ncamera-pitch = 5\n')
    (tmp_path / "a.mp4").touch()
    added, line = beside(tmp_path / "a.mp4", {"fov": 70.0})
    assert added == {"height": 1.8, "preview": True, "people": "2", "camera-pitch": 5.0}
    assert line == (f"options from {tmp_path / 'mocap.toml'}: height 1.8 m, preview, people 2, camera-pitch 5 degrees")
    assert beside(tmp_path / "a.mp4", dict.fromkeys(added | {"fov": 1})) == ({}, "")
    assert beside(tmp_path / "nowhere" / "a.mp4", {}) == ({}, "")


@pytest.mark.real
@pytest.mark.parametrize(
    "name", ["toml_40kB_takes_1.6GB", "toml_huge_int", "toml_int_5000_digits", "toml_long_clip_name"]
)
def test_faulty_files_that_people_sent_are_one_line(real_data, tmp_path, name):
    shutil.copy(real_data / "faults" / f"{name}.toml", tmp_path / "mocap.toml")
    with pytest.raises(MocapError, match=r"mocap\.toml"):
        settings_of(tmp_path, "walk.mp4")


@pytest.mark.real
def test_a_file_with_a_byte_order_mark_that_people_sent_is_read(real_data, tmp_path):
    shutil.copy(real_data / "faults" / "mocap_with_bom.toml", tmp_path / "mocap.toml")
    (tmp_path / "walk.mp4").touch()
    assert beside(tmp_path / "walk.mp4", {})[0] == {"height": 1.68, "camera-pitch": 3.0}
