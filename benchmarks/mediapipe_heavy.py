"""MediaPipe's heavy pose pipeline as its users run it: OpenCV reads, one person is followed, landmarks go to a file.

Run by the Python of MediaPipe's own environment, which ``pipeline.py`` makes; it imports nothing of mocap.

    python mediapipe_heavy.py clip.mp4 landmarks.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import mediapipe as mp


def main() -> None:
    """Write the landmarks of a clip, one list a frame; null where nobody was found."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    with mp.solutions.pose.Pose(model_complexity=2) as pose:
        frames = [_landmarks(pose.process(image)) for image in _images(arguments.clip)]
    arguments.output.write_text(json.dumps({"frames": frames}))


def _images(clip: Path) -> Iterator[Any]:
    """RGB frames of the clip."""
    capture = cv2.VideoCapture(str(clip))
    while True:
        is_read, image = capture.read()
        if not is_read:
            return
        yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _landmarks(found: Any) -> dict[str, list[list[float]]] | None:
    if found.pose_landmarks is None:
        return None
    image, world = found.pose_landmarks.landmark, found.pose_world_landmarks.landmark
    return {
        "image": [[p.x, p.y, p.z, p.visibility] for p in image],
        "world": [[p.x, p.y, p.z, p.visibility] for p in world],
    }


if __name__ == "__main__":
    main()
