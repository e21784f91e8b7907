"""The mocap program as the add-on runs it; a small script stands in for it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "blender_addon"))

from mocap_blender.pure import command
from mocap_blender.pure.errors import CommandError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script with a #! line")


def program(folder: Path, body: str) -> Path:
    path = folder / "mocap"
    path.write_text(f"#!{sys.executable}\nimport sys, time, json, os\n{body}\n")
    path.chmod(0o755)
    return path


def all_events(run: command.Run, limit_s: float = 20) -> list[command.Event]:
    found, end = [], time.monotonic() + limit_s
    while time.monotonic() < end:
        found += run.events()
        if found and found[-1].kind != "progress":
            return found
        time.sleep(0.02)
    raise AssertionError(f"no end: {found}")


def test_progress_and_the_end_are_told(tmp_path):
    body = """
print(json.dumps({"event": "progress", "stage": "estimate", "done": 3, "total": 9}), flush=True)
print("a line that is no JSON", flush=True)
print(json.dumps({"event": "done", "outputs": [sys.argv[4], "take.json"]}), flush=True)"""
    run = command.Run(program(tmp_path, body), tmp_path / "clip.mp4", tmp_path / "take.bvh")
    first, last = all_events(run)
    assert (first.stage, first.done, first.total) == ("estimate", 3, 9)
    assert last == command.Event("done", outputs=(str(tmp_path / "take.bvh"), "take.json"))
    assert list(run.events()) == []


def test_a_program_that_crashes_says_its_last_line_once(tmp_path):
    run = command.Run(program(tmp_path, "sys.exit('error: the clip is empty')"), tmp_path / "a", tmp_path / "b")
    assert all_events(run) == [command.Event("error", message="mocap: error: the clip is empty")]
    assert list(run.events()) == []


def test_cancel_ends_the_program(tmp_path):
    run = command.Run(program(tmp_path, "time.sleep(600)"), tmp_path / "a", tmp_path / "b")
    begin = time.monotonic()
    run.cancel()
    assert time.monotonic() - begin < command.PATIENCE_S
    assert list(run.events()) == []


def test_the_version_is_checked(tmp_path):
    assert command.check_version(program(tmp_path, "print('mocap 0.1.0')")) == "0.1.0"
    with pytest.raises(CommandError, match="too old"):
        command.check_version(program(tmp_path, "print('mocap 0.0.9')"))
    with pytest.raises(CommandError, match="not the mocap program"):
        command.check_version(program(tmp_path, "sys.exit(1)"))


def test_a_missing_program_is_said_with_the_line_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(command, "usual_places", lambda: [tmp_path / "nowhere" / "mocap"])
    with pytest.raises(CommandError, match=command.INSTALL_LINE):
        command.find()
    with pytest.raises(CommandError, match="preferences"):
        command.find(str(tmp_path / "gone"))
    there = program(tmp_path, "")
    assert command.find() == there
