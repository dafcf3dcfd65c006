"""Every tool over a vendor's replies with one thing changed: pings, recordings, own fields, writes, and the reading of leads.

What readers make of replies is in tests/contract; here the answer of the tool is looked at, through every layer above them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest
from hypothesis import settings
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lead_mcp.vendors.spec.vendor import Vendor
from tests.contract.replies import VALUES, places, put
from tests.driving import Bench, bench
from tests.facts import TRIED, facts_of, settled
from tests.fuzz.promised import assert_promised, bounded

pytestmark = pytest.mark.slow
PER_CALL: Final = {"quick": 1, "usual": 2, "thorough": 40}
"""Changes that are tried of each call's replies."""
AREAS: Final = (213, 212, 312, 415, 617, 702, 713, 808, 206, 303, 404, 503)
_people = itertools.count()


@dataclass(frozen=True)
class Asked:
    """A call; ``offered``: whether a vendor has such a thing."""

    tool: str
    arguments: Callable[[Bench, str], dict[str, Any]]
    offered: Callable[[Vendor], object]


def insertion(driven: Bench, vendor: str) -> dict[str, Any]:
    n, facts = next(_people), facts_of(vendor)
    lead = {"first_name": "Zed", "last_name": f"Zap{n}", "email": f"zed.{n}@example.com"}
    phone = f"+1{AREAS[n // 100 % len(AREAS)]}55501{n % 100:02}"
    return {"account": vendor, "lead": {**lead, "phone": phone, **facts.needed}, "vendor_fields": dict(facts.own)}


def change(driven: Bench, vendor: str) -> dict[str, Any]:
    wanted = facts_of(vendor).change
    assert wanted is not None
    return {"uri": fresh(driven, vendor), "changes": {wanted.field: wanted.wanted}}


def fresh(driven: Bench, vendor: str) -> str:
    """The URI of a new lead."""
    return str(driven.call("insert_lead", **insertion(driven, vendor))["uri"])


def some_lead(driven: Bench, vendor: str) -> str:
    return driven.everything(vendor)[0].uri


CALLS: Final[Mapping[str, Asked]] = {
    "inbound pings": Asked(
        "query_pings", lambda _, v: {"account": v, "direction": "inbound", "since": "-90d"}, lambda vendor: vendor.pings
    ),
    "pings in groups": Asked(
        "query_pings",
        lambda _, v: {
            "account": v,
            "direction": "outbound",
            "since": "-90d",
            "group_by": ["day"],
            "measures": ["sum:price"],
        },
        lambda vendor: vendor.pings,
    ),
    "recordings": Asked(
        "get_recordings", lambda driven, v: {"uri": some_lead(driven, v)}, lambda vendor: vendor.recordings
    ),
    "own fields": Asked("list_accounts", lambda _, v: {"account": v}, lambda vendor: True),
    "statement": Asked(
        "query_sql",
        lambda _, v: {"account": v, "sql": "SELECT * FROM leads", "since": "2000-01-01"},
        lambda vendor: True,
    ),
    "story": Asked("trace_lead", lambda driven, v: {"uri": some_lead(driven, v)}, lambda vendor: True),
    "insert": Asked("insert_lead", insertion, lambda vendor: vendor.insert),
    "update": Asked("update_lead", change, lambda vendor: vendor.update and vendor.insert),
    "delete": Asked(
        "delete_lead", lambda driven, v: {"uri": fresh(driven, v)}, lambda vendor: vendor.delete and vendor.insert
    ),
}


class Taped:
    """An emulator whose good replies are kept, by method and path."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.kept: dict[tuple[str, str], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts: list[bytes] = []

        async def tape(message: Message) -> None:
            parts.append(message.get("body", b""))
            await send(message)

        await self.app(scope, receive, tape)
        try:
            self.kept.setdefault((scope["method"], scope["path"]), json.loads(b"".join(parts)))
        except ValueError:  # audio
            return


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    state = tmp_path_factory.mktemp("replies")
    own = {"LEAD_MCP_WRITES": "allow", "LEAD_MCP_DELETES": "allow", "LEAD_MCP_STATE_DIR": str(state)}
    with bench(8, only=TRIED, options=settled(), environment={**own, "LEAD_MCP_SCAN_LIMIT": "300"}) as found:
        for stage in found.box.stages.values():
            stage.app = Taped(stage.app)
        yield found


def taped(driven: Bench, vendor: str, call: Asked) -> Mapping[tuple[str, str], Any]:
    """The replies of a call that went well."""
    tape = driven.box.stages[vendor].app
    assert isinstance(tape, Taped)
    arguments = call.arguments(driven, vendor)
    calm(driven, vendor)
    tape.kept.clear()
    assert_promised(driven.raw_call(call.tool, **arguments))
    return dict(tape.kept)


def calm(driven: Bench, vendor: str) -> None:
    """A vendor of whom nothing was learned from spoilt replies."""
    connection = driven.runtime.connection(vendor)
    connection._known.clear()
    connection.outbound.token.text = ""


def changes(replies: Mapping[tuple[str, str], Any]) -> Sequence[tuple[tuple[str, str], Any]]:
    """A sample of all single changes of all replies."""
    every = [
        (where, put(body, path, value)) for where, body in replies.items() for path in places(body) for value in VALUES
    ]
    many = PER_CALL[settings.get_current_profile_name()]
    return every[:: max(1, len(every) // many)]


@pytest.mark.parametrize("vendor", TRIED)
@pytest.mark.parametrize("name", CALLS)
def test_a_changed_reply_is_an_answer_or_an_error_of_the_promised_shape(driven: Bench, vendor: str, name: str) -> None:
    call = CALLS[name]
    if not call.offered(driven.runtime.connection(vendor).vendor):
        return
    for (method, path), body in changes(taped(driven, vendor, call)):
        arguments = call.arguments(driven, vendor)
        calm(driven, vendor)
        said = json.dumps(body)  # as text: no emulator could encode half a character
        driven.box.fault(vendor, "status", status=200, body=said, path=path, method=method, times=-1)
        try:
            with bounded():
                assert_promised(driven.raw_call(call.tool, **arguments), arguments)
        finally:
            driven.box.mend(vendor)
