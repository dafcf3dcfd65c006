"""Reading tools under faults: what is called, what the answer is called, and what holds of every answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mcp.types import CallToolResult, TextContent

from lead_mcp.vendors.spec.vendor import Vendor
from tests.facts import facts_of
from tests.faults.memory import BOUND, forget_peak, peak
from tests.faults.scene import DEADLINE, EVER, Scene
from tests.faults.table import Fault, Words

CODES: Final = frozenset(
    "unauthorized not_found rejected conflict rate_limited unavailable timeout garbled too_large".split()
)
"""What a vendor's fault may be called."""
GRACE: Final = 1.0
"""Seconds beyond the deadline within which an answer must be there."""


@dataclass(frozen=True)
class Read:
    """A call. ``offered``: whether a vendor has such a thing."""

    name: str
    tool: str
    arguments: Callable[[Scene, str], dict[str, Any]]
    offered: Callable[[Vendor], object] = lambda vendor: True
    notes: bool = False
    """Whether it answers with what it knows, and notes what it does not."""

    def expected(self, fault: Fault) -> Words:
        return FOUND if self.notes else fault.reads


FOUND: Final = frozenset({"right", "part", "other"})
"""Words of an answer."""


def beside(scene: Scene, vendor: str) -> str:
    """Another account."""
    return next(name for name in scene.runtime.connections if name != vendor)


def leads(scene: Scene, vendor: str) -> list[dict[str, Any]]:
    """Every lead of the vendor, from a quiet search."""
    found = quiet(scene, vendor, READS[0])[1].structured_content or {}
    return [dict(zip(found["leads"]["columns"], row, strict=True)) for row in found["leads"]["rows"]]


def some(scene: Scene, vendor: str, column: str) -> Any:
    return next(row[column] for row in leads(scene, vendor) if row[column])


def called(scene: Scene, vendor: str) -> str:
    """A lead that has recordings."""
    for row in leads(scene, vendor):
        found = scene.call("get_recordings", uri=row["uri"]).structured_content or {}
        if found["recordings"]["rows"]:
            return str(row["uri"])
    raise AssertionError(f"{vendor}: nobody was called")


def somebody(vendor: str) -> dict[str, Any]:
    facts = facts_of(vendor)
    lead = {"first_name": "Zed", "last_name": "Zap", "email": "zed.zap@example.com", "phone": "+12135550101"}
    return {"account": vendor, "lead": {**lead, **facts.needed}, "vendor_fields": dict(facts.own)}


UNASKED: Final = "could not be asked for"
"""What ``list_accounts`` notes where it lacks an account's own fields."""
COUNTED: Final = ("next_cursor", "notes", "how", "requests", "raw")
"""Keys that tell how an answer was got, and the vendor's own words for it."""
SQL: Final = "SELECT uri, status, created_at FROM leads ORDER BY uri"
READS: Final = (
    Read("search", "search_leads", lambda scene, v: {"account": v, "limit": 200, "since": EVER}),
    Read(
        "beside another",
        "search_leads",
        lambda scene, v: {"account": f"{v},{beside(scene, v)}", "limit": 200, "since": EVER},
    ),
    Read("get", "get_lead", lambda scene, v: {"uri": some(scene, v, "uri")}),
    Read(
        "summarize",
        "summarize_leads",
        lambda scene, v: {"account": v, "group_by": ["status"], "measures": ["count"], "since": EVER},
    ),
    Read("trace", "trace_lead", lambda scene, v: {"email": some(scene, v, "email"), "since": EVER}),
    Read(
        "pings",
        "query_pings",
        lambda scene, v: {"account": v, "direction": "inbound", "since": "-30d", "limit": 50},
        lambda vendor: vendor.pings,
    ),
    Read("sql", "query_sql", lambda scene, v: {"account": v, "sql": SQL, "since": EVER}),
    Read("recordings", "get_recordings", lambda scene, v: {"uri": called(scene, v)}, lambda vendor: vendor.recordings),
    Read("export", "export_leads", lambda scene, v: {"account": v, "since": EVER, "limit": 200, "format": "csv"}),
    Read("fields", "list_accounts", lambda scene, v: {"account": v}, notes=True),
    Read(
        "dry run",
        "insert_lead",
        lambda scene, v: {**somebody(v), "dry_run": True},
        lambda vendor: vendor.insert,
    ),
)


def quiet(scene: Scene, vendor: str, read: Read) -> tuple[dict[str, Any], CallToolResult]:
    """The arguments, and the answer where no fault is; asked once."""
    if (vendor, read.name) not in scene.quiet:
        arguments = read.arguments(scene, vendor)
        found = scene.call(read.tool, **arguments)
        assert not found.is_error, (vendor, read.name, found.content)
        scene.quiet[vendor, read.name] = arguments, found
    return scene.quiet[vendor, read.name]


