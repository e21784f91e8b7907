"""Truth files of made clips."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mocap.io.truth_json import read_truth
from mocap.model.errors import MocapError

DOCUMENT: dict[str, Any] = {
    "format": "mocap-truth",
    "version": 1,
    "fps": [30000, 1001],
    "frames": 2,
    "height_m": 1.8,
    "camera": {
        "K": [[900.0, 0, 270], [0, 900.0, 480], [0, 0, 1]],
        "T_world_camera": [[1.0, 0, 0, 0], [0, -1, 0, 1.4], [0, 0, -1, 4.2], [0, 0, 0, 1]],
        "size": [540, 960],
    },
    "contacts": {"left_heel": [[0, 1]], "left_toe": []},
    "points": {"names": ["left_hip", "nose"], "xyz": [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], None]]},
    "remark": "keys that are not known do not matter",
}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "truth.json"
    path.write_text(json.dumps({**DOCUMENT, **changes}))
    return path


def test_points_rate_camera_and_contacts_are_read(tmp_path):
    truth = read_truth(written(tmp_path))
    assert truth.names == ("left_hip", "nose")
    assert truth.fps == Fraction(30000, 1001)
    assert truth.height_m == 1.8
    np.testing.assert_array_equal(truth.xyz[0], [[0, 1, 2], [3, 4, 5]])
    assert truth.camera is not None
    assert truth.camera.size == (540, 960)


def test_null_is_missing(tmp_path):
    assert np.isnan(read_truth(written(tmp_path)).xyz[1, 1]).all()


def test_spans_are_read_with_their_end_left_out(tmp_path):
    assert read_truth(written(tmp_path)).contacts == {"left_heel": [(0, 2)], "left_toe": []}


def test_camera_height_and_contacts_need_not_be_there(tmp_path):
    path = tmp_path / "truth.json"
    path.write_text(json.dumps({key: DOCUMENT[key] for key in ("format", "version", "fps", "frames", "points")}))
    truth = read_truth(path)
    assert (truth.camera, truth.height_m, truth.contacts) == (None, None, {})


def test_the_example_s_truth_is_read():
    truth = read_truth(Path(__file__).resolve().parents[2] / "examples" / "walk.truth.json")
    assert len(truth.xyz) == 294
    assert truth.xyz[:, truth.names.index("head_top"), 1].max() == pytest.approx(truth.height_m, abs=0.05)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"format": "mocap-motion"}, 'expected a JSON object with "format": "mocap-truth"'),
        ({"version": 2}, "version: expected 1, got 2"),
        ({"version": "1"}, "version: expected 1"),
        ({"fps": 30}, "fps: expected two whole numbers"),
        ({"fps": [30, 0]}, "cannot read"),
        ({"fps": [-30, 1]}, "is not a frame rate"),
        ({"frames": 0}, "frames: expected a count"),
        ({"frames": 3}, "points.xyz"),
        ({"points": {"names": ["nose", "nose"], "xyz": []}}, "points.names: expected different names"),
        ({"points": {"names": ["nose"]}}, "the key 'xyz' is missing"),
        ({"points": []}, "cannot read"),
        ({"contacts": {"left_heel": [[0, 2]]}}, "contacts.left_heel: a span lies outside of 2 frames"),
        ({"contacts": {"left_heel": [[1, 0]]}}, "contacts.left_heel: a span lies outside"),
        ({"contacts": []}, "cannot read"),
        ({"camera": {}}, "the key 'size' is missing"),
        ({"camera": {**DOCUMENT["camera"], "K": [[0, 0, 0]] * 3}}, "focal lengths must be positive"),
        ({"height_m": "tall"}, "cannot read"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path, changes, complaint):
    with pytest.raises(MocapError, match="cannot read") as caught:
        read_truth(written(tmp_path, **changes))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
