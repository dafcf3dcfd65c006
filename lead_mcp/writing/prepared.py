"""A write made ready: the request, and what a person is to know of it. Preparing reads, and never writes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.persons.person import Person
from lead_mcp.errors import LeadMcpError
from lead_mcp.journal.entries import digest_of
from lead_mcp.transport.redaction import REDACTED
from lead_mcp.vendors.spec.http import Reply, Request
from lead_mcp.vendors.spec.writing import WriteResult
from lead_mcp.writing.context import WriteContext
from lead_mcp.writing.duplicate_check import DuplicateCheck
from lead_mcp.writing.outcome import Action, Outcome, OutcomeKind, WriteWarning
from lead_mcp.writing.vendor_time import NOTHING_SENT


@dataclass(frozen=True, kw_only=True)
class PreparedWrite:
    """A write about to be.

    ``verdict``: what it comes to without a request (a duplicate, nothing to change). ``refusal``: why it is not sent, though
    it could be. ``known``: URIs of the same person's leads that were there before, None where nobody looked at them all.
    ``queued``: fields that the vendor settles later. ``checked``: the look for duplicates, where there was one.
    """

    connection: Connection
    action: Action
    request: Request | None = None
    read: Callable[[Reply], WriteResult] | None = None
    uri: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    secrets: frozenset[str] = frozenset()
    warnings: tuple[WriteWarning, ...] = ()
    verdict: OutcomeKind | None = None
    refusal: LeadMcpError | None = None
    queued: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    person: Person = field(default_factory=Person)
    known: Sequence[str] | None = None
    checked: DuplicateCheck | None = None

    def redacted_request(self) -> dict[str, Any]:
        """The request as anybody may know it: method, path and body, secrets out."""
        if self.request is None:
            return {}
        body = {"query": dict(self.request.query) or None, "form": self.request.form, "json": self.request.json}
        given = {name: _redacted(value, self.secrets) for name, value in body.items() if value is not None}
        return {"method": self.request.method, "path": self.request.path, **given}

    def digest(self) -> str:
        """What a person's answer is bound to: the request (but for its token) and the state it was asked against."""
        request = json.dumps(self.redacted_request(), sort_keys=True, default=str)
        request = request.replace(self.token, "token") if self.token else request
        return digest_of([self.action, request, self.before, self.uri, self.verdict])

    def check(self) -> None:
        """Raises the refusal, if there is one."""
        if self.refusal is not None:
            raise self.refusal

    def without_request(self) -> Outcome:
        """The outcome of a write that has a verdict."""
        kind = self.verdict or OutcomeKind.UNCHANGED
        return Outcome(kind, self.uri, self.before, warnings=self.warnings, checked=self.checked)


def _redacted(value: Any, secrets: frozenset[str], path: str = "") -> Any:
    if isinstance(value, Mapping):
        return {key: _redacted(item, secrets, f"{path}.{key}" if path else str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_redacted(item, secrets, path) for item in value]
    return REDACTED if path in secrets or path.rpartition(".")[2] in secrets else value


@dataclass(frozen=True)
class Sent:
    """What is known of a request whose answer is lost: ``known`` as its ``PreparedWrite`` had it."""

    known: Sequence[str] | None = None


class Intent(Protocol):
    """One write that somebody means. ``token`` is the same for every try of one write."""

    @property
    def connection(self) -> Connection: ...

    async def prepare(self, context: WriteContext, token: str, *, look: bool = True) -> PreparedWrite:
        """Look and make ready. ``look`` False: nothing is read, only what was given is checked."""
        ...

    async def settle(self, context: WriteContext, sent: Sent) -> str | None:
        """After a lost answer: the URI of the lead that proves it was done; None where looking proves nothing."""
        ...


async def prepare(
    intent: Intent, context: WriteContext, token: str, *, look: bool = True, most: float = math.inf
) -> PreparedWrite:
    """The intent made ready in the time that is left, ``most`` seconds of it. Raises TimedOut: nothing was sent."""
    with context.time.counted(intent.connection.name, most, NOTHING_SENT):
        return await intent.prepare(context, token, look=look)
