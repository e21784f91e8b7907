"""Makes the golden take of the add-on's tests from the example clip: python tests/addon/make_golden.py TAKE.json

The motion of the first 90 frames of ``mocap process examples/walk.mp4``, without keypoints, as JSON and BVH.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from mocap.io.bvh import write_bvh
from mocap.io.take_json import read_json

FRAMES = 90
GOLDEN = Path(__file__).parent / "golden"

if __name__ == "__main__":
    document = json.loads(Path(sys.argv[1]).read_text())
    person = document["people"][0]
    motion = person["motion"]
    for name in ("root_world", "local_wxyz", "confidence"):
        motion[name] = motion[name][:FRAMES]
    spans = {
        point: [[a, min(b, FRAMES)] for a, b in spans if a < FRAMES] for point, spans in person["contacts"].items()
    }
    kept = {"id": person["id"], "gaps": [[0, 4, "not seen"]], "contacts": spans, "motion": motion}
    shown = ("format", "version", "fps", "source", "camera")
    golden = {**{key: document[key] for key in shown}, "frames": FRAMES, "people": [kept]}
    (GOLDEN / "walk.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    solved = read_json(sys.argv[1]).people[0].motion
    cut = replace(
        solved,
        root_world=solved.root_world[:FRAMES],
        local_wxyz=solved.local_wxyz[:FRAMES],
        confidence=solved.confidence[:FRAMES],
    )
    write_bvh(cut, GOLDEN / "walk.bvh")
