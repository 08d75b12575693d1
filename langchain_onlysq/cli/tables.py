"""The catalogue as a table. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_onlysq.cli.texts import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.table import Table

    from langchain_onlysq.models.catalogue import OnlySqModel

_HEAD = ("id", "modality", "tools", "streaming", "thinking", "status", "cost")
_UNKNOWN = "-"


def model_rows(models: Iterable[OnlySqModel]) -> list[tuple[str, ...]]:
    """Return the rows of the table of models, sorted by id, below their head."""
    rows = [
        (m.id, m.modality, m.can_tools, m.can_stream, m.can_think, m.status, m.cost)
        for m in sorted(models, key=lambda model: model.id)
    ]
    return [_HEAD, *(tuple(_cell(value) for value in row) for row in rows)]


def _cell(value: Any) -> str:
    """Return a value as one word, or a few, that never leave a cell empty."""
    match value:
        case None:
            return _UNKNOWN
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
    return one_line(str(value)) or _UNKNOWN


def plain_table(rows: Sequence[Sequence[str]]) -> str:
    """Align the rows with blanks; every line ends with a line end."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def rich_table(rows: Sequence[Sequence[str]]) -> Table:
    """Return the same for rich.

    Raises:
        ImportError: If rich is not installed.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    head, *body = rows
    table = Table(box=SIMPLE_HEAD, header_style="bold")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in body:
        table.add_row(*(Text(cell) for cell in row))
    return table
