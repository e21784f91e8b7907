"""The tables of figures in the pages are those of benchmarks/results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import pages

FILES = sorted(pages.RESULTS.glob("*.json"))

FIGURES: dict[str, Any] = {
    "command": "a command",
    "commit": "abc1234",
    "commit_is": "measured",
    "date": "2026-01-31",
    "machine": "a machine",
    "columns": [{"name": ""}, {"name": "error", "format": "{:.1f}"}, {"name": "both", "format": "{:.0f} / {:.0f}"}],
    "rows": [{"name": "now", "values": [2, [3.2, 4]], "bold": [0, 1]}, {"name": "before", "values": [None, "lost"]}],
}
TABLE = """|  | error | both |
|---|---|---|
| **now** | **2.0** | 3 / 4 |
| before | – | lost |""".replace("|  |", "| |")


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: page.stem)
def test_a_page_shows_the_figures_as_they_are(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert pages.filled(text) == text, "run: python benchmarks/pages.py"


def test_all_figures_are_shown_and_say_how_they_came_about() -> None:
    texts = [page.read_text(encoding="utf-8") for page in pages.pages()]
    shown = [found[2] for text in texts for found in pages.MARKED.finditer(text)]
    assert sorted(shown) == sorted(file.stem for file in FILES)
    for name in shown:
        figures = pages.read_figures(name)
        assert {"command", "commit", "date", "machine"} <= set(figures)
        assert figures["machine"] or figures["commit_is"] == "noted"


def test_figures_become_a_table_with_their_commit_and_machine() -> None:
    text = "before\n\n<!-- table: some -->\nold\n<!-- end of table -->\n\nafter\n"
    filled = pages.filled(text, {"some": FIGURES}.__getitem__)
    source = "*Measured with commit abc1234, 2026-01-31, on a machine.*"
    assert filled == f"before\n\n<!-- table: some -->\n{TABLE}\n\n{source}\n<!-- end of table -->\n\nafter\n"
    assert pages.filled(filled, {"some": FIGURES}.__getitem__) == filled


def test_a_row_with_too_few_figures_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        pages.table({**FIGURES, "rows": [{"name": "now", "values": [1]}]})


def test_stamped_figures_name_this_machine_and_keep_their_numbers(tmp_path: Path) -> None:
    if not (pages.ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    file = tmp_path / "some.json"
    file.write_text(json.dumps({**FIGURES, "commit_is": "noted", "machine": None}), encoding="utf-8")
    pages.stamp(file)
    stamped = json.loads(file.read_text(encoding="utf-8"))
    assert stamped["rows"] == FIGURES["rows"]
    assert (stamped["commit_is"], stamped["machine"]) == ("measured", pages.machine())
