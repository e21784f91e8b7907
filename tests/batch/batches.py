"""A batch as a program of its own, and what it leaves."""

from __future__ import annotations

import json
from pathlib import Path

from measured import Run, mocap

LITE = ("--estimator", "blazepose-lite")


def batch(clips: Path, output: Path, *options: object, **how) -> Run:
    """Runs ``mocap batch`` on the clips, with the smallest network."""
    return mocap("batch", clips, "-o", output, "-r", *LITE, *options, cwd=output.parent, **how)


def files(folder: Path) -> dict[str, bytes]:
    """What the user sees in a folder of takes."""
    paths = [path for path in folder.rglob("*") if path.is_file() and ".mocap" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def done_now(run: Run) -> set[str]:
    """The clips that a run with ``--progress json`` finished."""
    return {event["clip"] for event in map(json.loads, run.stdout.splitlines()) if event["event"] == "clip"}
