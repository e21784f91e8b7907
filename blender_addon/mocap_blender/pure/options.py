# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``mocap process`` as Blender shows them, read from options.json, which is made from mocap's own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIST = Path(__file__).with_name("options.json")
LEFT_OUT = (
    "units",  # the add-on reads the take in metres
    "fail-on",  # a poor take is imported as well, and can be corrected
    "plot",  # wants a package that Blender's users seldom have, as the report does
    "report",
)


@dataclass(frozen=True)
class Field:
    """One option as a property of Blender's.

    Parameters
    ----------
    name : str
        The option's name on the command line, without hyphens in front.
    kind : str
        ``float``, ``text``, ``flag`` or ``choice``.
    default
        What the property holds at first: the option is then not given.
    low, high : float or None
        The range of a ``float``, in the unit of its label.
    choices : tuple of str
        The values of a ``choice``.
    label, help : str
        What Blender shows beside the property, and above it.
    suffix : str
        Of the file that a ``flag`` asks for: it is named after the take. Empty for other flags.
    """

    name: str
    kind: str
    default: Any
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    label: str
    help: str
    suffix: str

    @property
    def identifier(self) -> str:
        """The property's name in Python."""
        return self.name.replace("-", "_")


def fields() -> list[Field]:
    """Every option of ``mocap process`` that the add-on offers, in the order of the command's help."""
    listed = json.loads(LIST.read_text(encoding="utf-8"))["options"]
    return [_field(one) for one in listed if one["name"] not in LEFT_OUT]


def _field(one: dict[str, Any]) -> Field:
    kind, default = _kind(one)
    unset = f"; {_empty_words(kind)}: {one['unset']}" if default in (0.0, "") and kind != "flag" else ""
    unit = f" ({one['unit']})" if one["unit"] else ""
    return Field(
        name=one["name"],
        kind=kind,
        default=default,
        low=min(one["minimum"], default) if kind == "float" else None,
        high=one["maximum"],
        choices=tuple(one["choices"]),
        label=one["name"].replace("-", " ").capitalize() + unit,
        help=one["help"].rstrip(".") + unset,
        suffix=one["suffix"],
    )


def _kind(one: dict[str, Any]) -> tuple[str, Any]:
    """The kind of property, and what it holds while the option is not given: Blender's numbers cannot be empty."""
    if one["type"] in ("flag", "file"):
        return "flag", False
    if one["type"] == "text":
        return ("choice" if one["choices"] and not one["counts"] else "text"), one["default"]
    if one["default"] is not None:
        return "float", one["default"]
    return ("float", 0.0) if one["minimum"] is not None and one["minimum"] >= 0 else ("text", "")


def _empty_words(kind: str) -> str:
    return "0" if kind == "float" else "empty"


def arguments(values: dict[str, Any], take: Path) -> list[str]:
    """The command line for what was chosen.

    Parameters
    ----------
    values : dict
        Values of the properties by identifier.
    take : pathlib.Path
        The take's file, after which other files are named.

    Returns
    -------
    list of str
        ``["--height", "1.8", ...]``. A property that holds its default gives nothing, so that a ``mocap.toml`` beside
        the clip counts.
    """
    found: list[str] = []
    for field in fields():
        value = values[field.identifier]
        if value == field.default:
            continue
        if field.kind == "flag":
            found += [f"--{field.name}", *([str(take.with_name(take.stem + field.suffix))] if field.suffix else [])]
        else:
            found += [f"--{field.name}", f"{value:g}" if field.kind == "float" else str(value).strip()]
    return found
