"""An answer at a terminal: what the text says, in columns that fit."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from lead_mcp.cli.tables import MARK, parts_of, print_answer, print_rows
from tests.driving import bench

COLUMNS = ["uri", "name", "email", "status"]
ROWS = [
    ["lead://leadsquared/af8db0dc-9687-4aa9-a4aa-e88bcd55ddc0", "Ada [bold]Example", "ada@example.com", "open"],
    ["lead://octanist/lead_1", "Bo", "", "won"],
]
TEXT = "\n".join(["2 leads, times in UTC", *("|".join(row) for row in [COLUMNS, *ROWS]), "next_cursor: " + "x" * 200])
STRUCTURE = {"leads": {"columns": COLUMNS, "rows": ROWS}, "total": 2}


def printed(text: str, structure: dict[str, object], width: int) -> list[str]:
    out = io.StringIO()
    print_answer(text, structure, Console(file=out, width=width, force_terminal=False))
    return out.getvalue().splitlines()


def test_lines_and_tables_come_in_their_order() -> None:
    first, table, last = parts_of(TEXT, STRUCTURE)
    assert (first, table, last) == ("2 leads, times in UTC", [COLUMNS, *ROWS], "next_cursor: " + "x" * 200)


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_fits_its_terminal_and_no_markup_is_read(width: int) -> None:
    lines = printed(TEXT, STRUCTURE, width)
    assert lines[-1] == "next_cursor: " + "x" * 200, "what is copied is not broken"
    assert all(len(line) <= width for line in lines[:-1])
    assert "[bold]Example" in "\n".join(lines)
    whole = ROWS[0][0] in "\n".join(lines)
    assert whole == (width == 120)
    if not whole:
        assert re.search(rf"lead://leadsquared/{MARK}\S*ddc0", "\n".join(lines))
    assert ROWS[1][0] in "\n".join(lines), "a short one stays"


def test_every_value_of_a_real_answer_is_there() -> None:
    with bench(5, only=["octanist"]) as driven:
        result = driven.raw_call("search_leads", since="2026-01-01", detail="detailed")
    text = "".join(block.text for block in result.content if block.type == "text")
    lines = printed(text, dict(result.structured_content or {}), 200)
    cells = {cell for row in text.splitlines()[2:5] for cell in row.split("|")[1:] if cell and " " not in cell}
    assert not [cell for cell in cells if cell not in "\n".join(lines) and len(cell) < 12]


@pytest.mark.parametrize("account", ["octanist", "leadexec"])
def test_the_fields_of_an_account_stand_in_columns_too(account: str) -> None:
    """Their text leaves out what is the same in every row, and has a table for each kind of record."""
    with bench(5, only=[account]) as driven:
        result = driven.raw_call("list_accounts", account=account)
    text = "".join(block.text for block in result.content if block.type == "text")
    tables = [part for part in parts_of(text, dict(result.structured_content or {})) if not isinstance(part, str)]
    assert [table[0][0] for table in tables] == ["account", *["name"] * (3 if account == "leadexec" else 1)]
    shown = "\n".join(printed(text, dict(result.structured_content or {}), 100))
    assert "name|type|" not in shown
    assert len(tables[1]) > 40
    assert [name for name, *_ in tables[1] if name not in shown] == [], "names are there to be copied"


def test_what_commands_list_is_whole_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """`mirror status | grep`: no cell is cut to the width of a terminal that is not there."""
    print_rows(("account", "as_of", "error"), [("octanist", "2026-11-27T08:41:18.000000Z", "a | b " * 40)])
    assert capsys.readouterr().out.splitlines() == [
        "account|as_of|error",
        f"octanist|2026-11-27T08:41:18.000000Z|{'a ¦ b ' * 40}".rstrip(),
    ]
