"""The whole of ``mocap process`` against MediaPipe's own heavy pipeline: time, memory and agreement on one clip.

    python benchmarks/pipeline.py --folder /somewhere/to/work --clip clip.mp4

Both are processes of their own, start-up included, in turns in one run, on one H.264 file: the clip played to and fro
up to the number of frames asked for. The folder keeps MediaPipe's environment for the next time.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import measure
import numpy as np
from clips import write_loop
from mediapipe_environment import mediapipe_python
from parts import table as parts_table

from mocap.io.take_json import read_json
from mocap.source import probe

REPOSITORY = Path(__file__).parent.parent
BODY = range(11, 33)  # without the face, which is one point more or less
MEMORY_MINUTES = (1, 3)


def main() -> None:
    """Print the tables as Markdown."""
    arguments = _arguments()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{measure.machine()}\n")
    if arguments.memory:
        print(memory_table(arguments.clip, folder))
        return
    clip = _looped(arguments.clip, folder, arguments.frames)
    shown = probe(clip)
    print(
        f"{shown.frames} frames of {arguments.clip.name}, {shown.size[0]} × {shown.size[1]}, {float(shown.fps):g} fps\n"
    )
    print(comparison(clip, folder, arguments.rounds), "\n")
    print(parts_table(clip))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where to work; MediaPipe's environment stays there")
    parser.add_argument("--clip", type=Path, default=REPOSITORY / "examples" / "walk.mp4")
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="measure memory against the clip's length instead")
    return parser.parse_args()


def _looped(clip: Path, folder: Path, frames: int) -> Path:
    looped = folder / f"{clip.stem}_{frames}.mp4"
    if not looped.exists():
        write_loop(clip, looped, frames)
    return looped


def comparison(clip: Path, folder: Path, rounds: int) -> str:
    """Both pipelines on a clip in turns, as a table, and how far their keypoints are apart."""
    landmarks, take = folder / "mediapipe.json", folder / "take.json"
    script = Path(__file__).with_name("mediapipe_heavy.py")
    commands: dict[str, list[str | Path]] = {
        "MediaPipe heavy": [mediapipe_python(folder), script, clip, landmarks],
        "mocap process": _process(clip, take.with_suffix(".bvh")),
    }
    runs = measure.in_turns(commands, rounds, logs=folder)
    return f"{measure.table(runs, probe(clip).frames)}\n\n{agreement(take, landmarks)}"


def _process(clip: Path, output: Path, *options: str) -> list[str | Path]:
    return [sys.executable, "-m", "mocap", "process", clip, "-o", output, "--progress", "none", *options]


def agreement(take: Path, landmarks: Path) -> str:
    """How far the image keypoints of both lie apart, as a sentence: shares of the height of the person's box."""
    person = read_json(take).people[0]
    frames = json.loads(landmarks.read_text())["frames"]
    width, height = read_json(take).source.size
    theirs = np.array([frame["image"] if frame else np.full((33, 4), np.nan) for frame in frames], float)
    ours = person.keypoints_2d.xy[: len(theirs), BODY]
    apart = np.linalg.norm(ours - theirs[:, BODY, :2] * (width, height), axis=-1)
    size = (person.boxes[:, 3] - person.boxes[:, 1])[: len(theirs), None]
    share = 100 * apart / size
    seen = [100 * np.isfinite(points[:, 0, 0]).mean() for points in (ours, theirs)]
    return (
        f"Seen in {seen[0]:.1f} % of the frames, by MediaPipe in {seen[1]:.1f} %. Body keypoints in the image lie "
        f"{np.nanmedian(share):.2f} % of the body's height apart (median; mean {np.nanmean(share):.2f} %)."
    )


def memory_table(clip: Path, folder: Path) -> str:
    """Peak memory for a short and a longer clip, with the small network: frames are the same to memory."""
    fps = float(probe(clip).fps)
    lines = ["| minutes | frames | peak MB |", "|---|---|---|"]
    peaks, counts = [], []
    for minutes in MEMORY_MINUTES:
        counts.append(round(60 * minutes * fps))
        looped = _looped(clip, folder, counts[-1])
        command = _process(looped, folder / "memory.bvh", "--estimator", "blazepose-lite")
        peaks.append(measure.run(command, log=folder / "memory.log").peak_mb)
        lines.append(f"| {minutes} | {counts[-1]} | {peaks[-1]:.0f} |")
    slope = 1000 * (peaks[-1] - peaks[0]) / (counts[-1] - counts[0])
    return "\n".join(lines) + f"\n\n{slope:.1f} kB a frame"


if __name__ == "__main__":
    main()
