"""Options declared once: a settings dataclass for each stage, whose fields carry name, unit, choices, range and help.

The command line, the keys of ``mocap.toml``, the table in README.md, ``mocap options`` and the Blender add-on are made
from these declarations, so that a new option is one field. Nothing heavy is imported here: ``--help`` needs it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from numbers import Real
from typing import Any

from mocap.model.errors import MocapError

METADATA_KEY = "option"
KINDS = {"float": "number", "str": "text", "bool": "flag", "Path": "file"}  # by the first word of a field's type
UNIT_WORDS = {"m": "metres", "s": "seconds"}
TAKE_COMMANDS = ("process", "solve", "batch")  # that make a take


@dataclass(frozen=True)
class Option:
    """One option: its name, its allowed values and its help.

    Parameters
    ----------
    name : str
        Its one name: ``camera-pitch`` is ``--camera-pitch`` on the command line and a key of ``mocap.toml``.
    help : str
        What it does, in a sentence.
    unit : str
        ``m``, ``s``, ``Hz`` or ``degrees``; empty for values without a unit.
    choices : tuple of str
        The values that are allowed; empty: any.
    listed : str
        Instead of ``choices``: the table of allowed names, or a function that gives them, as ``module:attribute``;
        imported when it is needed.
    parsed : str
        The function that reads the text and raises MocapError for a wrong one, as ``module:attribute``.
    counts : bool
        Whether a whole number from 1 is allowed beside the choices.
    low, high : float or None
        The smallest and the largest allowed number, both included.
    unset : str
        In words, what happens where the option is not given, if ``default`` does not show it.
    metavar : str
        The placeholder for the value in help; empty: made from the unit or the kind.
    suffix : str
        Of a file that is named after the take: ``_preview.mp4``.
    commands : tuple of str
        The commands that have this option.
    kind, key, default
        Filled in from the field: number, text, flag or file; the field's name; its default value.
    """

    name: str
    help: str
    unit: str = ""
    choices: tuple[str, ...] = ()
    listed: str = ""
    parsed: str = ""
    counts: bool = False
    low: float | None = None
    high: float | None = None
    unset: str = ""
    metavar: str = ""
    suffix: str = ""
    commands: tuple[str, ...] = TAKE_COMMANDS
    kind: str = "text"
    key: str = ""
    default: Any = None

    @property
    def shown_default(self) -> str:
        """The default in words, or what happens where the option is not given; empty where that is nothing."""
        if self.unset or self.default is None or self.kind in ("flag", "file"):
            return self.unset
        return f"{self.default:g}" if self.kind == "number" else str(self.default)

    @property
    def shown_value(self) -> str:
        """The placeholder for the value in help: METRES, FILE, ``auto|off``; empty for a flag."""
        if self.metavar or self.kind == "flag":
            return self.metavar
        if self.kind == "text":
            return "NAME" if self.listed or len(self.choices) > 4 else "|".join(self.choices) or "TEXT"
        return "FILE" if self.kind == "file" else (UNIT_WORDS.get(self.unit, self.unit) or "NUMBER").upper()

    def shown(self, value: Any) -> str:
        """The option and a value as text for a message.

        Parameters
        ----------
        value
            In the option's unit.

        Returns
        -------
        str
            ``height 1.8 m``, or the name alone for True.
        """
        if value is True:
            return self.name
        text = f"{value:g}" if isinstance(value, float) else {False: "off"}.get(value, value)
        return " ".join(filter(None, (self.name, str(text), self.unit)))


def option(default: Any, name: str, help: str, **declared: Any) -> Any:
    """A field of a settings dataclass that is an option.

    Parameters
    ----------
    default
        The value where nothing is given; None where the stage decides, which ``unset`` describes in words.
    name, help : str
        As in `Option`.
    **declared
        The other parameters of `Option`.

    Returns
    -------
    dataclasses.Field
        The field, to be assigned in the class; fields without this function are no options.
    """
    return field(default=default, metadata={METADATA_KEY: Option(name, help, default=default, **declared)})


def options_of(stage: Any) -> list[Option]:
    """List the options of a stage.

    Parameters
    ----------
    stage
        A settings dataclass or an instance of one.

    Returns
    -------
    list of Option
        In the order of the fields; fields that are no options are left out.
    """
    return [
        replace(one.metadata[METADATA_KEY], kind=KINDS[str(one.type).partition(" ")[0]], key=one.name)
        for one in fields(stage)
        if METADATA_KEY in one.metadata
    ]


def choices_of(declared: Option) -> tuple[str, ...]:
    """List the allowed names.

    Parameters
    ----------
    declared : Option
        If its names are in a table, the table is imported now.

    Returns
    -------
    tuple of str
        Empty where any value is allowed.
    """
    if not declared.listed:
        return declared.choices
    names = _imported(declared.listed)
    return tuple(names() if callable(names) else names)


def check(settings: Any) -> None:
    """Check every option of a settings object against its declaration; called when one is made.

    Parameters
    ----------
    settings
        An instance of a settings dataclass.

    Raises
    ------
    MocapError
        For a value outside its range or choices, naming the option as on the command line.
    TypeError
        For a value of another kind.

    Notes
    -----
    What needs an import (``listed``, ``parsed``) is not checked here, but by `check_fully`.
    """
    for declared in options_of(settings):
        check_value(declared, getattr(settings, declared.key), f"--{declared.name}")


def check_fully(settings: Any) -> None:
    """Check also what needs an import: names in a table, text that a function reads.

    Parameters
    ----------
    settings
        An instance of a settings dataclass.

    Raises
    ------
    MocapError
        For an unknown name or a text that cannot be read, naming the option as on the command line.
    """
    for declared in options_of(settings):
        check_value_fully(declared, getattr(settings, declared.key), f"--{declared.name}")


def check_value_fully(declared: Option, value: Any, where: str) -> None:
    """Check one value as `check_value` does, and also what needs an import.

    Parameters
    ----------
    declared : Option
        What is allowed.
    value
        The value.
    where : str
        As in `check_value`.

    Raises
    ------
    MocapError
        For an unknown name or a text that cannot be read as well.
    TypeError
        For a value of another kind.
    """
    check_value(replace(declared, choices=choices_of(declared)), value, where)
    if declared.parsed and value:
        try:
            _imported(declared.parsed)(value)
        except MocapError as error:
            raise MocapError(f"{where}: {str(error).removeprefix(f'--{declared.name}: ')}") from error


def _imported(reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


def check_value(declared: Option, value: Any, where: str) -> None:
    """Check one value.

    Parameters
    ----------
    declared : Option
        What is allowed.
    value
        The value; None is allowed where it is the default.
    where : str
        Names the option in the message: ``--height``, or a file and a key.

    Raises
    ------
    MocapError
        For a value outside the range or the choices.
    TypeError
        For a value of another kind.
    """
    if value is None and declared.default is None:
        return
    if not _is_of_kind(declared.kind, value):
        raise TypeError(f"{declared.key} is {value!r}")
    if declared.kind == "number" and not _is_in_range(declared, value):
        raise MocapError(f"{where} must {_range_text(declared)}, not {value:g}")
    if declared.choices and not _is_chosen(declared, value):
        raise MocapError(f"{where} must be {_choices_text(declared)}, not '{value}'")


def _is_of_kind(kind: str, value: Any) -> bool:
    if kind == "number":
        return isinstance(value, Real) and not isinstance(value, bool)
    if kind == "flag":
        return isinstance(value, bool)
    return isinstance(value, str) if kind == "text" else isinstance(value, bool) or hasattr(value, "__fspath__")


def _is_in_range(declared: Option, value: Real) -> bool:
    """Whether a number is finite and in the range; NaN is neither."""
    low = -math.inf if declared.low is None else declared.low
    high = math.inf if declared.high is None else declared.high
    return math.isfinite(value) and low <= value <= high  # type: ignore[operator]


def _range_text(declared: Option) -> str:
    unit = UNIT_WORDS.get(declared.unit, declared.unit)
    if declared.low is not None and declared.high is not None:
        return f"lie between {declared.low:g} and {declared.high:g} {unit}".strip()
    return "be a number" if declared.low is None else f"be at least {declared.low:g} {unit}".strip()


def _is_chosen(declared: Option, value: str) -> bool:
    is_count = declared.counts and value.isdecimal() and len(value) < 10 and int(value) > 0
    return value in declared.choices or is_count


def _choices_text(declared: Option) -> str:
    """``largest, all or a number from 1``."""
    names = [*declared.choices, *(["a number from 1"] if declared.counts else [])]
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
