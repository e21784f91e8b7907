"""Clips for batches, and what an undisturbed batch makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from batches import batch
from clips import corrupt, cut_off
from footage import example_pictures, rewrapped, write_pictures


@pytest.fixture(scope="session")
def clips(tmp_path_factory) -> Path:
    """Three clips of 20 frames, one of them in a folder, and two that are damaged."""
    folder = tmp_path_factory.mktemp("clips")
    (folder / "day").mkdir()
    for name, start in (("walk.mp4", 30), ("turn.mkv", 120), ("day/walk.mp4", 200)):
        write_pictures(folder / name, [picture[::2, ::2] for picture in example_pictures(20, start=start)])
    cut_off(rewrapped(folder / "cut.mp4"), 0.5)
    corrupt(rewrapped(folder / "day" / "corrupt.mp4"), 0.1, 0.2)
    return folder


@pytest.fixture(scope="session")
def takes(clips, tmp_path_factory) -> Path:
    """The output of an undisturbed batch."""
    output = tmp_path_factory.mktemp("batch") / "takes"
    run = batch(clips, output, "--progress", "json")
    (output.parent / "stderr").write_text(run.stderr)
    (output.parent / "stdout").write_text(run.stdout)
    assert run.returncode == 1, run.stderr
    return output
