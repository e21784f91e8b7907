"""Options of the command line: those of a take, made from the stages' settings, and those of several commands."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from mocap.app.settings import STAGES, take_options
from mocap.io.outlets import known_suffixes
from mocap.model.settings import Option, options_of

Given = dict[str, Any]  # values by the options' names; only options that were given


class ProgressMode(StrEnum):
    """How progress is reported."""

    auto = "auto"
    bar = "bar"
    json = "json"
    none = "none"


class Units(StrEnum):
    """Length units of a BVH."""

    m = "m"
    cm = "cm"


OUTPUT = Option(
    "output",
    f"The file to write; its suffix selects the format: {known_suffixes()}. The take is always written as .json, too.",
    kind="file",
    unset="required",
    commands=("process", "solve"),
)
PROGRESS = Option(
    "progress",
    "How to show progress: a bar on a terminal, or JSON Lines on stdout for other programs.",
    choices=tuple(ProgressMode),
    default="auto",
)
Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help=OUTPUT.help)]
ProgressOption = Annotated[ProgressMode, typer.Option("--progress", metavar=PROGRESS.shown_value, help=PROGRESS.help)]
_TAKE = take_options()
UnitsOption = Annotated[Units, typer.Option("--units", metavar="m|cm", help=_TAKE["units"].help)]
Device = Annotated[str, typer.Option("--device", metavar=_TAKE["device"].shown_value, help=_TAKE["device"].help)]
FailOn = Annotated[str, typer.Option("--fail-on", metavar="LIMITS", help=_TAKE["fail-on"].help, show_default=False)]


def with_take_options(command: str, *, unset: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one parameter for each option of a take that it has.

    Parameters
    ----------
    command : str
        The command's name, as the options' declarations have it.
    unset : str
        Text for the default of the solve's settings, if it is not the declared default.

    Returns
    -------
    callable
        A decorator. The decorated function has a parameter ``given``: a dict of the values that were given, by the
        options' names. Typer finds the single options in its place.
    """
    declared = [
        (one, unset if position == 1 else "")
        for position, stage in enumerate(STAGES)
        for one in options_of(stage)
        if command in one.commands
    ]

    def decorate(body: Callable[..., None]) -> Callable[..., None]:
        def run(**arguments: Any) -> None:
            named = {one.name: arguments.pop(_parameter(one)) for one, _ in declared}
            body(**arguments, given={name: value for name, value in named.items() if value is not None})

        made = [_typer_parameter(one, words, is_batch=command == "batch") for one, words in declared]
        _dress(run, body, made)
        return run

    return decorate


def _dress(run: Callable[..., None], body: Callable[..., None], made: list[inspect.Parameter]) -> None:
    """Give ``run`` the name, help and parameters of ``body``, with ``made`` in place of its ``given``."""
    hints = get_type_hints(body, include_extras=True)
    parameters: list[inspect.Parameter] = []
    for one in inspect.signature(body).parameters.values():
        own = one.replace(annotation=hints[one.name], kind=inspect.Parameter.KEYWORD_ONLY)
        parameters += made if one.name == "given" else [own]
    run.__name__, run.__doc__ = body.__name__, body.__doc__
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]


def _parameter(declared: Option) -> str:
    """The name of an option's parameter; the plain name could be a keyword of Python or another parameter."""
    return f"{declared.name.replace('-', '_')}_option"


def _typer_parameter(declared: Option, unset: str, *, is_batch: bool) -> inspect.Parameter:
    """The parameter of one option; its value is None if the option is not given."""
    kind, name = declared.kind, f"--{declared.name}"
    is_flag = kind == "flag" or (kind == "file" and is_batch)
    text = f"{declared.help} {_default_text(declared, unset)}".strip()
    info: Any
    if is_flag:
        info = typer.Option(f"{name}/--no-{declared.name}", help=text, show_default=False)
    else:
        parser = parse_number if kind == "number" else None
        info = typer.Option(name, help=text, show_default=False, metavar=declared.shown_value, parser=parser)
    value: Any = bool if is_flag else {"number": float, "file": Path}.get(kind, str)
    annotation = Annotated[value | None, info]
    return inspect.Parameter(_parameter(declared), inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _default_text(declared: Option, unset: str) -> str:
    words = unset or declared.shown_default
    return f"[default: {words}]" if words else ""


def parse_number(text: str) -> float:
    """Read a number of the command line.

    Parameters
    ----------
    text : str
        With a decimal point; ``1e3`` is allowed.

    Returns
    -------
    float
        The number; whether it is in the option's range is checked later.

    Raises
    ------
    typer.BadParameter
        For other text; for a decimal comma the message has the correct spelling.
    """
    try:
        return float(text)
    except ValueError:
        comma = re.fullmatch(r"\s*(-?\d+),(\d+)\s*", text)
        hint = f"; write {comma[1]}.{comma[2]}" if comma else ""
        raise typer.BadParameter(f"'{text}' is not a number{hint}") from None
