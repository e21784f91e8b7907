"""The table of file formats for motion: for each suffix its writer or reader, and which contents of a take it holds.

A new format is one module with a function ``write`` or ``read``, one line in ``OUTLETS`` or ``READERS``, and its test.
``mocap process``, ``solve``, ``convert`` and ``batch`` and their help and errors use these tables. Functions are given
as text and imported when they are needed, so that listing the formats is fast.

* ``write(recording, path, **options)`` writes one file completely or not at all; ``options`` are those that its line of
  the table names.
* ``read(path, **options)`` returns a `Recording`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from mocap.model.errors import MocapError

if TYPE_CHECKING:
    from mocap.model.motion import Motion
    from mocap.model.take import Take

CONTENTS = ("motion", "confidence", "contacts", "gaps", "keypoints", "camera", "settings")  # of a take


@dataclass(frozen=True, eq=False)
class Recording:
    """The input of an outlet and the output of a reader: motions, and the take if there is one.

    Parameters
    ----------
    motions : dict of int to Motion
        The solved motions by the person's id, the most prominent first.
    take : Take or None
        The take that contains them; None for a file with motions only.
    """

    motions: dict[int, Motion]
    take: Take | None = None

    @property
    def motion(self) -> Motion:
        """The motion of the first person."""
        return next(iter(self.motions.values()))

    def of(self, person: int) -> Recording:
        """The recording of one person only, by id."""
        people = () if self.take is None else tuple(one for one in self.take.people if one.id == person)
        take = None if self.take is None else replace(self.take, people=people)
        return Recording({person: self.motions[person]}, take)


def recording_of(take: Take) -> Recording:
    """A take as a recording, with the motions of all people that have one."""
    return Recording({person.id: person.motion for person in take.people if person.motion is not None}, take)


class Format(Protocol):
    """The fields that the lines of both tables have."""

    @property
    def suffix(self) -> str:
        """As in ``.bvh``, lower case."""
        ...

    @property
    def function(self) -> str:
        """As in ``module:function``."""
        ...


AnyFormat = TypeVar("AnyFormat", bound=Format)


@dataclass(frozen=True)
class Outlet:
    """A format that is written.

    Parameters
    ----------
    suffix, name : str
        ``.bvh`` and BVH.
    function : str
        ``module:function`` of the writer.
    carries : tuple of str
        What of ``CONTENTS`` a file holds; the rest is lost in it.
    is_one_person : bool
        Whether a file holds one person, so that several people get a file each.
    options : tuple of str
        The options that the writer takes: ``units``.
    needs_take : bool
        Whether it can only be written from a take, not from a motion alone.
    """

    suffix: str
    name: str
    function: str
    carries: tuple[str, ...]
    is_one_person: bool = True
    options: tuple[str, ...] = ()
    needs_take: bool = False


@dataclass(frozen=True)
class Reader:
    """A format that is read. gives: which of ``CONTENTS`` it returns. options: the options that its reader accepts."""

    suffix: str
    name: str
    function: str
    gives: tuple[str, ...]
    options: tuple[str, ...] = ()


def by_suffix(formats: Iterable[AnyFormat]) -> dict[str, AnyFormat]:
    """A table of formats by their suffixes."""
    return {one.suffix: one for one in formats}


OUTLETS: dict[str, Outlet] = by_suffix((
    Outlet(".bvh", "BVH", "mocap.io.bvh:write", ("motion",), options=("units",)),
    Outlet(".json", "take JSON", "mocap.io.take_json:write", CONTENTS, is_one_person=False, needs_take=True),
))  # fmt: skip
READERS: dict[str, Reader] = by_suffix((
    Reader(".bvh", "BVH", "mocap.io.bvh:read", ("motion",), options=("units",)),
    Reader(".json", "take JSON", "mocap.io.take_json:read", CONTENTS),
))  # fmt: skip


def write(recording: Recording, path: str | Path, **options: Any) -> list[Path]:
    """Write a recording in the format of the path's suffix.

    Parameters
    ----------
    recording : Recording
        With at least one motion, unless the format holds takes.
    path : str or Path
        ``walk.bvh``; where a file holds one person, several people get ``walk_1.bvh``, ``walk_2.bvh`` and so on.
    **options
        Options of the formats, such as ``units="cm"``; those that this format does not take are left out.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    MocapError
        For an unknown suffix, a format that needs a take where there is none, or a file that cannot be written.
    """
    path = Path(path)
    outlet = outlet_for(path)
    if outlet.needs_take and recording.take is None:
        others = ", ".join(one.suffix for one in OUTLETS.values() if not one.needs_take)
        raise MocapError(f"cannot write {path}: {outlet.name} needs a whole take, not a motion; use one of: {others}")
    writer = imported(outlet.function)
    chosen = {name: value for name, value in options.items() if name in outlet.options}
    files = _files(recording, path) if outlet.is_one_person else {path: recording}
    for file, part in files.items():
        writer(part, file, **chosen)
    return list(files)


def read(path: str | Path, **options: Any) -> Recording:
    """Read the motions of a file, and the take if the file is one.

    Parameters
    ----------
    path : str or Path
        Of a suffix in ``READERS``.
    **options
        Options of the formats, such as ``units="cm"``; those that this format does not take are left out.

    Returns
    -------
    Recording
        With at least one motion.

    Raises
    ------
    MocapError
        For an unknown suffix, or a file that is missing, damaged or holds nobody's motion.
    """
    path = Path(path)
    reader = chosen_by_suffix(READERS, path, "read")
    chosen = {name: value for name, value in options.items() if name in reader.options}
    recording: Recording = imported(reader.function)(path, **chosen)
    if not recording.motions:
        raise MocapError(f"{path} holds nobody's motion: process the clip again, or another one")
    return recording


def outlet_for(path: str | Path) -> Outlet:
    """The outlet of a path's suffix. Raises MocapError for an unknown suffix, listing the known ones."""
    return chosen_by_suffix(OUTLETS, Path(path), "write")


def known_suffixes() -> str:
    """The suffixes that can be written, as text for help: ``.bvh or .json``."""
    *others, last = OUTLETS
    return f"{', '.join(others)} or {last}"


def lost_in(outlet: Outlet, recording: Recording) -> list[str]:
    """Which of ``CONTENTS`` the recording has but the format cannot hold."""
    held = ("motion",) if recording.take is None else CONTENTS
    return [content for content in held if content not in outlet.carries]


def chosen_by_suffix(table: Mapping[str, AnyFormat], path: Path, verb: str) -> AnyFormat:
    """The line of a table for a path's suffix. Raises MocapError for an unknown suffix, listing the known ones."""
    if path.suffix.lower() not in table:
        raise MocapError(f"cannot {verb} {path}: unknown suffix '{path.suffix}'; use one of: {', '.join(table)}")
    return table[path.suffix.lower()]


def imported(function: str) -> Callable[..., Any]:
    """Import the function that a table gives as ``module:function``."""
    module, _, name = function.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def _files(recording: Recording, path: Path) -> dict[Path, Recording]:
    """One file per person: ``walk.bvh``, or ``walk_1.bvh``, ``walk_2.bvh`` and so on for several."""
    if len(recording.motions) == 1:
        return {path: recording}
    return {path.with_stem(f"{path.stem}_{person}"): recording.of(person) for person in recording.motions}
