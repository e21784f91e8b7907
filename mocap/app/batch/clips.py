"""Finding clips, and the names of their takes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from mocap.model.errors import MocapError

SUFFIXES = frozenset(
    (".mp4", ".mov", ".m4v", ".mkv", ".avi", ".webm", ".mpg", ".mpeg", ".mts", ".m2ts", ".ts", ".3gp", ".wmv", ".mxf")
)


@dataclass(frozen=True)
class Clip:
    """A clip of a tree: its path from the root of the tree, and its take's from the output folder, without suffix."""

    path: Path
    take: Path

    @property
    def name(self) -> str:
        """The path with slashes, the same on every system."""
        return self.path.as_posix()


def find_clips(root: Path, output: Path, *, pattern: str | None = None, recursive: bool = False) -> list[Clip]:
    """The clips of a folder, by name; with ``recursive``, of the folders in it, too, but not of ``output``.

    pattern: of names, "*_take?.mp4" say; without one, whatever has the suffix of a video. Hidden files and folders are
    left out. Raises MocapError if there is no such folder or no clip in it.
    """
    if not root.is_dir():
        raise MocapError(f"{root} is no folder; name the folder that holds the clips")
    inside = output.resolve()
    if inside == root.resolve():
        raise MocapError(f"the takes cannot go into {root}, where the clips are; name another folder with -o")
    found = sorted(
        path.relative_to(root)
        for path in (root.rglob("*") if recursive else root.glob("*"))
        if _matches(path, pattern) and not path.resolve().is_relative_to(inside)
    )
    paths = [path for path in found if not any(part.startswith(".") for part in path.parts)]
    if not paths:
        what = f"nothing matches '{pattern}'" if pattern else "there are no videos"
        raise MocapError(f"{what} in {root}{'' if recursive else '; --recursive looks into its folders, too'}")
    return _named(paths)


def _matches(path: Path, pattern: str | None) -> bool:
    wanted = fnmatch(path.name, pattern) if pattern else path.suffix.lower() in SUFFIXES
    return wanted and path.is_file()


def _named(paths: list[Path]) -> list[Clip]:
    """walk.mp4 becomes walk; where walk.mov lies beside it they become walk.mp4 and walk.mov."""
    uses = Counter(str(path.with_suffix("")).casefold() for path in paths)
    return [
        Clip(path, path if uses[str(path.with_suffix("")).casefold()] > 1 else path.with_suffix("")) for path in paths
    ]
