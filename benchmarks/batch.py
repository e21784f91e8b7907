"""``mocap batch`` against ``mocap process`` in a loop: time on the same clips, in turns, and memory of all processes.

python benchmarks/batch.py --folder /somewhere/to/work --clip clip.mp4 --clips 8 --frames 120
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import measure
from clips import write_loop

REPOSITORY = Path(__file__).parent.parent
PAGE_MB = 4096e-6
SAMPLE_S = 0.1


def main() -> None:
    """Print the table as Markdown."""
    arguments = _arguments()
    folder = arguments.folder.resolve()
    clips = _clips(arguments.clip, folder / "clips", arguments.clips, arguments.frames)
    frames = arguments.clips * arguments.frames
    print(f"{measure.machine()}\n\n{arguments.clips} clips of {arguments.frames} frames, {arguments.estimator}\n")
    ways = {"process in a loop": _loop, "batch, 1 worker": _batch(1), "batch, auto": _batch("auto")}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(arguments.rounds):
        for name, way in ways.items():
            times[name].append(_measured(way, clips, folder / "takes", arguments.estimator))
            print(f"round {number + 1}, {name}: {times[name][-1][0]:.1f} s", file=sys.stderr)
    print(_table(times, frames))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where to work")
    parser.add_argument("--clip", type=Path, default=REPOSITORY / "examples" / "walk.mp4")
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--estimator", default="blazepose-heavy")
    return parser.parse_args()


def _clips(source: Path, folder: Path, count: int, frames: int) -> list[Path]:
    """``count`` clips of the same frames."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    clips = [folder / f"{number:02}.mp4" for number in range(count)]
    write_loop(source, clips[0], frames)
    for clip in clips[1:]:
        shutil.copy(clips[0], clip)
    return clips


def _mocap(*words: object) -> None:
    command = [sys.executable, "-m", "mocap", *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _loop(clips: list[Path], takes: Path, estimator: str) -> None:
    for clip in clips:
        _mocap("process", clip, "-o", takes / f"{clip.stem}.bvh", "--estimator", estimator)


def _batch(workers: int | str):  # type: ignore[no-untyped-def]
    def run(clips: list[Path], takes: Path, estimator: str) -> None:
        _mocap("batch", clips[0].parent, "-o", takes, "--estimator", estimator, "--workers", workers)

    return run


def _measured(way, clips: list[Path], takes: Path, estimator: str) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Seconds on the wall, and the most memory (MB, resident) that all child processes had together."""
    shutil.rmtree(takes, ignore_errors=True)
    takes.mkdir(parents=True)
    peak, is_over = [0.0], threading.Event()

    def watch() -> None:
        while not is_over.wait(SAMPLE_S):
            peak[0] = max(peak[0], sum(map(_resident_mb, _descendants("self"))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    way(clips, takes, estimator)
    seconds = time.perf_counter() - begin
    is_over.set()
    watcher.join()
    return seconds, peak[0]


def _descendants(process: str) -> list[str]:
    """Processes started by a process, and by those; none where there is no /proc."""
    children: list[str] = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children += task.read_text().split()
        except OSError:  # it ended in between
            continue
    return children + [deeper for child in children for deeper in _descendants(child)]


def _resident_mb(process: str) -> float:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE_MB
    except OSError:
        return 0.0


def _table(times: dict[str, list[tuple[float, float]]], frames: int) -> str:
    lines = [
        "| | best s | all rounds s | frames a second | times as fast | peak MB, all processes |",
        "|---|---|---|---|---|---|",
    ]
    base = min(seconds for seconds, _ in next(iter(times.values())))
    for name, runs in times.items():
        best = min(seconds for seconds, _ in runs)
        rounds = ", ".join(f"{seconds:.1f}" for seconds, _ in runs)
        peak = max(mb for _, mb in runs)
        lines.append(f"| {name} | {best:.1f} | {rounds} | {frames / best:.1f} | {base / best:.2f} | {peak:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
