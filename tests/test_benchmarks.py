"""The benchmarks' own instruments: long clips and the cost of a command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import clips, measure
from mocap.source import Video, VideoWriter


def test_a_looped_clip_goes_to_and_fro(tmp_path):
    with VideoWriter(tmp_path / "short.mp4", (64, 48), fps := 25) as writer:
        for level in (40, 120, 200):
            writer.write(np.full((48, 64, 3), level, np.uint8))
    clips.write_loop(tmp_path / "short.mp4", tmp_path / "long.mp4", 8)
    looped = Video(tmp_path / "long.mp4")
    assert looped.info.fps == fps
    assert [round(frame.mean() / 40) * 40 for frame in looped] == [40, 120, 200, 120, 40, 120, 200, 120]


def test_the_cost_of_a_command_counts_its_processor_time_and_memory(tmp_path):
    work = "block = bytearray(200_000_000); sum(range(5_000_000))"
    # from a process of its own: a child's peak begins with the memory of the one that starts it, here all of pytest
    script = f"""
import json, sys
from dataclasses import asdict
from pathlib import Path
sys.path.insert(0, {str(Path(measure.__file__).parent)!r})
import measure
print(json.dumps(asdict(measure.run([sys.executable, "-c", {work!r}], log=Path({str(tmp_path / "log")!r})))))
"""
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    cost = measure.Run(**json.loads(out))
    assert 0.02 < cost.cpu_s < cost.wall_s * 2
    assert 200 < cost.peak_mb < 300


def test_a_command_that_fails_is_no_measurement(tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        measure.run([sys.executable, "-c", "raise SystemExit(3)"], log=tmp_path / "log")
