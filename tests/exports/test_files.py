"""A file of any length: every row once, as other readers have it, gone on with after a kill, honest about what is missing."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from lead_mcp.errors import BadArgument, LeadMcpError, TimedOut
from lead_mcp.exports.cells import defused
from lead_mcp.exports.formats import FORMATS, csv_lines, format_of
from lead_mcp.exports.gathered import rows_of
from lead_mcp.outgoing.times import ShownTime
from tests.driving import Bench, bench, uris
from tests.exports.exporting import Killed, csv_rows, exported

ROWS: list[list[Any]] = [
    ["lead://a/1", "=1+1", '+1-305-555-0100, "home"', ShownTime("2026-11-20T07:00:00-05:00"), 12, True],
    ["lead://a/2", None, "@SUM(A1)", None, 4.5, None],
]
COLUMNS = ["uri", "note", "phone", "at", "value", "test"]


@pytest.fixture(scope="module")
def driven() -> Iterator[Bench]:
    with bench(80) as found:
        yield found


# --- resuming -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", list(FORMATS))
def test_killed_and_run_again_it_is_the_same_file_byte_for_byte(form: str, driven: Bench, tmp_path: Path) -> None:
    whole, resumed = tmp_path / f"whole.{form}", tmp_path / f"resumed.{form}"
    one = exported(driven, whole, form)
    for page in (3, 2):
        with pytest.raises(Killed):
            exported(driven, resumed, form, kill_at=page)
        with (tmp_path / f"{resumed.name}.part").open("ab") as part:
            part.write(b'half a line, "that nobody')
    other = exported(driven, resumed, form)
    assert whole.read_bytes() == resumed.read_bytes()
    assert one["pages"] >= 4
    assert without_costs(one) == without_costs(other), "the ledger adds up as if nothing had happened"
    assert one["sha256"] == hashlib.sha256(whole.read_bytes()).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"{path.name}{end}" for path in (whole, resumed) for end in ("", ".manifest.json")
    )


def without_costs(manifest: dict[str, Any]) -> dict[str, Any]:
    """The first question of all asks for the accounts' fields too."""
    accounts = [{**entry, "requests": 0} for entry in manifest["accounts"]]
    return {**manifest, "file": "", "accounts": accounts}


