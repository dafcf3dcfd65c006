"""Files as spreadsheets save them: read as meant, or a clear line for each mistake; bounded in time and memory."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.cli.importing.columns import Row, column_map
from lead_mcp.cli.importing.rows import MOST_ROWS, ImportFile, read_file
from lead_mcp.cli.importing.text_files import MOST_LINE
from lead_mcp.errors import BadArgument
from lead_mcp.vendors.spec.writing import Form, Param
from lead_mcp.writing.values import DEPTH, is_deeper

FORM = Form(ours={name: Param(name) for name in ("name", "email", "note")}, own={"custom": Param("custom")})
HEADER = "name,email,note\n"


def read(folder: Path, content: str | bytes, name: str = "leads.csv") -> ImportFile:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return read_file(path)


def values(folder: Path, content: str | bytes, name: str = "leads.csv") -> list[dict[str, Any]]:
    found = read(folder, content, name)
    assert not found.problems, list(found.problems.texts())
    return [dict(row) for _, row in found.read]


def problem(folder: Path, content: str | bytes, name: str = "leads.csv") -> str:
    """The one thing that is wrong with it, as a person reads it."""
    try:
        found = read(folder, content, name)
    except BadArgument as error:
        return error.message
    (said,) = found.problems.texts()
    return said


# --- as spreadsheets save them ------------------------------------------------------------------------------------

ANN = {"name": "Ann", "email": "a@example.com"}
SAVED: dict[str, str | bytes] = {
    "plain": "name,email\nAnn,a@example.com\n",
    "without a last newline": "name,email\nAnn,a@example.com",
    "with a byte order mark": "\ufeffname,email\nAnn,a@example.com\n",
    "with carriage returns": "name,email\r\nAnn,a@example.com\r\n",
    "from an old Mac": "name,email\rAnn,a@example.com\r",
    "UTF-16, little end": "name,email\nAnn,a@example.com\n".encode("utf-16"),
    "UTF-16, big end": b"\xfe\xff" + "name,email\nAnn,a@example.com\n".encode("utf-16-be"),
    "UTF-16 with tabs": "name\temail\r\nAnn\ta@example.com\r\n".encode("utf-16"),
    "with semicolons": "name;email\nAnn;a@example.com\n",
    "with a first line that names the delimiter": "sep=;\nname;email\nAnn;a@example.com\n",
    "with a first line in capitals": "SEP=|\r\nname|email\r\nAnn|a@example.com\r\n",
    "with a delimiter in a quoted name": 'name;"email"\n"Ann";a@example.com\n',
    "with empty columns at the end": "name,email,,,\nAnn,a@example.com,,,\n",
    "with empty cells beyond the header": "name,email\nAnn,a@example.com,,,\n",
    "with rows of delimiters": ",,\nname,email,\n,,\nAnn,a@example.com,\n,,\n,,\n",
    "with blank lines": "\n\nname,email\n\nAnn,a@example.com\n\n",
    "with spaces round values": " name , email\n Ann , a@example.com \n",
    "with a column that has neither name nor values": "name,,email\nAnn,,a@example.com\n",
}


@pytest.mark.parametrize("how", SAVED)
def test_a_file_is_read_as_it_is_meant(tmp_path: Path, how: str) -> None:
    assert values(tmp_path, SAVED[how]) == [ANN]


def test_a_delimiter_inside_quotes_is_none(tmp_path: Path) -> None:
    found = read(tmp_path, '"last, first";email;"a;b"\n"Lee, Ann";a@example.com;x\n')
    assert list(found.columns) == ["last, first", "email", "a;b"]
    assert dict(found.read[0][1]) == {"last, first": "Lee, Ann", "email": "a@example.com", "a;b": "x"}


def test_a_value_may_be_long_and_have_lines(tmp_path: Path) -> None:
    note = "x" * 131_073 + ',\n"y"'
    quoted = note.replace('"', '""')
    assert values(tmp_path, f'name,note\nAnn,"{quoted}"\n') == [{"name": "Ann", "note": note}]


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    found = read(tmp_path, 'sep=,\nname,note\nAnn,"one\ntwo"\n\n,\nBo,x\n')
    assert [line for line, _ in found.read] == [3, 7]


# --- mistakes -----------------------------------------------------------------------------------------------------

MISTAKES: dict[str, tuple[str | bytes, str]] = {
    "a value without a column's name": (
        "name,,email\nAnn,x,a@example.com\n",
        "line 2: a value in column 2, which has no name",
    ),
    "a value beyond the header": (
        "name,email\nAnn,a@example.com,x\n",
        "line 2: 3 values, where the header has 2 columns",
    ),
    "too few values": ("name,email\nAnn\n", "line 2: 1 values, where the header has 2 columns"),
    "one name twice": ("name,email,name\nA,b,C\n", "line 1: the header names 'name' twice"),
    "a quote that is never closed": ('name,email\n"Ann,a@example.com\n', "line 2: not CSV (unexpected end of data)"),
    "a quote that is never closed, in a long file": (
        'name,email\n"Ann,a\n' + "b,c\n" * 300_000,
        "line 2: a field of more than 1,000,000 characters; perhaps a quote is never closed",
    ),
    "no UTF-8": (b"name\nAnn\n\xff\n", "line 3 is not UTF-8"),
    "no UTF-8, far down": (b"name\n" + b"Ann\n" * 50_000 + b"\xff\n", "line 50002 is not UTF-8"),
    "no UTF-16": ("name\nAnn\n".encode("utf-16") + b"\x00\xd8\n\x00", "line 3 is not UTF-16"),
    "UTF-16 without its mark": ("name,email\n".encode("utf-16-le"), "line 1 holds a NUL character"),
    "nothing": (b"", "holds no rows"),
    "nothing but delimiters": (",,,\n,,,\n", "holds no rows"),
    "nothing but a header": (HEADER, "holds no rows"),
    "a line without an end": ("name\n" + "x" * (MOST_LINE + 1), "line 2 has more than 4,000,000 characters"),
    "half a character": ("name\nA\ud800\n", "line 2 is not UTF-8"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_each_mistake_has_a_clear_line(tmp_path: Path, what: str) -> None:
    content, words = MISTAKES[what]
    assert words in problem(tmp_path, content)


LINES: dict[str, tuple[str, str]] = {
    "no JSON": ("{", "line 1: not JSON"),
    "no object": ("[1]", "line 1: not one JSON object"),
    "one name twice": ('{"name": "A", "name": "B"}', "line 1: not JSON ('name' stands there twice)"),
    "one name twice, inside": ('{"custom": {"a": 1, "a": 2}}', "'a' stands there twice"),
    "no number": ('{"name": NaN}', "NaN is no number"),
    "half a character": ('{"name": "Ann\\ud83d"}', "line 1: name: holds half a character"),
    "half a character, inside": ('{"custom": {"b": ["\\ude42"]}}', "line 1: custom.b.1: holds half a character"),
    "half a character in a name": ('{"a\\ud800": 1}', "holds half a character"),
    "deep": ('{"custom": ' + "[" * 30 + "]" * 30 + "}", "more than 20 deep"),
    "deeper than can be read": ('{"custom": ' + "[" * 100_000 + "]" * 100_000 + "}", "more than 20 deep"),
    "a number without end": ('{"name": ' + "9" * 5000 + "}", "line 1: not JSON"),
}


@pytest.mark.parametrize("what", LINES)
def test_each_mistake_of_json_lines_has_a_clear_line(tmp_path: Path, what: str) -> None:
    content, words = LINES[what]
    said = problem(tmp_path, f"{content}\n", "leads.jsonl")
    assert words in said
    said.encode()


def test_many_mistakes_are_gathered_and_cut_short(tmp_path: Path) -> None:
    found = read(tmp_path, "\n".join(f'{{"{n}": 1, "{n}": 2}}' for n in range(5000)), "leads.jsonl")
    said = list(found.problems.texts())
    assert len(said) == 21
    assert said[-1] == "and 4,980 further problems"


# --- bounds -------------------------------------------------------------------------------------------------------


def test_a_hundred_thousand_columns_take_linear_time(tmp_path: Path) -> None:
    """Twice as many take about twice as long; a square would take four times, a minute in all."""
    took = []
    for many in (25_000, 100_000):
        names = [f"column {n}" for n in range(many)]
        content = ",".join([*names, "email"]) + "\n" + ",".join(["x"] * many + ["a@example.com"]) + "\n"
        started = time.process_time()
        found = read(tmp_path, content)
        assert len(column_map(found.columns, [], FORM, ignore_unmapped=True).rows(found.read)) == 1
        with pytest.raises(BadArgument, match="no field of a lead"):
            column_map(found.columns, [], FORM, ignore_unmapped=False)
        with pytest.raises(BadArgument, match="no column 'colum 7'"):
            column_map(found.columns, ["colum 7=name"], FORM, ignore_unmapped=True)
        took.append(time.process_time() - started)
    assert took[1] < 10 * took[0] + 1


@pytest.mark.parametrize("name", ["leads.csv", "leads.jsonl"])
def test_a_line_of_200_megabytes_takes_little_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(b'name\n"' if name.endswith("csv") else b'{"name": "')
        for _ in range(200):
            file.write(b"x" * 1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(BadArgument, match="more than 4,000,000 characters"):
            read_file(path)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_a_file_has_an_end_too(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BadArgument, match="Split the file"):
        read_file(path)
    with pytest.raises(BadArgument, match="more than 100,000 rows"):
        read(tmp_path, "name\n" + "A\n" * (MOST_ROWS + 1))


@given(
    st.recursive(
        st.none() | st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    )
)
def test_depth_is_counted(value: Any) -> None:
    def depth(one: Any) -> int:
        if isinstance(one, dict):
            return 1 + max(map(depth, one.values()), default=0)
        return 1 + max(map(depth, one), default=0) if isinstance(one, list) else 0

    if isinstance(value, dict | list):
        assert is_deeper(value, 2) is (depth(value) > 3)
    assert DEPTH > 2


# --- columns ---


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        (["Full Name", "E-Mail", "NOTES"], ["name", "email", "note"]),
        (["name", "EMAIL ADDRESS "], ["name", "email"]),
        (["E-mail address", "email"], [None, "email"]),
        (["Full name", "Name", "Phone number", "Zip"], [None, "name", "phone", "postal_code"]),
    ],
)
def test_a_column_is_a_field_by_its_name_or_by_a_usual_one_that_no_other_has(
    columns: list[str], fields: list[str | None]
) -> None:
    targets = column_map(columns, [], FORM, ignore_unmapped=True).targets
    assert [targets.get(column) for column in columns] == fields


def test_a_column_can_be_left_out_though_it_is_a_field() -> None:
    """A vendor may not take it: status, in what an export wrote."""
    found = column_map(["name", "status", "uri"], ["status=", "uri="], FORM, ignore_unmapped=False)
    assert found.targets == {"name": "name"}


def test_every_column_that_is_no_field_is_told_at_once() -> None:
    columns = ["name", "Web adress", "Budget", *(f"column {n}" for n in range(20))]
    with pytest.raises(BadArgument) as refused:
        column_map(columns, [], FORM, ignore_unmapped=False)
    assert all(
        word in refused.value.message for word in ("'Web adress'", "'Budget'", "And 12 more.", "--ignore-unmapped")
    )


# --- a row's name -------------------------------------------------------------------------------------------------


def named(folder: Path, content: str, name: str = "leads.csv") -> list[Row]:
    found = read(folder, content, name)
    return column_map(found.columns, [], FORM, ignore_unmapped=True).rows(found.read)


ROWS = ["Ann,a@example.com,", "Bo,b@example.com,", "Ann,a@example.com,", 'Cy,c@example.com,"x, y"']


def names(folder: Path, rows: Sequence[str], **how: Any) -> list[str]:
    return [row.name for row in named(folder, HEADER + "\n".join(rows) + how.get("end", "\n"))]


def test_a_row_is_known_by_what_it_holds_and_which_of_its_like_it_is(tmp_path: Path) -> None:
    first = names(tmp_path, ROWS)
    assert len(set(first)) == 4
    assert names(tmp_path, ROWS, end="") == first
    assert names(tmp_path, ["New,n@example.com,", *ROWS])[1:] == first
    assert names(tmp_path, [*ROWS, "New,n@example.com,"])[:4] == first
    assert sorted(names(tmp_path, ROWS[::-1])) == sorted(first)
    assert names(tmp_path, ROWS[1:])[1] == first[0], "one of two that are alike has gone"
    assert names(tmp_path, [f" {row}" for row in ROWS]) == first
    in_other_columns = "email,note,name,\n" + "".join(
        f"{email},{note},{name},\n" for name, email, note in (row.split(",", 2) for row in ROWS)
    )
    assert [row.name for row in named(tmp_path, in_other_columns)] == first
    lines = [{"name": "Ann", "email": "a@example.com", "note": ""}, {"name": "Ann", "email": "a@example.com"}]
    as_json = [row.name for row in named(tmp_path, "\n".join(map(json.dumps, lines)), "leads.jsonl")]
    assert as_json == [first[0], first[2]]
