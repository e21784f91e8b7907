"""The table of file formats for motion: what is written and read by which suffix, and what of a take each carries.

A new format is one module with a function ``write`` or ``read``, one line in ``OUTLETS`` or ``READERS``, and its test.
``mocap process``, ``solve``, ``convert`` and ``batch`` and their help and errors read these tables. Functions are named
as text and imported when they are needed, so that listing the formats loads nothing.

* ``write(recording, path, **options)`` writes one file whole or not at all; ``options`` are those its line names.
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
    """What an outlet may write and a reader gives.

    Parameters
    ----------
    motions : dict of int to Motion
        The solved motions by the person's id, the most prominent first.
    take : Take or None
        The take that they are of; None for a file that holds motions alone.
    """

    motions: dict[int, Motion]
    take: Take | None = None

    @property
    def motion(self) -> Motion:
        """The motion of the only or the first person."""
        return next(iter(self.motions.values()))

    def of(self, person: int) -> Recording:
        """The recording of one person alone, by id."""
        people = () if self.take is None else tuple(one for one in self.take.people if one.id == person)
        take = None if self.take is None else replace(self.take, people=people)
        return Recording({person: self.motions[person]}, take)


def recording_of(take: Take) -> Recording:
    """A take with the motions of those of its people that have one."""
    return Recording({person.id: person.motion for person in take.people if person.motion is not None}, take)


class Format(Protocol):
    """What both tables have."""

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
    """A format that is read; gives: what of ``CONTENTS``; options: those that the reader takes."""

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
    """The motions of a file, and the take where it is one.

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
    """The outlet of a path's suffix; MocapError lists the suffixes that can be written."""
    return chosen_by_suffix(OUTLETS, Path(path), "write")


def known_suffixes() -> str:
    """The suffixes that can be written, for help: ``.bvh or .json``."""
    *others, last = OUTLETS
    return f"{', '.join(others)} or {last}"


def lost_in(outlet: Outlet, recording: Recording) -> list[str]:
    """What of ``CONTENTS`` the recording has and a file of that format does not hold."""
    held = ("motion",) if recording.take is None else CONTENTS
    return [content for content in held if content not in outlet.carries]


def chosen_by_suffix(table: Mapping[str, AnyFormat], path: Path, verb: str) -> AnyFormat:
    """The line of a table for a path; MocapError lists the known suffixes."""
    if path.suffix.lower() not in table:
        raise MocapError(f"cannot {verb} {path}: unknown suffix '{path.suffix}'; use one of: {', '.join(table)}")
    return table[path.suffix.lower()]


def imported(function: str) -> Callable[..., Any]:
    """The function that a table names as ``module:function``."""
    module, _, name = function.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def _files(recording: Recording, path: Path) -> dict[Path, Recording]:
    """One file a person: ``walk.bvh``, or ``walk_1.bvh``, ``walk_2.bvh`` and so on for several."""
    if len(recording.motions) == 1:
        return {path: recording}
    return {path.with_stem(f"{path.stem}_{person}"): recording.of(person) for person in recording.motions}