@pytest.mark.parametrize("other", [{"since": "2026-10-02"}, {"since": "2026-10-01", "fields": ["city"]}])
def test_another_question_does_not_go_on_with_it(other: dict[str, Any], driven: Bench, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    with pytest.raises(Killed):
        exported(driven, path, kill_at=3)
    with pytest.raises(BadArgument, match="another question"):
        exported(driven, path, **other)
    with pytest.raises(BadArgument, match="another format"):
        exported(driven, path, excel=True)
    assert exported(driven, path, force=True, **other)["complete"]


def test_a_file_that_is_there_is_overwritten_only_by_force(driven: Bench, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("mine")
    with pytest.raises(BadArgument, match="--force"):
        exported(driven, path)
    assert path.read_text() == "mine"
    exported(driven, path, force=True)
    assert len(csv_rows(path)) > 100


def test_a_part_that_is_a_link_is_not_followed(driven: Bench, tmp_path: Path) -> None:
    (tmp_path / "else").write_text("mine")
    (tmp_path / "leads.csv.part").symlink_to(tmp_path / "else")
    with pytest.raises(OSError, match="it is a link"):
        exported(driven, tmp_path / "leads.csv")
    assert (tmp_path / "else").read_text() == "mine"


# --- rows ---------------------------------------------------------------------------------------------------------


def test_it_holds_every_row_that_paging_gives_once_and_in_order(driven: Bench, tmp_path: Path) -> None:
    paged = uris(driven.pages(since="2026-10-01", limit=200))
    manifest = exported(driven, tmp_path / "leads.csv", page=77)
    assert [row["uri"] for row in csv_rows(tmp_path / "leads.csv")] == paged
    assert manifest["rows"] == len(paged) == sum(entry["returned"] for entry in manifest["accounts"])
    assert manifest["complete"]
    assert manifest["question"] == {"tool": "search_leads", "arguments": {"since": "2026-10-01"}}


def test_with_a_limit_it_has_so_many_and_says_where_the_rest_is(driven: Bench, tmp_path: Path) -> None:
    manifest = exported(driven, tmp_path / "leads.csv", limit=130)
    assert manifest["rows"] == len(csv_rows(tmp_path / "leads.csv")) == 130
    assert manifest["next_cursor"] is not None


@pytest.mark.parametrize("form", list(FORMATS))
def test_an_empty_answer_is_a_file_with_a_header(form: str, driven: Bench, tmp_path: Path) -> None:
    manifest = exported(driven, tmp_path / "none", form, text="nobody of this name", since="2026-11-20")
    assert (manifest["rows"], manifest["complete"]) == (0, True)
    assert manifest["columns"][0] == "uri"
    if form == "csv":
        assert (tmp_path / "none").read_text() == "uri,name,email,phone,status,created_at\n"


def test_pings_come_with_their_columns(driven: Bench, tmp_path: Path) -> None:
    given: dict[str, Any] = {"tool": "query_pings", "direction": "inbound", "since": "2026-11-10"}
    manifest = exported(driven, tmp_path / "pings.jsonl", "jsonl", **given)
    lines = [json.loads(line) for line in (tmp_path / "pings.jsonl").read_text().splitlines()]
    page = driven.call("query_pings", direction="inbound", since="2026-11-10", limit=200)
    assert list(lines[0]) == page["pings"]["columns"]
    assert [list(line.values()) for line in lines[:20]] == page["pings"]["rows"][:20]
    assert manifest["rows"] == page["summary"]["total"]
    with pytest.raises(BadArgument, match="group_by"):
        exported(driven, tmp_path / "groups.csv", **given, group_by=["result"])


def test_a_statement_is_exported_up_to_its_cap(driven: Bench, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    sql = "SELECT uri, created_at, value FROM leads ORDER BY created_at DESC, uri"
    given: dict[str, Any] = {"tool": "query_sql", "sql": sql, "since": "2026-10-01"}
    whole = exported(driven, tmp_path / "all.csv", **given)
    assert whole["rows"] == whole["total"] > 200
    some = exported(driven, tmp_path / "some.csv", **given, max_rows=50)
    assert (some["rows"], some["total"], some["complete"]) == (50, whole["total"], True)


# --- honesty ------------------------------------------------------------------------------------------------------


def test_an_account_that_fails_for_good_is_left_out_and_said(driven: Bench, tmp_path: Path) -> None:
    driven.box.fault("octanist", "status", status=403, times=-1)
    try:
        manifest = exported(driven, tmp_path / "leads.csv")
    finally:
        driven.box.mend("octanist")
    assert not manifest["complete"]
    assert manifest["why"][0].startswith("octanist: unauthorized")
    assert {row["uri"].split("/")[2] for row in csv_rows(tmp_path / "leads.csv")} == {*driven.accounts} - {"octanist"}


def test_where_nobody_answers_what_was_written_stays_to_be_gone_on_with(driven: Bench, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    with pytest.raises(Killed):
        exported(driven, path, kill_at=3)
    for name in driven.accounts:
        driven.box.fault(name, "status", status=403, times=-1)
    try:
        with pytest.raises(LeadMcpError):
            exported(driven, path)
    finally:
        for name in driven.accounts:
            driven.box.mend(name)
    assert not path.exists()
    assert exported(driven, path)["complete"]


def test_the_deadline_ends_a_file_behind_a_whole_page_and_says_so(driven: Bench, tmp_path: Path) -> None:
    manifest = exported(driven, tmp_path / "leads.csv", until=0.0, settles=True)
    assert (manifest["pages"], manifest["rows"], manifest["complete"]) == (1, 60, False)
    assert "deadline" in manifest["why"][0]
    assert manifest["next_cursor"]


def test_a_page_that_nobody_gives_ends_a_file_that_has_to_be_made_now(driven: Bench, tmp_path: Path) -> None:
    late = TimedOut("nobody answered")
    manifest = exported(driven, tmp_path / "leads.csv", kill_at=3, with_error=late, settles=True)
    assert (manifest["pages"], manifest["why"]) == (2, ["timeout: nobody answered"])
    with pytest.raises(TimedOut):
        exported(driven, tmp_path / "none.csv", kill_at=1, with_error=late, settles=True)


def test_masks_hold_in_the_file_and_in_its_manifest(tmp_path: Path) -> None:
    environment = {"LEAD_MCP_PII": "masked", "LEAD_MCP_STATE_DIR": str(tmp_path / "state")}
    with bench(20, environment=environment) as masked, bench(20) as clear:
        plain = exported(clear, tmp_path / "plain.csv", since="2026-01-01", fields=["first_name", "note"])
        found = csv_rows(tmp_path / "plain.csv")
        email = found[0]["email"]
        arguments: dict[str, Any] = {"since": "2026-01-01", "fields": ["first_name", "note"]}
        hidden = exported(masked, tmp_path / "masked.csv", **arguments)
        exported(masked, tmp_path / "one.csv", filters=[{"field": "email", "op": "eq", "value": email}], **arguments)
    assert hidden["rows"] == plain["rows"]
    text = "".join(path.read_text() for path in tmp_path.glob("[mo]*.*"))
    emails = {row["email"] for row in found if row["email"]}
    assert not {one for one in emails if one in text}


# --- formats ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"),
        ('=HYPERLINK("https://example.com")', '\'=HYPERLINK("https://example.com")'),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("-", "'-"),
        ("+1-305-555-0100", "'+1-305-555-0100"),
        ("+1 (305) 555-0100", "'+1 (305) 555-0100"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("＝1+1", "'＝1+1"),
        ("＋1＋1", "'＋1＋1"),
        ("+13055550100", "+13055550100"),
        ("-12.50", "-12.50"),
        ("305-555-0100", "305-555-0100"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_would_run_is_made_text(text: str, safe: str) -> None:
    assert defused(text) == safe
    line, count = csv_lines(excel=False).written(["x", "y"], [[text, 1]])
    assert next(csv.reader(io.StringIO(line, newline=""))) == [safe, "1"]
    assert count == (text != safe)


def test_a_cell_cannot_end_where_another_separator_stands() -> None:
    line, _ = csv_lines(excel=False).written(["x", "y"], [["a;=1+1", 'b;"@SUM(A1)']])
    for delimiter in ",;":
        cells = next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter))
        assert not [cell for cell in cells if cell.lstrip('"').startswith(("=", "@"))]


def test_excels_csv_has_its_mark_and_its_line_ends() -> None:
    lines = csv_lines(excel=True)
    assert lines.header(["a", "=b"]) == "\ufeffa,'=b\r\n"
    assert lines.written(["a", "b"], [["é", None]])[0] == "é,\r\n"


def made(tmp_path: Path, form: str, rows: list[list[Any]] = ROWS) -> Path:
    lines = format_of(form).lines
    gathered, path = tmp_path / "gathered", tmp_path / f"made.{form}"
    gathered.write_text(lines.header(COLUMNS) + lines.written(COLUMNS, rows)[0], "utf-8")
    make = format_of(form).make
    assert make is not None
    make(gathered, path, "America/New_York")
    return path


def test_a_workbook_has_numbers_dates_and_texts_and_no_formula(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("xlsxwriter")
    sheet = openpyxl.load_workbook(made(tmp_path, "xlsx")).active
    assert [cell.value for cell in sheet[1]] == COLUMNS
    assert [cell.value for cell in sheet[2]] == [
        "lead://a/1",
        "'=1+1",
        '\'+1-305-555-0100, "home"',
        datetime(2026, 11, 20, 7),  # noqa: DTZ001 - a workbook's dates have no zone
        12,
        True,
    ]
    assert {cell.data_type for row in sheet for cell in row} <= {"s", "n", "d", "b"}
    assert all(cell.hyperlink is None for row in sheet for cell in row)


def test_a_parquet_file_has_one_type_a_column(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    path = made(tmp_path, "parquet")
    with duckdb.connect() as database:
        read: Any = database.read_parquet(str(path))
        found = read.project('note, value, test, epoch("at")').fetchall()
        types = {str(name): str(kind) for name, kind in zip(list(read.columns), list(read.types), strict=True)}
    assert found == [("=1+1", 12.0, True, 1795176000.0), (None, 4.5, None, None)]
    assert types["at"] == "TIMESTAMP WITH TIME ZONE"
    assert (types["value"], types["note"], types["test"]) == ("DOUBLE", "VARCHAR", "BOOLEAN")


def test_gathered_rows_are_read_back_as_they_were(tmp_path: Path) -> None:
    lines = format_of("parquet").lines
    (tmp_path / "rows").write_text(lines.header(COLUMNS) + lines.written(COLUMNS, ROWS)[0], "utf-8")
    back = list(rows_of(tmp_path / "rows", "UTC"))
    assert str(back[0][3]) == "2026-11-20 12:00:00+00:00"
    assert [row[:3] for row in back] == [row[:3] for row in ROWS]


def test_a_json_line_keeps_types(tmp_path: Path) -> None:
    line, count = FORMATS["jsonl"].lines.written(COLUMNS, ROWS)
    assert json.loads(line.splitlines()[0]) == dict(zip(COLUMNS, ROWS[0], strict=True))
    assert count == 0
