"""Tables as text: with lines and colours for a terminal, plain for a file or a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """A table; the first column is text, the others are numbers.

    Parameters
    ----------
    title : above the table.
    columns : heads.
    rows : cells as text.
    notes : lines below the table.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = field(default_factory=tuple)


def plain(tables: Sequence[Table]) -> str:
    """The tables as aligned text without lines and colours."""
    return "\n\n".join(_plain_table(table) for table in tables)


def drawn(tables: Sequence[Table]) -> str:
    """The tables with lines and colours for a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as Grid

    console = Console(force_terminal=True)
    with console.capture() as capture:
        for table in tables:
            grid = Grid(title=table.title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
            for i, column in enumerate(table.columns):
                grid.add_column(column, justify="right" if i else "left")
            for row in table.rows:
                grid.add_row(*row)
            console.print(grid)
            for note in table.notes:
                console.print(note, style="dim", highlight=False, markup=False)
    return capture.get().rstrip()


def _plain_table(table: Table) -> str:
    lines = [table.columns, *table.rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.columns))]
    text = [
        "  ".join([f"{line[0]:<{widths[0]}}", *(f"{c:>{w}}" for c, w in zip(line[1:], widths[1:]))]) for line in lines
    ]
    return "\n".join([table.title, *(line.rstrip() for line in text), *table.notes])
