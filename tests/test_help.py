"""What the command line says of itself, and how options reach the commands."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from test_cli import EXAMPLE, mocap, one_line
from typer.testing import CliRunner

from mocap.app.settings import take_options
from mocap.cli import take as take_commands
from mocap.cli.main import EXAMPLES, app
from mocap.model.errors import MocapError

COMMANDS = sorted(EXAMPLES)


def said(*arguments: str, columns: int = 80) -> str:
    """What a command prints, run in this process."""
    answer = CliRunner().invoke(app, list(arguments), env={"COLUMNS": str(columns)})
    assert answer.exit_code == 0, answer.output
    return answer.output


@pytest.mark.parametrize("columns", [50, 80])
def test_no_summary_is_cut_off(columns):
    text = said("--help", columns=columns)
    assert "..." not in text.replace("[ARGS]...", "")
    assert "…" not in text
    assert all(re.search(rf"^  {command} +\S", text, re.MULTILINE) for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_h_is_help_with_examples_and_readable_values(command):
    text = said(command, "-h")
    assert text == said(command, "--help")
    for example in EXAMPLES[command]:
        assert f"    {example}\n" in text
    options = [line for line in text.splitlines() if re.match(r"  (-\w, )?--", line)]
    assert not [line for line in options if re.search(r"<(str|int|float|path)>", line)]


@pytest.mark.parametrize("command", ["process", "solve", "batch"])
def test_a_command_has_every_option_that_is_declared_for_it(command):
    text = said(command, "-h")
    found = {name for name in take_options() if re.search(rf"^  --{name}[ \n]", text, re.MULTILINE)}
    assert found == {name for name, one in take_options().items() if command in one.commands}


def test_a_file_of_a_batch_needs_no_name():
    assert "--preview FILE" in said("process", "-h")
    assert "--preview / --no-preview" in said("batch", "-h")
    assert "as in the take" in said("solve", "-h")


def test_options_are_listed_for_programs():
    run = mocap("options", "--json")
    listed = json.loads(run.stdout)
    assert (listed["format"], listed["version"]) == ("mocap-options", 1)
    assert {one["name"] for one in listed["options"]} == {*take_options(), "output", "progress"}
    assert mocap("options", "--json", "--markdown").returncode == 2


def test_a_decimal_comma_is_wrong_usage_and_the_right_spelling_is_said():
    answer = CliRunner().invoke(app, ["process", "a.mp4", "-o", "x.bvh", "--height", "1,68"])
    assert answer.exit_code == 2
    assert "write 1.68" in answer.output


@pytest.mark.parametrize("option", ["-o", "--output", "--out"])
def test_labels_go_where_each_spelling_of_output_says(option, tmp_path):
    answer = CliRunner().invoke(app, ["annotate", str(tmp_path), option, "labels.txt"])
    assert isinstance(answer.exception, MocapError)
    assert "cannot write labels.txt" in str(answer.exception)


def test_verbose_and_quiet_exclude_each_other():
    assert CliRunner().invoke(app, ["--verbose", "--quiet", "version"]).exit_code == 2
    assert said("-v", "version") == said("-q", "version")


@pytest.fixture
def clip(tmp_path) -> Path:
    """A copy of the example with a mocap.toml beside it."""
    shutil.copy(EXAMPLE, tmp_path / "walk.mp4")
    (tmp_path / "mocap.toml").write_text('height = 1.5\nend = 0.5\nestimator = "blazepose-lite"\nsolve = "fast"\n')
    return tmp_path / "walk.mp4"


def test_process_reads_the_file_beside_the_clip_and_says_so_and_the_command_line_wins(clip):
    run = mocap("process", clip, "-o", clip.with_suffix(".json"), "--height", 1.8)
    assert run.returncode == 0, run.stderr
    first, last = run.stderr.splitlines()
    assert first == f"options from {clip.parent / 'mocap.toml'}: end 0.5 s, estimator blazepose-lite, solve fast"
    assert "15 frames" in last
    settings = json.loads(clip.with_suffix(".json").read_text())["settings"]
    assert (settings["height_m"], settings["solver"]) == (1.8, "fast")


def test_a_report_does_not_replace_the_take(clip):
    run = mocap("process", clip, "-o", clip.with_suffix(".bvh"), "--report", clip.with_suffix(".json"))
    assert run.returncode == 1
    assert "that is the take itself" in run.stderr.splitlines()[-1]
    assert not clip.with_suffix(".json").exists()


def test_files_that_the_toml_asks_for_lie_beside_the_take(clip, tmp_path):
    pytest.importorskip("plotly")
    with (clip.parent / "mocap.toml").open("a") as settings:
        settings.write("report = true\nplot = true\n")
    (tmp_path / "out").mkdir()
    run = mocap("process", clip, "-o", tmp_path / "out" / "take.bvh", "--plot", tmp_path / "out" / "drawn.svg")
    assert run.returncode == 0, run.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("take.bvh", "take.json", "take_report.html", "drawn.svg")
    }


@pytest.mark.parametrize("option", [["--estimator", "openpose"], ["--fail-on", "beauty=1"], ["--height", "17"]])
def test_what_is_wrong_on_the_command_line_is_not_blamed_on_the_file(clip, option):
    run = mocap("process", clip, "-o", clip.with_suffix(".json"), *option)
    assert run.returncode == 1
    assert one_line(run).startswith(f"error: {option[0]}")


def test_what_is_wrong_in_the_file_names_it(clip):
    for text in ('estimator = "openpose"', 'fail-on = "beauty=1"', "heigth = 1.8"):
        (clip.parent / "mocap.toml").write_text(text)
        run = mocap("process", clip, "-o", clip.with_suffix(".json"))
        assert run.returncode == 1
        assert f"{clip.parent / 'mocap.toml'}: " in one_line(run)


def test_an_option_reaches_the_settings_under_its_one_name(monkeypatch, tmp_path):
    """Every option of process by its name in the settings, as Typer hands it over."""
    caught = {}

    def stop(video, given):
        caught.update(given)
        raise MocapError("enough")

    monkeypatch.setattr(take_commands, "_settings_for", stop)
    values = {"height": "1.8", "camera-pitch": "-3", "filter": "savgol", "people": "2", "preview": "p.mp4"}
    arguments = [part for name, value in values.items() for part in (f"--{name}", value)]
    CliRunner().invoke(app, ["process", "a.mp4", "-o", "x.bvh", "--no-allow-damaged", *arguments])
    expected = {"height": 1.8, "camera-pitch": -3.0, "filter": "savgol", "people": "2", "preview": Path("p.mp4")}
    assert caught == {**expected, "allow-damaged": False}
