"""Read TRC, the marker trajectories of OpenSim, Pose2Sim and Cortex.

A TRC file is tab-separated text: five header lines, then one row per frame.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mocap.model.errors import MocapError
from mocap.model.rotation import Array

MAX_BYTES = 1_000_000_000
UNITS_PER_METRE = {"m": 1.0, "meters": 1.0, "metres": 1.0, "cm": 100.0, "mm": 1000.0}
HEADER_LINES = 5
LARGEST_M = 1e4  # a marker further away means a damaged file


@dataclass(frozen=True, eq=False)
class Markers:
    """Named marker trajectories; +Y is up, as is usual in this format.

    Parameters
    ----------
    names : tuple of str
        N unique names.
    times_s : array (T,)
        Increasing, in seconds.
    xyz : array (T, N, 3)
        Metres; NaN for a blank cell.
    fps : float
        The file's DataRate.
    """

    names: tuple[str, ...]
    times_s: Array
    xyz: Array
    fps: float


def read_trc(path: str | Path) -> Markers:
    """Read the markers of a TRC file.

    Parameters
    ----------
    path : str or Path
        The file; its lengths may be in m, cm or mm.

    Returns
    -------
    Markers
        In metres.

    Raises
    ------
    MocapError
        For a file that is damaged, cut short or not TRC. The message names the line.
    """
    path = Path(path)
    lines = _read_lines(path)
    try:
        header = _header(lines)
        names = _marker_names(lines[3])
        rows = [(n, line) for n, line in enumerate(lines[HEADER_LINES:], HEADER_LINES + 1) if line.strip()]
        table = _table(rows, 2 + 3 * len(names))
        _check_rows(table, rows, int(_header_number(header, "NumFrames")))
        xyz = table[:, 2:].reshape(len(rows), len(names), 3) / _units(header)
        return Markers(names, table[:, 1], _whole_or_missing(xyz), _header_number(header, "DataRate"))
    except ValueError as error:
        raise MocapError(f"cannot read {path}: {error}") from error


def _read_lines(path: Path) -> list[str]:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MocapError(f"cannot read {path}: it is not a file; name a .trc file")
        if status.st_size > MAX_BYTES:
            raise MocapError(f"cannot read {path}: it is larger than {MAX_BYTES // 10**6} MB; cut it into parts")
        return path.read_bytes().decode("utf-8-sig", errors="replace").splitlines()
    except (OSError, ValueError) as error:
        raise MocapError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}; check the name") from error


def _header(lines: list[str]) -> dict[str, str]:
    if not lines or not lines[0].startswith("PathFileType"):
        raise ValueError("line 1: expected PathFileType; is this a TRC file?")
    if len(lines) < HEADER_LINES:
        raise ValueError(f"line {len(lines)}: the file ends in its header; it is cut short")
    return dict(zip(lines[1].split(), lines[2].split()))


def _header_number(header: dict[str, str], key: str) -> float:
    try:
        number = float(header[key])
    except (KeyError, ValueError):
        raise ValueError(f"line 3: expected a number for {key}, got '{header.get(key, '')[:40]}'") from None
    if not 0 <= number < np.inf:
        raise ValueError(f"line 3: {key} cannot be {number}")
    return number


def _units(header: dict[str, str]) -> float:
    units = header.get("Units", "")
    if units.lower() not in UNITS_PER_METRE:
        raise ValueError(f"line 3: unknown unit '{units[:20]}'; known: {', '.join(UNITS_PER_METRE)}")
    return UNITS_PER_METRE[units.lower()]


def _marker_names(line: str) -> tuple[str, ...]:
    names = tuple(cell.strip() for cell in line.split("\t")[2::3] if cell.strip())
    if not names:
        raise ValueError("line 4: no marker is named")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"line 4: marker '{twice[:40]}' is named twice; rename one of them")
    return names


def _table(rows: list[tuple[int, str]], cells: int) -> Array:
    return np.array([_row(number, line, cells) for number, line in rows]).reshape(len(rows), cells)


def _row(number: int, line: str, cells: int) -> list[float]:
    words = line.rstrip("\r\n").split("\t")
    while len(words) > cells and not words[-1].strip():
        words.pop()
    if len(words) != cells:
        raise ValueError(f"line {number}: expected {cells} cells, got {len(words)}; it is cut short or damaged")
    return [_number(number, word) for word in words]


def _number(line: int, word: str) -> float:
    try:
        return float(word) if word.strip() else np.nan
    except ValueError:
        raise ValueError(f"line {line}: expected a number, got '{word[:40]}'") from None


def _check_rows(table: Array, rows: list[tuple[int, str]], frames: int) -> None:
    if not rows:
        raise ValueError(f"line {HEADER_LINES}: no frame follows the header; it is cut short")
    if len(rows) < frames:
        raise ValueError(
            f"line {rows[-1][0]}: the header says {frames} frames, the file has {len(rows)}; it is cut short"
        )
    if np.any(wrong := ~(np.diff(table[:, 1], prepend=-np.inf) > 0)):
        raise ValueError(f"line {rows[int(np.argmax(wrong))][0]}: the time is missing or does not increase")
    if np.any(wrong := (np.abs(table[:, 2:]) > LARGEST_M * max(UNITS_PER_METRE.values())).any(axis=1)):
        raise ValueError(f"line {rows[int(np.argmax(wrong))][0]}: a marker is further than {LARGEST_M:g} m away")


def _whole_or_missing(xyz: Array) -> Array:
    """The markers with all three numbers NaN where one of them is missing."""
    return np.where(np.isnan(xyz).any(axis=-1, keepdims=True), np.nan, xyz)
