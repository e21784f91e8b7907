"""The command line in a process of its own, with a time limit, and what it cost."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from test_cli import one_line

TIMEOUT_S = 120
PEAK_MB = 700  # of a run on ordinary frames: torch, OpenVINO and a few pictures

# What the kernel tells a parent of its child's memory includes the parent's own, so the child measures itself.
MEASURED = """
import os, pathlib
from mocap.cli.main import main
try:
    main()
finally:
    status = pathlib.Path("/proc/self/status")
    peak = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")] if status.is_file() else []
    pathlib.Path(os.environ["PEAK_FILE"]).write_text(peak[0].split()[1] if peak else "0")
"""


@dataclass(frozen=True)
class Run:
    """A finished run. peak_mb: 0 where the system does not tell."""

    returncode: int
    stdout: str
    stderr: str
    peak_mb: float


def mocap(*arguments: object, cwd: Path, **options: Any) -> Run:
    """Runs ``mocap`` in a folder; prints a line of the fault matrix (pytest -rP shows it)."""
    command, begin = [sys.executable, "-c", MEASURED, *map(str, arguments)], time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        peak_file = Path(folder) / "kilobytes"
        options["env"] = {**os.environ, "PEAK_FILE": str(peak_file)}
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=cwd, timeout=TIMEOUT_S, check=False, **options
        )
        peak_mb = int(peak_file.read_text()) / 1024
    seconds = time.perf_counter() - begin
    print(f"{done.returncode} {peak_mb:5.0f} MB {seconds:4.1f} s  {done.stderr.strip()}")  # noqa: T201
    return Run(done.returncode, done.stdout, done.stderr, peak_mb)


def check_refused(run: Run, words: str, folder: Path, before: set[Path]) -> None:
    """Asserts exit code 1, one line with those words, nothing new in the folder, and little memory."""
    assert run.returncode == 1, run.stderr
    line = one_line(run)
    assert line.startswith("error: ")
    assert words in line
    assert set(folder.rglob("*")) == before
    assert run.peak_mb < PEAK_MB
