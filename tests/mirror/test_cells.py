"""Cells made column by column are those made one by one, whatever stands in a record."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.mirror.cells import Cells, raw_cells
from lead_mcp.mirror.records import packed
from lead_mcp.sql.rows import CELLS, RowMaker, decoded, encoded, json_cell
from lead_mcp.sql.tables import JSON, TABLES
from lead_mcp.sql.tables import TEXT as TEXT_COLUMN
from lead_mcp.vendors.leadexec.fields import DIGITS, Composed
from lead_mcp.vendors.spec.fields import ANY, FLAG, NUMBER, TEXT, Field, moment, text_but

VALUES = st.one_of(
    st.sampled_from(
        [
            "",
            " a ",
            "A",
            "a b",
            "N/A",
            "n/a",
            "a\nb",
            "\x7f",
            "é",
            "1",
            "1.0",
            "true",
            "2026-03-15T10:30:00Z",
            "2026-03-15 10:30:00",
            "\u202eb",
            "\ud83d",
        ]
    ),
    st.sampled_from([None, True, False, 0, 1, 2**70, 1.0, 0.5, 0.0, -0.0, float("nan"), float("inf")]),
    st.lists(st.integers(), max_size=2),
)
RAWS = st.lists(
    st.dictionaries(
        st.sampled_from(["a", "b", "c.d", "c"]),
        VALUES | st.dictionaries(st.sampled_from(["d", "e"]), VALUES, max_size=2),
        max_size=4,
    ),
    max_size=8,
)
FIELDS = [
    Field(*paths, codec=codec, joined=joined)
    for paths in (("a",), ("c.d",), ("a", "b"), ("c.d", "a", "c.d.e"))
    for codec in (TEXT, text_but("N/A"), NUMBER, FLAG, ANY, moment())
    for joined in (False, True)
] + [Composed("-", Field("a"), Field("b", codec=DIGITS), whole=whole) for whole in (False, True)]
COLUMNS = [name for name in TABLES["leads"].types if name in ("status", "value", "created_at", "is_test", "raw")]


@given(raws=RAWS, field=st.sampled_from(FIELDS), column=st.sampled_from(COLUMNS))
def test_a_column_of_cells_is_its_cells(raws: list[dict[str, Any]], field: Field, column: str) -> None:
    spell = RowMaker("invented", "US").spellings("leads")[column]
    cells = Cells(field, spell, as_is=TABLES["leads"].types[column] == TEXT_COLUMN)
    expected = [None if (value := field.read(raw)) is None else spell(value, None) for raw in raws]
    assert [cells.of(raws) for _ in range(2)] == [expected, expected]
    assert Cells(None, spell).of(raws) == [None] * len(raws)


@given(raws=RAWS)
def test_a_kept_record_is_the_cell_of_its_column(raws: list[dict[str, Any]]) -> None:
    assert raw_cells(map(packed, raws), raws) == list(map(json_cell, raws))
    assert CELLS[JSON] is json_cell


ROWS = st.lists(
    st.tuples(st.just("uri") | st.text(max_size=3), st.none() | st.text(max_size=3) | st.booleans()), min_size=1
)


@given(rows=ROWS.map(lambda found: [list(row) for row in found]))
def test_rows_come_out_of_their_blobs_as_they_went_in(rows: list[list[Any]]) -> None:
    expected = [[one.encode(errors="replace").decode() if type(one) is str else one for one in row] for row in rows]
    assert decoded(encoded(rows, 2), len(rows)) == expected
