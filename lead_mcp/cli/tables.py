"""A tool's text answer at a terminal: its tables with columns that line up, everything else as it is.

The text is taken, not the structure: its cells are cleaned, and its times are local.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MARK: Final = "…"
END: Final = 6
"""Characters that a URI keeps at least of its end."""
SHORT: Final = 10
"""Characters up to which a column's values stand on one line."""
COPIED: Final = 48
"""Characters up to which a first column of words without spaces is not broken."""
LONGEST: Final = 1000
"""Characters of a cell in a pipe."""
Cells = Sequence[Sequence[str]]


def print_answer(text: str, structured: Mapping[str, Any], console: Console) -> None:
    """Print the answer."""
    from rich.text import Text

    for part in parts_of(text, structured):
        if isinstance(part, str):
            console.print(Text(part), soft_wrap=True)  # a cursor that is copied has no line ends of ours
        else:
            console.print(table_of(part, console.width))


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: in columns at a terminal; whole in a pipe, a line a row, for whoever goes on with it."""
    from rich.console import Console

    from lead_mcp.outgoing.cleaning import plain_cell

    console = Console()
    if console.is_terminal:
        console.print(table_of([columns, *rows], console.width))
    else:
        for row in (columns, *rows):
            print("|".join(plain_cell(cell, LONGEST) for cell in row))


def parts_of(text: str, structured: Mapping[str, Any]) -> Iterator[str | Cells]:
    """The text's lines in order, the lines of a table together: its header, then its rows, cell by cell.

    A table whose text leaves columns out, or that the text shows in several, is one by its header as well.
    """
    tables = [one for one in structured.values() if isinstance(one, Mapping) and {"columns", "rows"} <= one.keys()]
    sizes = {"|".join(found["columns"]): len(found["rows"]) for found in tables}
    lines = text.splitlines()
    while lines:
        line = lines[0]
        size = sizes.get(line)
        if size is None:
            size = _alike(lines) if any(_is_part(line, found["columns"]) for found in tables) else 0
        cells = [one.split("|") for one in lines[: size + 1]]
        if size and len({len(row) for row in cells}) == 1:
            yield cells
        else:
            yield from lines[: size + 1]
        del lines[: size + 1]


def _is_part(line: str, columns: Sequence[str]) -> bool:
    """Whether the line is a header of some of these columns, in their order."""
    names, left = line.split("|"), iter(columns)
    return len(names) > 2 and all(name in left for name in names)


def _alike(lines: Sequence[str]) -> int:
    """How many lines below the first have as many cells: no value holds what parts them."""
    return sum(1 for _ in takewhile(lambda line: line.count("|") == lines[0].count("|"), lines[1:]))


def table_of(cells: Cells, width: int) -> Table:
    """The table, in so many columns of a terminal, without columns in which nothing stands.

    URIs lose their middle where they would leave no room for the rest, and what is short is not broken.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    header, *rows = _filled(cells)
    widths = [max((len(cell) for cell in column), default=0) for column in zip(header, *rows, strict=False)]
    over = sum(widths) + 2 * len(widths) - width
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    uris = {nth for nth, name in enumerate(header) if name in ("uri", "lead_uri")}
    for nth, name in enumerate(header):
        whole = nth in uris or widths[nth] <= SHORT
        is_copied = widths[nth] <= COPIED and not any(" " in row[nth] for row in rows)  # a field's name, an id
        least = widths[nth] if nth == 0 and nth not in uris and is_copied else None
        table.add_column(Text(name), no_wrap=whole, overflow="ellipsis" if whole else "fold", min_width=least)
    for row in rows:
        table.add_row(
            *(Text(_shortened(cell, over, len(uris)) if nth in uris else cell) for nth, cell in enumerate(row))
        )
    return table


def _filled(cells: Cells) -> Cells:
    """The cells without empty columns; all of them where there are no rows."""
    kept = [nth for nth in range(len(cells[0])) if len(cells) == 1 or any(row[nth] for row in cells[1:])]
    return [[row[nth] for nth in kept] for row in cells]


def _shortened(uri: str, over: int, sharing: int) -> str:
    """The URI without its middle, as far as the table is too wide: scheme and account stay whole."""
    start = "/".join(uri.split("/", 3)[:3]) + "/"
    room = max(len(start) + 1 + END, len(uri) - max(0, over) // max(1, sharing))
    return uri if len(uri) <= room else f"{start}{MARK}{uri[len(start) + 1 - room :]}"
