"""Values for a schema, and beside it: of the right type, of the wrong one, huge, nested, in any script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hypothesis import strategies as st

TEXTS: Final = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "",
            " ",
            "x" * 20_000,
            "\x00",
            "\u202egnp.exe",
            "０１２",
            "\U000e0041",
            "e\u0301" * 50,
            "null",
            "[]",
            '{"a": 1}',
            '{"a": ',
            "[" * 3000,
            "-" * 400,
            "1e400",
            "9" * 5000,
            "lead://octanist/1",
            "lead://octanist/" + "%00" * 20,
            "ping://leadexec/inbound/6af816687b7ffcb08c6bdfad?at=99999999999",
            "ping://leadexec/inbound/x?at=-99999999999",
            "recording://convoso/1/2",
            "2026-02-30",
            "0000-01-01",
            "99999-01-01",
            "2026-W99",
            "last_99999999999_days",
            "-999999999d",
            "9999-12-31T23:59:59.999999+14:00",
            "created_at:desc,created_at:asc",
            "sum:value",
            "median:",
            "minutes_between:created_at:",
            "'; DROP TABLE leads; --",
            "../../etc/passwd",
        ]
    ),
)
NUMBERS: Final = st.one_of(
    st.integers(-5, 300),
    st.sampled_from([2**31, 2**63, -(2**63), 10**30, 0.5, -0.0, 1e308, 5e-324]),
)
JUNK: Final = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS: Final = ("id", "status", "email", "phone", "created_at", "value", "name", "raw.x", "nothing", "Fields.Email")
OPS: Final = ("eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in", "exists", "contains", "starts_with", "=", "like")
FILTERS: Final = st.lists(
    st.fixed_dictionaries({"field": st.sampled_from(FIELDS), "op": st.sampled_from(OPS), "value": JUNK}), max_size=3
)
GOOD: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "account": st.sampled_from(["octanist", "convoso", "leadexec", "leadexec,octanist", "nobody", ""]),
    "filters": FILTERS,
    "since": st.sampled_from(["2000-01-01", "-30d", "today", "last_week", "2026-11-20T10:00:00Z"]),
    "until": st.sampled_from(["today", "2026-11-21", "2099-01-01"]),
    "uri": st.sampled_from(
        ["lead://octanist/lead_00000001", "lead://convoso/4000001", "lead://leadexec/3471-31000001"]
    ),
    "direction": st.sampled_from(["inbound", "outbound"]),
    "sql": st.sampled_from(["SELECT count(*) FROM leads", "SELECT 1", "SELECT * FROM pings LIMIT 1"]),
    "sort": st.sampled_from(["created_at:asc", "value:desc", "name:asc,status:desc"]),
    "fields": st.lists(st.sampled_from(FIELDS), max_size=4),
    "group_by": st.lists(st.sampled_from(["status", "day", "account", "weekday", "value"]), max_size=3),
    "measures": st.lists(st.sampled_from(["count", "share", "sum:value", "distinct:email", "avg:name"]), max_size=3),
    "limit": st.integers(1, 50),
    "lead": st.dictionaries(st.sampled_from(["name", "email", "phone", "first_name", "value", "x"]), JUNK, max_size=4),
    "changes": st.dictionaries(st.sampled_from(["status", "note", "city", "value", "x"]), JUNK, max_size=2),
    "dry_run": st.booleans(),
}


@st.composite
def arguments(draw: st.DrawFn, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments for a tool: most of them plausible, one or two not, sometimes one that it has not."""
    properties: Mapping[str, Any] = schema["properties"]
    needed: Sequence[str] = schema.get("required", [])
    chosen = {*needed, *draw(st.lists(st.sampled_from(sorted(properties)), max_size=4))}
    given = {name: draw(GOOD.get(name, of_type(properties[name]))) for name in sorted(chosen)}
    for name in draw(st.lists(st.sampled_from(sorted(properties)), max_size=2)):
        given[name] = draw(JUNK)
    if draw(st.integers(0, 9)) == 0:
        given[draw(TEXTS)] = draw(JUNK)
    if needed and draw(st.integers(0, 19)) == 0:
        given.pop(draw(st.sampled_from(sorted(needed))), None)
    return given


def of_type(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a property's schema takes, more or less."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds: Mapping[str, st.SearchStrategy[Any]] = {
        "string": TEXTS,
        "integer": st.integers(-5, 300),
        "number": NUMBERS,
        "boolean": st.booleans(),
        "array": st.lists(JUNK, max_size=3),
        "object": st.dictionaries(TEXTS, JUNK, max_size=3),
    }
    return kinds.get(str(schema.get("type")), JUNK)


def damaged(text: str) -> st.SearchStrategy[str]:
    """The text with something cut out, put in or doubled."""
    size = len(text)
    places = st.tuples(st.integers(0, size), st.integers(0, size)).map(sorted)
    return st.one_of(
        st.tuples(places, TEXTS).map(lambda found: text[: found[0][0]] + found[1] + text[found[0][1] :]),
        st.tuples(st.integers(0, max(0, size - 1)), st.characters()).map(
            lambda found: text[: found[0]] + found[1] + text[found[0] + 1 :]
        ),
        places.map(lambda found: text[: found[1]] + text[found[0] :]),
    )
