"""Writes the tables of the pages from the figures in benchmarks/results, each with its commit and machine.

    python benchmarks/pages.py                 # writes every table between its marks
    python benchmarks/pages.py --check         # says which pages are not current; exit status 1 then
    python benchmarks/pages.py --stamp NAME    # after new figures: this commit, this machine and today

A table stands between ``<!-- table: NAME -->`` and ``<!-- end of table -->``; its figures are in results/NAME.json:

* ``command``: how they are measured. ``commit``, ``date``, ``machine``: with what; null where nobody noted it.
  ``commit_is``: "measured" with the code of that commit, or only "noted" in it.
* ``columns``: ``name``; ``format`` of a cell, as "{:.2f}, {:.2f}" of two numbers; ``bold``.
* ``rows``: ``name``, ``values`` (a number, a list of numbers, words, or null for none); ``format`` in place of the
  columns'; ``bold``: which columns are bold, the name being 0.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
MARKED = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end of table -->)", flags=re.DOTALL)
NONE = "–"

Figures = dict[str, Any]


def main() -> None:
    """Reads the command line and does what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--stamp", metavar="NAME", help="of a file in results/, without .json")
    arguments = parser.parse_args()
    if arguments.stamp:
        stamp(RESULTS / f"{arguments.stamp}.json")
    stale = [page for page in pages() if filled(text := page.read_text(encoding="utf-8")) != text]
    for page in stale:
        if not arguments.check:
            page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(page.relative_to(ROOT).as_posix(), "is not current" if arguments.check else "written")
    sys.exit(1 if arguments.check and stale else 0)


def pages() -> list[Path]:
    """The pages that have tables of figures."""
    found = sorted((ROOT / "docs").rglob("*.md"))
    return [page for page in found if MARKED.search(page.read_text(encoding="utf-8"))]


def filled(text: str, read: Callable[[str], Figures] | None = None) -> str:
    """A page's text with every marked table as its figures have it now."""
    of = read or read_figures
    return MARKED.sub(lambda found: f"{found[1]}{table(of(found[2]))}\n\n{source(of(found[2]))}\n{found[3]}", text)


def read_figures(name: str) -> Figures:
    """The figures of results/NAME.json."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def table(figures: Figures) -> str:
    """The figures as a Markdown table."""
    columns = figures["columns"]
    lines = [_line([_bold(column["name"], column.get("bold", False)) for column in columns])]
    lines.append("|" + "---|" * len(columns))
    return "\n".join([*lines, *(_line(_cells(row, columns)) for row in figures["rows"])])


def source(figures: Figures) -> str:
    """One line that says with which code, on which machine and when the figures were measured."""
    verb = {"measured": "Measured with commit", "noted": "Noted in commit"}[figures["commit_is"]]
    machine = f"on {figures['machine']}" if figures["machine"] else "the machine was not noted"
    return f"*{verb} {figures['commit']}, {figures['date']}, {machine}.*"


def stamp(file: Path) -> None:
    """Writes into a file of figures that they were measured with this commit, on this machine, today."""
    figures = json.loads(file.read_text(encoding="utf-8"))
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    figures.update(commit=commit, commit_is="measured", date=f"{datetime.now(UTC):%Y-%m-%d}", machine=machine())
    file.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def machine() -> str:
    """This machine in words: processor, cores, system and Python."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = models[0] if models else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def _cells(row: Figures, columns: list[Figures]) -> list[str]:
    bold = row.get("bold", [])
    cells = [_bold(row["name"], 0 in bold)]
    for index, (value, column) in enumerate(zip(row["values"], columns[1:], strict=True), 1):
        text = _cell(value, row.get("format") or column.get("format", ""))
        cells.append(_bold(text, index in bold or column.get("bold", False)))
    return cells


def _cell(value: float | str | list[float] | None, form: str) -> str:
    if value is None:
        return NONE
    if isinstance(value, str):
        return value
    return form.format(*(value if isinstance(value, list) else [value]))


def _bold(text: str, wanted: bool) -> str:
    return f"**{text}**" if wanted and text else text


def _line(cells: list[str]) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"


if __name__ == "__main__":
    main()
