"""``mocap batch`` as a program, on real clips: whole ones, damaged ones, killed runs, full disks."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batches import LITE, batch, done_now, files
from footage import example_pictures, write_pictures
from measured import mocap
from test_cli import one_line

SECOND_RUN_S = 2.0


def test_whole_clips_become_takes_and_each_bad_one_has_a_line(takes):
    assert set(files(takes)) == {f"{clip}.{kind}" for clip in ("walk", "turn", "day/walk") for kind in ("bvh", "json")}
    *lines, total, last = (takes.parent / "stderr").read_text().splitlines()
    assert [line.split(": ")[:2] for line in sorted(lines)] == [["failed", "cut.mp4"], ["failed", "day/corrupt.mp4"]]
    assert "3 of 5 takes, 5 clips processed now" in total
    assert last.startswith("error: 2 of 5 clips failed")


def test_progress_is_json_lines_that_name_the_clip(takes):
    events = [json.loads(line) for line in (takes.parent / "stdout").read_text().splitlines()]
    assert events[0] == {"event": "begin", "clips": 5, "skipped": 0}
    stages = {(event["clip"], event["stage"]) for event in events if event["event"] == "progress"}
    assert {("walk.mp4", "estimate"), ("walk.mp4", "solve")} <= stages
    ends = {event["clip"]: event for event in events if event["event"] == "clip"}
    assert ends["day/walk.mp4"]["outputs"] == ["day/walk.bvh", "day/walk.json"]
    assert ends["cut.mp4"]["state"] == "failed"
    assert events[-2] == {"event": "done", "done": 3, "below": 0, "failed": 2, "skipped": 0}


def test_a_batch_gives_the_bytes_of_process(takes, clips, tmp_path):
    assert mocap("process", clips / "turn.mkv", "-o", "turn.bvh", *LITE, cwd=tmp_path).returncode == 0
    for name in ("turn.bvh", "turn.json"):
        assert (tmp_path / name).read_bytes() == (takes / name).read_bytes()


def test_a_second_run_does_nothing_and_does_it_fast(takes, clips):
    before = files(takes)

    def again() -> float:
        begin = time.perf_counter()
        run = batch(clips, takes, "--progress", "json")
        assert done_now(run) == set()
        assert run.returncode == 1  # two clips are as damaged as before
        return time.perf_counter() - begin

    assert any(again() < SECOND_RUN_S for _ in range(5))  # a busy machine may need more than one try
    assert files(takes) == before


def test_one_changed_clip_is_done_again_and_no_other(takes, clips, tmp_path):
    shutil.copytree(clips, tmp_path / "clips")
    shutil.copytree(takes, tmp_path / "takes")
    write_pictures(tmp_path / "clips" / "turn.mkv", [p[::2, ::2] for p in example_pictures(12, start=150)])
    for same in ("walk.mp4", "cut.mp4"):
        os.utime(tmp_path / "clips" / same)
    listed = batch(tmp_path / "clips", tmp_path / "takes", "--dry-run")
    assert "turn.mkv: other content" in listed.stdout
    assert "1 of 5 clips would be processed" in listed.stdout
    assert done_now(batch(tmp_path / "clips", tmp_path / "takes", "--progress", "json")) == {"turn.mkv"}
    assert files(tmp_path / "takes")["turn.bvh"] != files(takes)["turn.bvh"]


def test_status_tells_every_clip(takes):
    run = mocap("batch", "none", "-o", takes, "--status", cwd=takes.parent)
    assert run.returncode == 0
    lines = run.stdout.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["failed", "failed", "done", "done", "done"]
    assert lines[-1] == "2 failed, 3 done"


def test_a_batch_killed_at_random_moments_ends_with_the_bytes_of_an_undisturbed_one(takes, clips, tmp_path):
    whole = files(takes)
    command = [sys.executable, "-m", "mocap", "batch", clips, "-o", tmp_path / "takes", "-r", *LITE]
    moments = random.Random(7)
    for _ in range(10):
        with subprocess.Popen([*map(str, command)], stderr=subprocess.DEVNULL, start_new_session=True) as run:
            time.sleep(moments.uniform(0.5, 5.0))
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
        for name, content in files(tmp_path / "takes").items():
            assert content == whole[name]
    assert batch(clips, tmp_path / "takes").returncode == 1
    assert files(tmp_path / "takes") == whole
    assert not (tmp_path / "takes" / ".mocap" / "work").exists()


def test_ctrl_c_ends_a_batch_with_130_and_nothing_half_written(clips, tmp_path):
    command = [sys.executable, "-m", "mocap", "batch", str(clips), "-o", str(tmp_path / "takes"), *LITE]
    with subprocess.Popen(
        [*command, "--progress", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        next(line for line in run.stdout if json.loads(line).get("stage") == "estimate")
        os.killpg(run.pid, signal.SIGINT)
        _, errors = run.communicate(timeout=30)
    assert run.returncode == 130
    assert errors.splitlines() == ["stopped: nothing was left half-written"]
    assert not (tmp_path / "takes" / ".mocap" / "work").exists()


def test_a_folder_named_mocap_where_the_batch_runs_is_not_taken_for_the_program(clips, tmp_path):
    (tmp_path / "mocap").mkdir()
    (tmp_path / "mocap" / "__init__.py").write_text("raise SystemExit('another mocap')")
    command = [sys.executable, "-P", "-m", "mocap", "batch", clips, "-o", "takes", "--pattern", "turn*", *LITE]
    run = subprocess.run([*map(str, command)], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    assert set(files(tmp_path / "takes")) == {"turn.bvh", "turn.json"}


def test_a_second_batch_on_a_folder_says_so_and_stops(clips, tmp_path):
    command = [sys.executable, "-m", "mocap", "batch", str(clips), "-o", str(tmp_path / "takes"), *LITE]
    with subprocess.Popen([*command, "--progress", "json"], stdout=subprocess.PIPE, text=True) as first:
        first.stdout.readline()
        second = batch(clips, tmp_path / "takes")
        first.kill()
    assert second.returncode == 1
    assert f"another batch is writing to {tmp_path / 'takes'} (process {first.pid})" in second.stderr


def test_a_worker_that_dies_costs_a_try_and_no_clip(clips, takes, tmp_path):
    """One worker is killed while it estimates; its clip is done by another."""
    command = [sys.executable, "-m", "mocap", "batch", str(clips), "-o", str(tmp_path / "takes"), "-r", *LITE]
    with subprocess.Popen(
        [*command, "--progress", "json", "--workers", "1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as run:
        hit = json.loads(next(line for line in run.stdout if json.loads(line).get("stage") == "estimate"))["clip"]
        (worker,) = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        os.kill(int(worker), signal.SIGKILL)
        rest = run.communicate(timeout=120)[0]
    ends = {event["clip"]: event for event in map(json.loads, rest.splitlines()) if event["event"] == "clip"}
    assert ends[hit]["attempts"] == 2
    assert files(tmp_path / "takes") == files(takes)


def test_a_clip_that_takes_too_long_fails_alone(clips, tmp_path):
    run = batch(clips, tmp_path / "takes", "--timeout", 0.5, "--retries", 0, "--pattern", "turn.mkv")
    assert run.returncode == 1
    assert "failed: turn.mkv: it took longer than --timeout 0.5 s" in run.stderr


@pytest.fixture
def small_disk(tmp_path):
    """A disk with room for the account and a take or two."""
    (tmp_path / "small").mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", str(tmp_path / "small")]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield tmp_path / "small"
    subprocess.run(["umount", str(tmp_path / "small")], check=True)


def test_a_full_disk_stops_a_batch_which_goes_on_when_there_is_room(clips, takes, small_disk):
    output, ballast = small_disk / "takes", small_disk / "ballast"
    ballast.write_bytes(bytes(380_000))
    run = batch(clips, output)
    assert run.returncode == 1
    assert "error: " in run.stderr.splitlines()[-1]
    assert "start the batch again" in run.stderr.splitlines()[-1]
    assert files(output).items() <= files(takes).items()
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    assert "2 of 5 clips failed" in batch(clips, output).stderr
    assert files(output) == files(takes)


def test_an_output_that_turned_read_only_stops_a_batch_which_goes_on_later(clips, takes, small_disk):
    output = small_disk / "takes"
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    assert batch(clips, output, "--pattern", "turn.mkv").returncode == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    refused = batch(clips, output)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert refused.returncode == 1
    assert "cannot write" in one_line(refused)
    assert "turn.mkv" not in done_now(batch(clips, output, "--progress", "json"))
    assert files(output) == files(takes)


def test_files_limited_in_size_fail_by_themselves(clips, tmp_path):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    run = batch(clips, tmp_path / "takes", preexec_fn=limit)
    assert run.returncode == 1
    assert "larger than allowed" in run.stderr
    assert files(tmp_path / "takes") == {}


def test_a_take_below_the_quality_asked_for_is_kept_and_told_by_exit_code_3(clips, tmp_path):
    run = batch(clips, tmp_path / "takes", "--pattern", "turn.mkv", "--fail-on", "slide=0")
    assert run.returncode == 3, run.stderr
    assert "below: turn.mkv: " in run.stderr
    assert set(files(tmp_path / "takes")) == {"turn.bvh", "turn.json"}
    again = batch(clips, tmp_path / "takes", "--pattern", "turn.mkv", "--fail-on", "slide=0", "--progress", "json")
    assert (again.returncode, done_now(again)) == (3, set())


def test_a_report_of_each_take_and_an_index_of_all(clips, tmp_path):
    run = batch(clips, tmp_path / "takes", "--pattern", "turn.mkv", "--report", "--fail-on", "slide=0")
    assert run.returncode == 3, run.stderr
    assert json.loads((tmp_path / "takes" / "turn_report.json").read_text())["verdict"] == "fail"
    reports = {"turn_report.html", "turn_report.json", "turn_report.jpg"}
    assert reports < {path.name for path in (tmp_path / "takes").iterdir()}
    assert 'href="turn_report.html"' in (tmp_path / "takes" / "index.html").read_text()
    again = batch(
        clips, tmp_path / "takes", "--pattern", "turn.mkv", "--report", "--fail-on", "slide=0", "--progress", "json"
    )
    assert done_now(again) == set()


def test_an_older_json_beside_a_newer_bvh_is_healed(clips, takes, tmp_path):
    """What a crash between the renames of two files leaves."""
    shutil.copytree(takes, tmp_path / "takes")
    (tmp_path / "takes" / "turn.json").write_text("{}")
    with sqlite3.connect(tmp_path / "takes" / ".mocap" / "manifest.sqlite") as account:
        account.execute("UPDATE clips SET state = 'pending' WHERE clip = 'turn.mkv'")
    run = batch(clips, tmp_path / "takes", "--progress", "json")
    assert done_now(run) == {"turn.mkv"}
    assert files(tmp_path / "takes") == files(takes)
