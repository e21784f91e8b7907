"""The distributed engine, with a scheduler and two workers on this machine: same bytes, no clip lost with a worker."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from batches import LITE, batch, done_now, files

from mocap.app.batch.job import local_path

pytest.importorskip("distributed", reason="Dask is not installed (extra cluster)")


@contextlib.contextmanager
def started(module: str, *options: object) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", f"distributed.cli.{module}", *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler and its two workers' processes."""
    told, here = tmp_path / "scheduler.json", ("--host", "127.0.0.1")
    with contextlib.ExitStack() as stack:
        stack.enter_context(started("dask_scheduler", *here, "--port", 0, "--no-dashboard", "--scheduler-file", told))
        workers = [
            stack.enter_context(
                started(
                    "dask_worker",
                    *("--scheduler-file", told, "--nthreads", 1, "--no-nanny", "--no-dashboard", *here),
                    *("--local-directory", tmp_path / f"worker{number}"),
                )
            )
            for number in range(2)
        ]
        deadline = time.monotonic() + 30
        while not told.is_file() and time.monotonic() < deadline:
            time.sleep(0.1)
        yield json.loads(told.read_text())["address"], workers


def test_a_cluster_gives_the_bytes_of_one_machine(clips, takes, cluster, tmp_path):
    address, _ = cluster
    run = batch(clips, tmp_path / "takes", "--engine", "dask", "--scheduler", address, "--progress", "json")
    assert "2 of 5 clips failed" in run.stderr, run.stderr
    assert files(tmp_path / "takes") == files(takes)
    again = batch(clips, tmp_path / "takes", "--progress", "json")
    assert done_now(again) == set()  # whichever engine did it


def test_a_worker_lost_in_the_middle_of_a_clip_loses_no_clip(clips, takes, cluster, tmp_path):
    address, workers = cluster
    command = ["batch", str(clips), "-o", str(tmp_path / "takes"), "-r", *LITE, "--engine", "dask"]
    with subprocess.Popen(
        [sys.executable, "-m", "mocap", *command, "--scheduler", address], stderr=subprocess.PIPE, text=True
    ) as run:
        log = wait_for_work(tmp_path / "worker0")
        os.kill(workers[0].pid, signal.SIGKILL)
        errors = run.communicate(timeout=120)[1]
    assert log
    assert "3 of 5 takes, 5 clips processed now" in errors
    assert files(tmp_path / "takes") == files(takes)


def wait_for_work(folder: Path) -> list[Path]:
    """Until a worker has begun a job, which it shows by the log of its process."""
    deadline = time.monotonic() + 30
    while not (logs := list(folder.rglob("mocap-*.log"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    return logs


def test_a_scheduler_that_cannot_be_reached_is_told_in_one_line(clips, tmp_path):
    run = batch(clips, tmp_path / "takes", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:1")
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert line.startswith("error: the scheduler tcp://127.0.0.1:1 cannot be reached")


def test_paths_may_differ_from_worker_to_worker(monkeypatch):
    monkeypatch.setenv("MOCAP_PATHS", os.pathsep.join(["/studio/clips=/mnt/a", "/studio/takes=/mnt/b"]))
    assert local_path("/studio/takes/day/x") == Path("/mnt/b/day/x")
    assert local_path("/studio/clips2/x") == Path("/studio/clips2/x")
