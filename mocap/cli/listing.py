"""``mocap options``: list every option of a take as text, as JSON, and as the table of README.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from mocap.app.settings import take_options
from mocap.cli.options import OUTPUT, PROGRESS
from mocap.model.settings import Option, choices_of

VERSION = 1  # of the JSON format; it changes if the meaning of a key changes


def options(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As the table in README.md.")] = False,
) -> None:
    """List the options of a take and their defaults."""
    if as_json and as_markdown:
        raise typer.BadParameter("give --json or --markdown, not both")
    listed = [OUTPUT, *take_options().values(), PROGRESS]
    if as_json:
        return typer.echo(json_text(listed))
    typer.echo(markdown(listed) if as_markdown else _plain(listed))


def json_text(listed: Sequence[Option]) -> str:
    """The options as a JSON document.

    Parameters
    ----------
    listed : sequence of Option
        The options, in their order.

    Returns
    -------
    str
        An object with ``format``, ``version`` and ``options``. Each option has ``name`` (on the command line with two
        hyphens before it, in ``mocap.toml`` without), ``key`` (of the settings in a take, or empty), ``type``
        (number, text, flag or file), ``unit``, ``choices``, ``counts`` (whether a whole number from 1 is allowed
        beside the choices), ``minimum``, ``maximum``, ``default``, ``unset`` (what holds without a value, in words),
        ``help``, ``suffix`` (of a file that ``batch`` and ``mocap.toml`` name after the take: there the value is true
        or false) and ``commands``.
    """
    document = {"format": "mocap-options", "version": VERSION, "options": [_entry(one) for one in listed]}
    return json.dumps(document, indent=1, ensure_ascii=False)


def _entry(one: Option) -> dict[str, Any]:
    return {
        "name": one.name,
        "key": one.key,
        "type": one.kind,
        "unit": one.unit,
        "choices": list(choices_of(one)),
        "counts": one.counts,
        "minimum": one.low,
        "maximum": one.high,
        "default": one.default,
        "unset": one.shown_default,
        "help": one.help,
        "suffix": one.suffix,
        "commands": list(one.commands),
    }


def markdown(listed: Sequence[Option]) -> str:
    """The options as a Markdown table.

    Parameters
    ----------
    listed : sequence of Option
        The options, in their order.

    Returns
    -------
    str
        One row for each: name and value, default, what it does, and the commands that have it.
    """
    rows = [
        f"| `{_escaped(one)}` | {_default(one)} | {one.help}{_range(one)} | {', '.join(one.commands)} |"
        for one in listed
    ]
    return "\n".join(["| option | default | what it does | commands |", "|---|---|---|---|", *rows])


def _escaped(one: Option) -> str:
    """Name and value for a cell of a table; a bar is escaped, as it would start the next cell."""
    return f"--{one.name} {one.shown_value}".strip().replace("|", "\\|")


def _default(one: Option) -> str:
    return one.shown_default or ("off" if one.kind == "flag" else "none")


def _range(one: Option) -> str:
    """The range of allowed numbers, if both limits are useful to know."""
    if one.low is None or one.high is None or one.high > 1e6:
        return ""
    return f" From {one.low:g} to {one.high:g} {one.unit}.".replace(" .", ".")


def _plain(listed: Sequence[Option]) -> str:
    """One line for each option, for a terminal."""
    width = max(len(f"--{one.name} {one.shown_value}") for one in listed)
    return "\n".join(
        f"{f'--{one.name} {one.shown_value}':{width}}  {one.help}"
        + (f" [{'' if one is OUTPUT else 'default: '}{_default(one)}]")
        for one in listed
    )