def cell(scene: Scene, vendor: str, fault: Fault, read: Read) -> str:
    """The word for the answer under the fault, which was checked, and so was that a quiet answer follows."""
    arguments, before = quiet(scene, vendor, read)
    scene.log.lines.clear()
    size = forget_peak()
    with scene.under(fault, vendor, only=None, works=True):
        result, took = scene.timed(read.tool, **arguments)
    word = judged(vendor, before, result)
    assert took <= DEADLINE + GRACE, f"{took:.1f} s"
    assert peak() - size < BOUND, f"{(peak() - size) / 1e6:.0f} MB more"
    assert_safe(scene, result)
    after = scene.call(read.tool, **arguments)
    assert facts_in(after) == facts_in(before), "a quiet answer does not follow"
    return word


def judged(vendor: str, before: CallToolResult, result: CallToolResult) -> str:
    """``right``, ``part``, ``other`` or a code, of an answer that is honest whichever it is."""
    said = dict(result.structured_content or {})
    if result.is_error:
        assert said["error"]["code"] in CODES, said["error"]
        return str(said["error"]["code"])
    entries = list(entries_of(said))
    mine = next((one for one in entries if one["account"] == vendor), {})
    assert all("error" not in one for one in entries if one is not mine), "the other account has failed too"
    assert_honest(before.structured_content or {}, said, vendor, entries)
    if "error" in mine:
        assert mine["error"]["code"] in CODES, mine
        return str(mine["error"]["code"])
    if facts_in(result) == facts_in(before):
        return "right"
    whole = [one.get("complete", True) for one in (*entries, said.get("checked") or {})]
    noted = any(UNASKED in one for one in said.get("quirks", ()))
    return "part" if noted or not all(whole) else "other"


def assert_honest(before: Mapping[str, Any], said: Mapping[str, Any], vendor: str, entries: list[Any]) -> None:
    """No total but one that is known; no row of nobody's, none twice, none lost of the other account's."""
    assert all(one["complete"] is False for one in entries if "error" in one), entries
    rows, known = rows_in(said), rows_in(before)
    uris = [row[0] for row in rows]
    assert len(set(uris)) == len(uris), "a row twice"
    assert set(uris) <= {row[0] for row in known}, "a row of nobody's"
    times, right = times_in(said), times_in(before)
    assert all(value in (None, right[uri]) for uri, value in times.items()), "a wrong time"
    if "leads" in said and said.get("total") is not None:
        assert said["total"] >= len(rows), "a total below what is there"
    others = [row for row in known if f"//{vendor}/" not in str(row[0])]
    assert [row for row in rows if f"//{vendor}/" not in str(row[0])] == others, "rows of the other account"


def times_in(said: Mapping[str, Any]) -> dict[str, Any]:
    """When each lead was created, by URI, as the answer's table has it."""
    table = said.get("leads")
    if not isinstance(table, Mapping) or "created_at" not in table["columns"]:
        return {}
    place = table["columns"].index("created_at")
    return {row[0]: row[place] for row in table["rows"]}


def rows_in(said: Mapping[str, Any]) -> list[list[Any]]:
    """The rows of the answer's first table that begin with a URI."""
    for table in (said.get(name) for name in ("leads", "pings", "recordings", "result")):
        if isinstance(table, Mapping) and "rows" in table:
            return list(table["rows"])
    return []


def entries_of(said: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    accounts = said.get("accounts")
    if isinstance(accounts, list):
        yield from accounts


def facts_in(result: CallToolResult) -> Any:
    """What an answer says, without how it was got."""
    said = dict(result.structured_content or {})
    if isinstance(said.get("accounts"), list):
        del said["accounts"]
    if "path" in said:
        return Path(said["path"]).read_text("utf-8")
    return _without(COUNTED, said)


def _without(keys: Sequence[str], value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without(keys, inner) for key, inner in value.items() if key not in keys}


def assert_safe(scene: Scene, result: CallToolResult) -> None:
    """It can be written as JSON, has words, and holds no secret; nor does the log."""
    assert any(isinstance(one, TextContent) and one.text for one in result.content)
    shown = json.dumps(result.structured_content, allow_nan=False) + str(result.content)
    for place in (shown, *scene.log.lines):
        for secret in scene.secrets:
            assert secret not in place, "a secret is shown"
        assert "Traceback" not in place
    assert "failed inside this server" not in shown
