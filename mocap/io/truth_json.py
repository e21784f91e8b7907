"""Read ``mocap-truth`` version 1: ground truth of a rendered clip with camera and contacts (examples/README.md)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from mocap.io.json_text import array_at, load
from mocap.model.camera import Camera
from mocap.model.errors import MocapError
from mocap.model.rotation import Array

FORMAT, VERSION = "mocap-truth", 1
MAX_FPS = 10_000


@dataclass(frozen=True, eq=False)
class Truth:
    """The true positions in a rendered clip, in world metres: +Y up, floor at y = 0.

    Parameters
    ----------
    names : tuple of str
        Of N points.
    xyz : array (T, N, 3)
        Positions; NaN where the file has null.
    fps : Fraction
        Exact frames per second.
    contacts : dict
        Spans [start, end) of frames, by contact point.
    height_m : float or None
        The person's height; None if the file does not have it.
    camera : Camera or None
        None if the file does not have it.
    """

    names: tuple[str, ...]
    xyz: Array
    fps: Fraction
    contacts: dict[str, list[tuple[int, int]]]
    height_m: float | None = None
    camera: Camera | None = None


def read_truth(path: str | Path) -> Truth:
    """Read the ground truth of a rendered clip.

    Parameters
    ----------
    path : str or Path
        The file. Unknown keys are ignored.

    Returns
    -------
    Truth
        With checked arrays.

    Raises
    ------
    MocapError
        For a file that is damaged, of a newer version, or of another format. The message names the path in it.
    """
    path = Path(path)
    document = load(path)
    try:
        _check_format(document)
        return _truth(document)
    except KeyError as error:
        raise MocapError(f"cannot read {path}: the key {error} is missing; the file is damaged") from error
    except (ValueError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise MocapError(f"cannot read {path}: {' '.join(str(error).split())}; the file is damaged") from error


def is_truth(document: Any) -> bool:
    """Whether a JSON document has the format of ground truth."""
    return isinstance(document, dict) and document.get("format") == FORMAT


def _check_format(document: Any) -> None:
    if not is_truth(document):
        raise ValueError(f'expected a JSON object with "format": "{FORMAT}"')
    if type(document["version"]) is not int or not 1 <= document["version"] <= VERSION:
        raise ValueError(f"version: expected {VERSION}, got {str(document['version'])[:20]}")


def _truth(document: dict[str, Any]) -> Truth:
    frames, names = document["frames"], document["points"]["names"]
    if type(frames) is not int or frames < 1:
        raise ValueError(f"frames: expected a count, got {str(frames)[:20]}")
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names) and len(set(names)) == len(names)):
        raise ValueError("points.names: expected different names")
    return Truth(
        names=tuple(names),
        xyz=array_at(document["points"]["xyz"], (frames, len(names), 3), "points.xyz", may_miss=True),
        fps=_fps(document["fps"]),
        contacts={str(point): _spans(point, spans, frames) for point, spans in document.get("contacts", {}).items()},
        height_m=float(document["height_m"]) if "height_m" in document else None,
        camera=_camera(document["camera"]) if "camera" in document else None,
    )


def _fps(value: Any) -> Fraction:
    if not (isinstance(value, list) and len(value) == 2 and all(type(part) is int for part in value)):
        raise ValueError("fps: expected two whole numbers, [30000, 1001] for 29.97")
    fps = Fraction(*value)
    if not 0 < fps <= MAX_FPS:
        raise ValueError(f"fps: {fps} is not a frame rate")
    return fps


def _spans(point: str, spans: Any, frames: int) -> list[tuple[int, int]]:
    """The file's spans [first, last] as [start, end)."""
    pairs = array_at(spans, (len(spans), 2), f"contacts.{point}")
    if not all(0 <= first <= last < frames for first, last in pairs):
        raise ValueError(f"contacts.{point}: a span lies outside of {frames} frames")
    return [(int(first), int(last) + 1) for first, last in pairs]


def _camera(value: dict[str, Any]) -> Camera:
    width, height = array_at(value["size"], (2,), "camera.size").astype(int)
    K = array_at(value["K"], (3, 3), "camera.K")
    return Camera(K, array_at(value["T_world_camera"], (4, 4), "camera.T_world_camera"), (int(width), int(height)))
