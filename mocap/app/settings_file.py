"""Read ``mocap.toml``: options for the clips of a folder, or for one clip, with the names of the command line."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mocap.app.settings import TakeSettings, take_options
from mocap.model.errors import MocapError, one_line
from mocap.model.settings import Option, check_value_fully

FILE_NAME = "mocap.toml"
CLIP_TABLE = "clip"
LARGEST_BYTES = 64 * 1024
MOST_DOTS = 8  # in one key: the parser's memory grows with the square of the number
SHOWN_LETTERS = 60  # of a name or value in a message

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
_DECIMAL_COMMA = re.compile(r"""\s*[\w.-]+\s*=\s*["']?(-?\d+),(\d+)["']?\s*(?:#.*)?""")

Table = dict[str, Any]


class Overrides:
    """The ``mocap.toml`` files of a tree of clips; each is read once.

    The keys of a file apply to the clips in its folder and in folders below; the file nearest to a clip has priority. A
    table ``[clip."walk.mp4"]`` applies to one clip beside the file, and has the highest priority.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[Path, tuple[Table, dict[str, Table]]] = {}

    def settings(self, clip: Path, base: TakeSettings) -> TakeSettings:
        """The settings of a clip.

        Parameters
        ----------
        clip : pathlib.Path
            The clip's path from the root.
        base : TakeSettings
            Used where no file has a value.

        Raises
        ------
        MocapError
            For a file that cannot be read, has unknown keys or invalid values. The message names the file.
        """
        return base.changed(self.given(clip))

    def given(self, clip: Path) -> Table:
        """The values that the files have for a clip (its path from the root), by the options' names."""
        chosen: Table = {}
        for folder in reversed(clip.parents):
            chosen |= self._file(folder)[0]
        return chosen | self._file(clip.parent)[1].get(clip.name, {})

    def _file(self, folder: Path) -> tuple[Table, dict[str, Table]]:
        """Settings for the folder, and settings by clip; empty if there is no file."""
        if folder not in self._read:
            path = self._root / folder / FILE_NAME
            self._read[folder] = read_settings(path) if path.is_file() else ({}, {})
        return self._read[folder]


def beside(clip: Path, given: Mapping[str, Any]) -> tuple[Table, str]:
    """Options that the ``mocap.toml`` beside a clip adds to the given ones.

    Parameters
    ----------
    clip : pathlib.Path
        The clip; it need not exist.
    given : mapping
        Options of the command line by name; they have priority over the file.

    Returns
    -------
    dict
        The options that the file adds, by name.
    str
        A message that lists them; empty if there are none.

    Raises
    ------
    MocapError
        As in `Overrides.settings`.
    """
    options = take_options()
    found = Overrides(clip.parent).given(Path(clip.name))
    added = {name: value for name, value in found.items() if name not in given}
    listed = ", ".join(options[name].shown(value) for name, value in added.items())
    return added, f"options from {clip.parent / FILE_NAME}: {listed}" if added else ""


def read_settings(path: Path) -> tuple[Table, dict[str, Table]]:
    """Read one file.

    Parameters
    ----------
    path : pathlib.Path
        The file: TOML in UTF-8, with or without a byte order mark, of at most 64 kB.

    Returns
    -------
    dict
        Values for the whole folder, by the options' names.
    dict
        Such tables for single clips, by the clips' names.

    Raises
    ------
    MocapError
        For a file that cannot be used; one line that names the file and, if possible, the key.
    """
    content = _parsed(path, _text(path))
    clips = content.pop(CLIP_TABLE, {})
    if not isinstance(clips, dict) or not all(isinstance(table, dict) for table in clips.values()):
        raise MocapError(f'{path}: expected tables like [{CLIP_TABLE}."walk.mp4"]')
    for clip in clips:
        _require_clip(path, clip)
    return _values(content, path), {clip: _values(table, path) for clip, table in clips.items()}


def _text(path: Path) -> str:
    """The file's text. Raises MocapError if it is too large or not UTF-8."""
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise MocapError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > LARGEST_BYTES:
        raise MocapError(f"{path} is larger than {LARGEST_BYTES // 1024} kB; it should hold a few options only")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MocapError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8 in your editor") from error


def _parsed(path: Path, text: str) -> Table:
    """Parse a TOML text. Raises MocapError, with one line, if it is invalid or too expensive to parse."""
    for number, line in enumerate(text.splitlines(), 1):
        key = _QUOTED.sub("", line).partition("#")[0].partition("=")[0]
        if key.count(".") > MOST_DOTS:
            raise MocapError(f"{path}: line {number}: the key has more than {MOST_DOTS} dots; keys are options' names")
        if comma := _DECIMAL_COMMA.fullmatch(line):
            raise MocapError(f"{path}: line {number}: a number with a comma; write {comma[1]}.{comma[2]}")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise MocapError(f"{path} cannot be read: its values are nested too deeply") from error
    except tomllib.TOMLDecodeError as error:
        raise MocapError(f"{path} cannot be read: {_short(str(error), 2 * SHOWN_LETTERS)}") from error
    except ValueError as error:  # Python's limit for the digits of a number
        raise MocapError(f"{path} cannot be read: a number has too many digits") from error


def _require_clip(path: Path, clip: str) -> None:
    """Raise MocapError unless a file of that name is beside the settings."""
    try:
        is_there = Path(clip).name == clip and (path.parent / clip).is_file()
    except OSError:  # a name that is longer than the system allows
        is_there = False
    if not is_there:
        raise MocapError(f"{path}: there is no clip '{_short(clip)}' beside it")


def _values(table: Table, path: Path) -> Table:
    """The table's values, converted for their options. Raises MocapError for unknown keys and invalid values."""
    options = take_options()
    for key in table:
        if key not in options:
            near = difflib.get_close_matches(key[:SHOWN_LETTERS], options, n=1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise MocapError(f"{path}: unknown key '{_short(key)}'; {hint}known are: {', '.join(options)}")
    return {key: _value(options[key], value, f"{path}: {key}") for key, value in table.items()}


def _value(declared: Option, value: Any, where: str) -> Any:
    """Convert a TOML value for its option: numbers to float, ``people = 2`` to text."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = _float(value, where) if declared.kind == "number" else str(value) if declared.counts else value
    wanted, words = {
        "number": (float, "a number"),
        "text": (str, "a text in quotes"),
        "flag": (bool, "true or false"),
        "file": (bool, "true or false: the file is named after the take"),
    }[declared.kind]
    if not isinstance(value, wanted):
        raise MocapError(f"{where}: expected {words}, not {_short(repr(value))}")
    check_value_fully(declared, value, where)
    return value


def _float(value: int, where: str) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise MocapError(f"{where}: the number is too large") from error


def _short(text: str, most: int = SHOWN_LETTERS) -> str:
    """Text for a message: on one line, truncated if it is long."""
    text = one_line(text)
    return text if len(text) <= most else f"{text[:most]}…"
