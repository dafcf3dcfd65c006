"""Each code of an error, provoked over the sandbox: what docs/troubleshooting.md shows of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.driving import Bench, bench

LEADS: Final = 40
ANN: Final = {"first_name": "Ann", "last_name": "Lee", "email": "ann.lee@example.com", "phone": "+12135550101"}
LEAD: Final = "lead://octanist/lead_005f0027"
MISSING: Final = "lead://octanist/lead_0000ffff"
WRITE: Final = re.compile(r"w-[0-9a-f]{8,}")


@dataclass(frozen=True)
class Trouble:
    """A call that fails. ``faults``: what Octanist does wrong meanwhile, each kind with its options."""

    tool: str
    arguments: Mapping[str, Any]
    faults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def failing(kind: str, **options: Any) -> Trouble:
    """A search at Octanist, which fails so at every request."""
    return Trouble("search_leads", {"account": "octanist", "limit": 1}, {kind: options})


INSERT: Final = {"account": "octanist", "lead": ANN}
STALE: Final = {"uri": LEAD, "changes": {"value": 900}, "expect": {"value": 1}}
TROUBLES: Final[Mapping[str, Trouble]] = {
    "bad_argument": Trouble("search_leads", {"since": "last tuesday"}),
    "unknown_field": Trouble("search_leads", {"filters": [{"field": "stauts", "op": "eq", "value": "won"}]}),
    "not_configured": Trouble("search_leads", {"account": "octanst"}),
    "not_offered": Trouble("get_recordings", {"uri": LEAD}),
    "not_allowed": Trouble("insert_lead", INSERT),
    "conflict": Trouble("update_lead", STALE),
    "unauthorized": failing("status", status=401),
    "not_found": Trouble("get_lead", {"uri": MISSING}),
    "rejected": failing("status", status=422, body={"error": "Unknown query parameter"}),
    "rate_limited": failing("status", status=429, retry_after=60.0),
    "unavailable": failing("status", status=503),
    "timeout": failing("hang"),
    "garbled": failing("html"),
    "too_large": failing("huge"),
}
LOST: Final = Trouble("insert_lead", INSERT, {"cut_after": {"method": "POST"}, "status": {"method": "GET", "skip": 4}})
"""A write whose answer is lost, and that cannot be looked for afterwards."""


def messages() -> Iterator[tuple[str, str]]:
    """Each code and its text, as a client gets it; ids of writes are left out, since they are chance."""
    with bench(LEADS) as driven:
        for code, trouble in TROUBLES.items():
            yield code, _said(driven, trouble)
    with bench(LEADS, environment={"LEAD_MCP_WRITES": "allow"}) as driven:
        yield "unknown_outcome", _said(driven, LOST)


def _said(driven: Bench, trouble: Trouble) -> str:
    for kind, options in trouble.faults.items():
        driven.box.fault("octanist", kind, times=-1, **options)
    result = driven.raw_call(trouble.tool, **trouble.arguments)
    driven.box.mend("octanist")
    assert result.is_error
    return WRITE.sub("w-...", "\n".join(block.text for block in result.content if block.type == "text"))
