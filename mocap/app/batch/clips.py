"""Find the clips of a folder, and choose the names of their takes."""

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
    """A clip in a tree of folders.

    Parameters
    ----------
    path : Path
        Relative to the root of the tree.
    take : Path
        Of its take, relative to the output folder, without suffix.
    """

    path: Path
    take: Path

    @property
    def name(self) -> str:
        """The path with slashes, identical on all systems."""
        return self.path.as_posix()


def find_clips(root: Path, output: Path, *, pattern: str | None = None, recursive: bool = False) -> list[Clip]:
    """Find the clips of a folder.

    Parameters
    ----------
    root : Path
        The folder. Hidden files and folders in it are ignored.
    output : Path
        The folder for takes; clips in it are ignored.
    pattern : str or None
        Of file names, such as "*_take?.mp4"; None: all files with the suffix of a video.
    recursive : bool
        Search the folders in it, too.

    Returns
    -------
    list of Clip
        Sorted by path.

    Raises
    ------
    MocapError
        If there is no such folder, or no clip in it.
    """
    if not root.is_dir():
        raise MocapError(f"{root} is not a folder; name the folder that holds the clips")
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
        raise MocapError(f"{what} in {root}{'' if recursive else '; --recursive searches the folders in it, too'}")
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
