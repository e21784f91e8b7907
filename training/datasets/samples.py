"""One labelled person in one picture, and where the picture lies."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mocap.model.errors import MocapError
from mocap.model.keypoints import LSP_14
from mocap.model.labels import OCCLUDED, Sample, mapped
from mocap.model.rotation import Array, Flags

Image = NDArray[np.uint8]  # (height, width, 3), RGB


CLIPS = {".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v"}


@dataclass(frozen=True)
class Picture:
    """A picture file: a path, a member of the zip or folder ``store``, or a frame (from 0) of a clip."""

    store: Path
    member: str = ""
    frame: int = 0

    def read(self) -> Image:
        """The RGB picture, turned as its EXIF tag says. MocapError if it is missing or damaged."""
        if Path(self.member).suffix.lower() in CLIPS:
            return _clip_frame(self.store / self.member, self.frame)
        encoded = np.frombuffer(read_member(self.store, self.member), np.uint8)
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if len(encoded) else None
        if image is None:
            raise MocapError(f"{self.store}: {self.member or 'it'} is no picture; fetch the dataset again")
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class Example:
    """One labelled person.

    joints: (14, 2) pixels in the order of LSP_14, NaN where not labelled; a pixel's centre lies at half integers.
    hidden: (14,) labelled although something covers it. box: (4,) xyxy pixels around the person, or None where the
    picture itself was cut out around the person.
    """

    name: str
    picture: Picture
    joints: Array
    hidden: Flags
    box: Array | None = None

    def __post_init__(self) -> None:
        if self.joints.shape != (len(LSP_14), 2) or self.hidden.shape != (len(LSP_14),):
            raise ValueError(f"{self.name}: expected 14 joints, got {self.joints.shape} and {self.hidden.shape}")


def read_member(store: Path, member: str) -> bytes:
    """The bytes of a file in a folder or zip. MocapError if it is missing or damaged."""
    try:
        if store.is_dir():
            return (store / member).read_bytes()
        if not member:
            return store.read_bytes()
        return _opened(store).read(member)
    except (OSError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        what = f"{member} is missing or damaged" if member else "it cannot be read"
        raise MocapError(f"{store}: {what}; name the dataset's zip or folder as distributed") from error


def members(store: Path) -> set[str]:
    """Names of all files in a folder or zip, with forward slashes."""
    if store.is_dir():
        return {path.relative_to(store).as_posix() for path in store.rglob("*") if path.is_file()}
    try:
        return set(_opened(store).namelist())
    except (OSError, zipfile.BadZipFile) as error:
        raise MocapError(f"cannot read {store}: no zip and no folder; name the dataset as distributed") from error


def _clip_frame(path: Path, frame: int) -> Image:
    from mocap.source import Video  # brings PyAV, which training on pictures does without

    fps = Video(path).info.fps
    for image in Video(path, start_s=float(frame / fps), end_s=float((frame + 1) / fps)):
        return image
    raise MocapError(f"{path} has no frame {frame}; are the labels those of this clip?")


@lru_cache(maxsize=4)
def _opened(store: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(store)


def example_of(labels: Sample, picture: Picture, box: Array | None = None) -> Example:
    """The example of labels in any layout, with what it knows of LSP's joints."""
    known = mapped(labels, LSP_14)
    place = f"{labels.image}#{labels.frame}" if labels.frame else labels.image
    return Example(f"{place}/{labels.person}", picture, known.xy, known.visibility == OCCLUDED, box)


def box_around(points: Array) -> Array:
    """The box (4,) xyxy of points (K, 2), those that are NaN left out."""
    return np.concatenate([np.nanmin(points, axis=0), np.nanmax(points, axis=0)])
