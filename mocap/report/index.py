"""An HTML page that lists all takes of a batch, the worst first, with links to their reports."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path, PurePosixPath
from string import Template
from typing import Any, Protocol
from urllib.parse import quote

from mocap.io.files import atomic_path
from mocap.report.thresholds import MEASURES

NAME = "index.html"
_ORDER = ("failed", "fail", "warn", "pass", "")  # worst first; "" is a take without a report


class Entry(Protocol):
    """The fields of a clip's entry in the account of a batch that the page needs."""

    @property
    def clip(self) -> str:
        """The clip's name."""

    @property
    def state(self) -> str:
        """``done``, ``below`` (the required quality) or ``failed``."""

    @property
    def error(self) -> str:
        """The error in one line; empty if there is none."""

    @property
    def files(self) -> dict[str, tuple[str, int, int]]:
        """The files of the take: paths relative to the output folder."""


def write_index(output: Path, entries: Sequence[Entry]) -> Path:
    """Write the page into the output folder of a batch.

    Parameters
    ----------
    output : Path
        The output folder.
    entries : sequence of Entry
        All clips of the batch. A failed clip is listed with its error.

    Returns
    -------
    Path
        The written page. Its images and links are the files of the reports beside the takes.

    Raises
    ------
    MocapError
        If the page cannot be written.
    """
    lines = [(_rank(verdict, entry, report), _line(entry, verdict, report))
             for entry in entries for verdict, report in [_read(output, entry)]]  # fmt: skip
    headings = "".join(f"<th><button>{name}</button></th>" for name in MEASURES)
    template = Template(files("mocap.report").joinpath("index.html").read_text(encoding="utf-8"))
    text = template.substitute(
        headings=headings,
        count=len(entries),
        rows="\n".join(line for _, line in sorted(lines, key=lambda ranked: ranked[0])),
    )
    with atomic_path(output / NAME) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return output / NAME


def _read(output: Path, entry: Entry) -> tuple[str, dict[str, Any]]:
    """The verdict of an entry, and its report as JSON values."""
    if entry.state == "failed":
        return "failed", {}
    for path in entry.files:
        if path.endswith("_report.json") and (output / path).is_file():
            report = json.loads((output / path).read_text(encoding="utf-8"))
            return report["verdict"], report
    return "", {}


def _rank(verdict: str, entry: Entry, report: dict[str, Any]) -> tuple[int, float, str]:
    beyond = 0.0  # sum of the measures, each divided by its warning limit
    for name, limit in MEASURES.items():
        value = _worst(report, name)
        if value is not None:
            beyond += limit.warn / max(value, 1e-6) if limit.is_floor else value / limit.warn
    return _ORDER.index(verdict), -beyond, entry.clip


def _worst(report: dict[str, Any], name: str) -> float | None:
    values = [person["measures"][name] for person in report.get("people", [])]
    known = [value for value in values if value is not None]
    return (min(known) if MEASURES[name].is_floor else max(known)) if known else None


def _line(entry: Entry, verdict: str, report: dict[str, Any]) -> str:
    paths = {PurePosixPath(path).suffix: quote(path) for path in entry.files if "_report." in path}
    clip = html.escape(entry.clip)
    image = f'<img loading="lazy" alt="" src="{paths[".jpg"]}">' if ".jpg" in paths and report else ""
    name = f'<a href="{paths[".html"]}">{image}{clip}</a>' if ".html" in paths and report else clip
    cells = "".join(_cell(_worst(report, measure), report, measure) for measure in MEASURES)
    error = f'<div class="error">{html.escape(entry.error)}</div>' if entry.error else ""
    order = _ORDER.index(verdict)
    return (
        f'<tr class="{verdict}"><td data-value="{order}">{verdict or "no report"}</td>'
        f'<td data-value="{clip}">{name}{error}</td>'
        f'<td data-value="{report.get("seconds", 0)}">{report.get("seconds", 0):.1f} s</td>{cells}</tr>'
    )


def _cell(value: float | None, report: dict[str, Any], measure: str) -> str:
    if value is None:
        return '<td class="number" data-value="">–</td>'
    return f'<td class="number {report["measures"][measure]}" data-value="{value}">{value:.3g}</td>'
