"""Writing tools under faults: a write is done once or not at all, and its answer is true of what the vendor then has."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mcp.types import CallToolResult

from lead_mcp.vendors.spec.vendor import Vendor
from tests.facts import facts_of
from tests.faults.reads import CODES, FOUND, GRACE, assert_safe
from tests.faults.scene import DEADLINE, EVER, Scene
from tests.faults.table import LOST, SETTLED, Fault, Where, words

_people, _keys = itertools.count(), itertools.count()
AREAS: Final = (213, 212, 312, 415, 617, 702, 713, 808, 206, 303, 404, 503)
DONE: Final = words(SETTLED)


@dataclass(frozen=True)
class Write:
    """A write. ``arguments``: of a new one; ``there``: how often it has been done; ``again``: it has a key."""

    name: str
    tool: str
    arguments: Callable[[Scene, str], dict[str, Any]]
    there: Callable[[Scene, str, Mapping[str, Any]], int]
    offered: Callable[[Vendor], object]
    again: bool = True


@dataclass(frozen=True)
class Mode:
    """``write_only``: the fault strikes the write's own request; ``works``: the vendor does it all the same."""

    name: str
    write_only: bool
    works: bool

    def fits(self, fault: Fault) -> bool:
        """Whether the fault can come in this way: what spoils a reply is done, what is refused is not."""
        if not self.write_only:
            return True
        if fault.where in (Where.SECOND, Where.LATER):  # a write is sent once
            return False
        if self.works:
            return fault.spoils or LOST in fault.writes
        return not fault.spoils


MODES: Final = (
    Mode("all requests", write_only=False, works=False),
    Mode("unsent", write_only=True, works=False),
    Mode("done", write_only=True, works=True),
)


def new_lead(vendor: str) -> dict[str, Any]:
    """The arguments of an insert of somebody new."""
    n, facts = next(_people), facts_of(vendor)
    lead = {"first_name": "Zed", "last_name": f"Zap{n}", "email": f"zed.{n}@example.com"}
    phone = f"+1{AREAS[n // 100 % len(AREAS)]}55501{n % 100:02}"
    return {"account": vendor, "lead": {**lead, "phone": phone, **facts.needed}, "vendor_fields": dict(facts.own)}


def insertion(scene: Scene, vendor: str) -> dict[str, Any]:
    return {**new_lead(vendor), "idempotency_key": f"key{next(_keys)}"}


def inserted(scene: Scene, vendor: str, arguments: Mapping[str, Any]) -> int:
    filters = [{"field": "email", "op": "eq", "value": arguments["lead"]["email"]}]
    page = scene.call("search_leads", account=vendor, filters=filters, since=EVER)
    assert not page.is_error, page
    return len((page.structured_content or {})["leads"]["rows"])


def made(scene: Scene, vendor: str) -> str:
    """The URI of a new lead."""
    found = scene.call("insert_lead", **new_lead(vendor))
    assert not found.is_error, found
    return str((found.structured_content or {})["uri"])


def changing(scene: Scene, vendor: str) -> dict[str, Any]:
    change = facts_of(vendor).change
    assert change is not None
    key = f"key{next(_keys)}"
    return {"uri": made(scene, vendor), "changes": {change.field: change.wanted}, "idempotency_key": key}


def changed(scene: Scene, vendor: str, arguments: Mapping[str, Any]) -> int:
    ((name, wanted),) = arguments["changes"].items()
    found = scene.call("get_lead", uri=arguments["uri"])
    assert not found.is_error, found
    return int((found.structured_content or {})["lead"].get(name) == wanted)


def deleted(scene: Scene, vendor: str, arguments: Mapping[str, Any]) -> int:
    found = scene.call("get_lead", uri=arguments["uri"])
    if not found.is_error:
        return 0
    assert word_of(found) == "not_found", found
    return 1


WRITES: Final = (
    Write("insert", "insert_lead", insertion, inserted, lambda vendor: vendor.insert),
    Write("update", "update_lead", changing, changed, lambda vendor: vendor.update and vendor.insert),
    Write(
        "delete",
        "delete_lead",
        lambda scene, v: {"uri": made(scene, v)},
        deleted,
        lambda vendor: vendor.delete and vendor.insert,
        again=False,
    ),
)


def word_of(result: CallToolResult) -> str:
    """The outcome, or the code of the error."""
    said = dict(result.structured_content or {})
    return str(said["error"]["code"]) if result.is_error else str(said["outcome"])


def expected(fault: Fault, mode: Mode) -> frozenset[str]:
    """What the write may be answered with."""
    if mode.write_only:
        return fault.writes
    return (fault.reads - FOUND) | fault.writes | (DONE if fault.reads & FOUND else frozenset())


def cell(scene: Scene, vendor: str, fault: Fault, write: Write, mode: Mode) -> str:
    """The word for the answer under the fault, which was held against what the vendor has; likewise the same call again."""
    arguments = write.arguments(scene, vendor)
    request = (scene.call(write.tool, **arguments, dry_run=True).structured_content or {})["request"]
    scene.log.lines.clear()
    with scene.under(fault, vendor, only=request if mode.write_only else None, works=mode.works):
        result, took = scene.timed(write.tool, **arguments)
    word = word_of(result)
    assert_safe(scene, result)
    assert word in CODES | DONE | {LOST}, result.structured_content
    there = write.there(scene, vendor, arguments)
    if word in DONE - {"pending"}:
        assert there == 1, f"{word}, and is there {there} times"
    elif word != LOST:
        assert there == 0, f"{word}, and is there {there} times"
    assert there <= 1, f"{word}, and is there {there} times"
    if write.again:
        again = word_of(scene.call(write.tool, **arguments))
        assert_settled(again, there, write.there(scene, vendor, arguments))
    assert took <= DEADLINE + GRACE, f"{took:.1f} s"
    return word


def assert_settled(word: str, before: int, after: int) -> None:
    """What the same call says when the vendor is well again. ``before``, ``after``: how often the write had been done."""
    if before:
        assert (word in DONE, after) == (True, 1), f"again {word}, and is there {after} times"
    else:
        assert (word, after) in {(LOST, 0), *((one, 1) for one in DONE)}, f"again {word}, and is there {after} times"
