"""Makes walk.mp4 and walk.truth.json: a free body in a motion written by rule, drawn in a plain room.

    python examples/make_walk.py --pictures FOLDER

Pictures already in the folder are kept, so a broken run goes on where it stopped. README.md says what to install.
"""

from __future__ import annotations

import argparse
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image
from walk_body import Array, Body, bare_skin, posed, posed_points
from walk_motion import FPS, contact_spans, timeline
from walk_pose import Figure

HERE = Path(__file__).resolve().parent
X264 = {"crf": "21", "preset": "slow", "threads": "1"}  # one thread: the same bytes on every machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True, help="folder for the frames' PNG files (300 MB)")
    parser.add_argument("--truth-only", action="store_true", help="write walk.truth.json and draw nothing")
    options = parser.parse_args()

    from walk_clothes import dressed

    figure = Figure(dressed(bare_skin()))
    write_truth(figure, HERE / "walk.truth.json")
    if options.truth_only:
        return
    options.pictures.mkdir(parents=True, exist_ok=True)
    write_video(draw_frames(figure, options.pictures), HERE / "walk.mp4")


def write_truth(figure: Figure, path: Path) -> None:
    """Writes the points of every frame in world metres, the camera, and the spans of foot contact."""
    from walk_scene import SIZE, intrinsics, world_from_camera

    body = figure.body
    xyz = np.array([posed_points(body, *figure.at(t)) for t in timeline()])
    truth = {
        "format": "mocap-truth",
        "version": 1,
        "fps": [FPS, 1],
        "frames": len(xyz),
        "height_m": _rounded(body.height_m),
        "camera": {"K": _rounded(intrinsics()), "T_world_camera": _rounded(world_from_camera()), "size": list(SIZE)},
        "contacts": {
            f"{side.lower()}_{part}": spans
            for side, stances in figure.stances.items()
            for part, spans in contact_spans(stances).items()
        },
        "points": {"names": list(body.points), "xyz": _rounded(xyz)},
    }
    path.write_text(json.dumps(truth, separators=(",", ":")) + "\n", encoding="utf-8")


def _rounded(metres: Array | float) -> Any:
    """Nested lists rounded to 0.1 mm, without negative zeros."""
    return (np.round(metres, 4) + 0.0).tolist()


def draw_frames(figure: Figure, pictures: Path) -> list[Path]:
    """One PNG a frame; frames that are already there are not drawn again."""
    from walk_scene import Stage

    stage = Stage(figure.body)
    frames = [pictures / f"{i:04d}.png" for i in range(len(timeline()))]
    room = _empty_room(stage, pictures)
    for t, frame in zip(timeline(), frames):
        if not frame.exists():
            _draw(stage, room, _vertices(figure.body, *figure.at(t)), frame)
            print(f"{frame.stem} of {len(frames)}", flush=True)
    return frames


def _empty_room(stage: Any, pictures: Path) -> Array:
    kept = pictures / "room.png"
    if not kept.exists():
        stage.empty_room(kept)
    with Image.open(kept) as room:
        return np.asarray(room.convert("RGB"), dtype=np.float64)


def _vertices(body: Body, rotations: Array, root: Array) -> Array:
    return posed(body, rotations, root)[1]


def _draw(stage: Any, room: Array, vertices: Array, frame: Path) -> None:
    pixels = stage.draw(vertices, room, frame.with_name("part.png"))
    half_written = frame.with_suffix(".half")
    Image.fromarray(np.round(pixels).astype(np.uint8)).save(half_written, format="PNG")
    half_written.replace(frame)


def write_video(frames: list[Path], path: Path) -> None:
    """H.264, yuv420p, at the exact frame rate."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS), options=X264)
        stream.pix_fmt = "yuv420p"
        with Image.open(frames[0]) as first:
            stream.width, stream.height = first.size
        for frame in frames:
            with Image.open(frame) as picture:
                container.mux(stream.encode(av.VideoFrame.from_image(picture.convert("RGB"))))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
