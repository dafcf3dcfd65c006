"""How a measure may be asked for, and what its refusal says."""

from __future__ import annotations

import pytest

from lead_mcp.engine.summaries.measures import Measure, parse_measures
from lead_mcp.errors import BadArgument


@pytest.mark.parametrize(
    ("word", "measure"),
    [
        ("count", Measure("count")),
        ("COUNT(*)", Measure("count")),
        ("count()", Measure("count")),
        ("sum:value", Measure("sum", "value")),
        ("Sum(value)", Measure("sum", "value")),
        ("mean:value", Measure("avg", "value")),
        ("minutes_between(created_at, updated_at)", Measure("minutes_between", "created_at", "updated_at")),
    ],
)
def test_a_measure_in_every_spelling(word: str, measure: Measure) -> None:
    assert parse_measures([word]) == (measure,)


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("medain:value", "Did you mean 'median'?"),
        ("sum", "'sum' is written sum:FIELD;"),
        ("sum:value:city", "is written sum:FIELD;"),
        ("count:email", "is written count;"),
        ("minutes_between:created_at", "is written minutes_between:FIELD:FIELD;"),
    ],
)
def test_what_is_no_measure_is_refused_with_its_form(word: str, words: str) -> None:
    with pytest.raises(BadArgument, match=words.replace("?", r"\?")):
        parse_measures([word])
