"""Marker files: what is read, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mocap.io.trc import read_trc
from mocap.model.errors import MocapError

LINES = [
    "PathFileType\t4\t(X/Y/Z)\twalk.trc",
    "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
    "50\t50\t3\t2\tmm\t50\t1\t3",
    "Frame#\tTime\tRHip\t\t\tLHip\t\t",
    "\t\tX1\tY1\tZ1\tX2\tY2\tZ2",
    "",
    "1\t0.00\t100\t900\t-20\t-100\t910\t0",
    "2\t0.02\t110\t900\t-20\t\t\t",
    "3\t0.04\t120\t900\t-20\t-80\t910\t0",
]


def written(folder: Path, lines: list[str]) -> Path:
    path = folder / "markers.trc"
    path.write_text("\r\n".join([*lines, ""]))
    return path


def changed(line: int, text: str) -> list[str]:
    return [*LINES[: line - 1], text, *LINES[line:]]


def test_markers_times_and_rate_are_read_and_millimetres_become_metres(tmp_path):
    markers = read_trc(written(tmp_path, LINES))
    assert markers.names == ("RHip", "LHip")
    assert markers.fps == 50
    np.testing.assert_allclose(markers.times_s, [0, 0.02, 0.04])
    np.testing.assert_allclose(markers.xyz[2], [[0.12, 0.9, -0.02], [-0.08, 0.91, 0]])


def test_metres_stay_metres(tmp_path):
    markers = read_trc(written(tmp_path, changed(3, LINES[2].replace("mm", "m"))))
    np.testing.assert_allclose(markers.xyz[0, 0], [100, 900, -20])


def test_blank_cells_are_missing_and_their_neighbours_are_not(tmp_path):
    markers = read_trc(written(tmp_path, LINES))
    assert np.isnan(markers.xyz[1, 1]).all()
    assert np.isfinite(markers.xyz[1, 0]).all()


def test_a_marker_with_one_blank_coordinate_is_missing_as_a_whole(tmp_path):
    markers = read_trc(written(tmp_path, changed(9, "3\t0.04\t120\t\t-20\t-80\t910\t0")))
    assert np.isnan(markers.xyz[2, 0]).all()


def test_cells_beyond_the_last_marker_may_be_blank(tmp_path):
    markers = read_trc(written(tmp_path, [*LINES[:6], *(line + "\t\t" for line in LINES[6:])]))
    assert markers.xyz.shape == (3, 2, 3)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], "line 1: expected PathFileType"),
        (["HIERARCHY"], "line 1: expected PathFileType"),
        (LINES[:3], "line 3: the file ends in its header"),
        (LINES[:6], "no frame follows"),
        (LINES[:8], "line 8: the header says 3 frames, the file has 2"),
        (changed(3, LINES[2].replace("mm", "inches")), "line 3: unknown unit 'inches'"),
        (changed(3, "fast\t50\t3\t2\tmm"), "line 3: expected a number for DataRate, got 'fast'"),
        (changed(4, "Frame#\tTime"), "line 4: no marker is named"),
        (changed(4, "Frame#\tTime\tRHip\t\t\tRHip\t\t"), "line 4: marker 'RHip' is named twice"),
        (changed(8, "2\t0.02\t110\t900"), "line 8: expected 8 cells, got 4"),
        (changed(8, "2\t0.02\t110\tup\t-20\t\t\t"), "line 8: expected a number, got 'up'"),
        (changed(9, LINES[8].replace("0.04", "0.01")), "line 9: the time is missing or does not increase"),
        (changed(9, LINES[8].replace("0.04", "")), "line 9: the time is missing or does not increase"),
        (changed(9, LINES[8].replace("120", "1e12")), "line 9: a marker is further than"),
        (changed(9, LINES[8].replace("120", "inf")), "line 9: a marker is further than"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(tmp_path, lines, complaint):
    with pytest.raises(MocapError, match="cannot read") as caught:
        read_trc(written(tmp_path, lines))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(MocapError, match="it is not a file"):
        read_trc(tmp_path)
    with pytest.raises(MocapError, match="No such file"):
        read_trc(tmp_path / "none.trc")
