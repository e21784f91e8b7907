"""Where the time of ``mocap process`` goes: each part by itself on the same frames, against the whole.

    python benchmarks/parts.py clip.mp4

Parts run one after another in this process, each as wide as the machine; processor seconds of the parts add up, wall
seconds overlap in the whole.
"""

from __future__ import annotations

import argparse
import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np

from mocap import source
from mocap.app.process import CaptureSettings, estimate_keypoints, solve
from mocap.estimate.blazepose import CROP_SIZE, BlazePoseEstimator
from mocap.estimate.regions import cut_out, whole_frame
from mocap.estimate.runtime import create_runtime
from mocap.source.packets import decode_frames
from mocap.source.probing import open_video

HEAVY = "blazepose-heavy"
SAMPLE = 60  # frames held in memory: enough to be out of the processor's caches


def main() -> None:
    """Print the table, milliseconds a frame."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("clip", type=Path)
    print(table(parser.parse_args().clip))


def table(clip: Path) -> str:
    """Milliseconds a frame of each part, on the wall and of processors, as Markdown."""
    rows: list[tuple[str, float, float]] = []
    count = len(source.Video(clip))
    with _timed(rows, "decode alone", count), open_video(clip) as (container, stream):
        _exhaust(decode_frames(container, stream))
    with _timed(rows, "decode, RGB, times", count):
        _exhaust(source.Video(clip))
    frames = list(islice(source.Video(clip), SAMPLE))
    regions = np.tile(whole_frame(frames[0]), (len(frames), 1))
    with _timed(rows, "crops alone, one a frame", len(frames)):
        crops = [cut_out(frame, region, CROP_SIZE) for frame, region in zip(frames, regions)]
    network = create_runtime(HEAVY, device="cpu")
    _exhaust(network.infer_many(crops[:4]))
    with _timed(rows, "network alone, one crop a frame, float32", len(crops)):
        _exhaust(network.infer_many(crops))
    estimator = BlazePoseEstimator(HEAVY, device="cpu")
    with _timed(rows, "crop, network and reading it, one a frame", len(frames)):
        estimator.estimate(frames, regions)
    with _timed(rows, "**the whole as it is: estimate_keypoints**", count):
        take = estimate_keypoints(clip, CaptureSettings(device="cpu"))
    with _timed(rows, "**the whole as it is: solve**", count):
        solve(take, CaptureSettings().solve)
    with _timed(rows, "solve bone by bone: `--solve fast`", count):
        solve(take, replace(CaptureSettings().solve, solver="fast"))
    lines = [f"| {name} | {wall_ms:.1f} | {cpu_ms:.1f} |" for name, wall_ms, cpu_ms in rows]
    (_, *seen), (_, *refined), (_, *fast) = rows[-3:]
    wall, cpu = (100 * (r - f) / (s + f) for s, r, f in zip(seen, refined, fast))
    added = (
        f"The refined solve adds {cpu:.0f} % to the processor time of the whole, {wall:.0f} % to its time on the wall."
    )
    return "\n".join(["| part | wall ms a frame | CPU ms a frame |", "|---|---|---|", *lines, "", added])


def _exhaust(items: Iterable[object]) -> None:
    deque(items, maxlen=0)


@contextmanager
def _timed(rows: list[tuple[str, float, float]], name: str, count: int) -> Iterator[None]:
    start, before = perf_counter(), os.times()
    yield
    after = os.times()
    cpu_s = after.user + after.system - before.user - before.system
    rows.append((name, 1000 * (perf_counter() - start) / count, 1000 * cpu_s / count))


if __name__ == "__main__":
    main()
