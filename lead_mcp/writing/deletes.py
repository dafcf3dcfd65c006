"""The end of one lead: what it was, the request, and how a lost answer is settled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.lookup import get_record
from lead_mcp.errors import NotFound
from lead_mcp.uris import lead_uri
from lead_mcp.vendors.spec.fields import CANONICAL
from lead_mcp.writing.context import WriteContext
from lead_mcp.writing.offers import offered_delete
from lead_mcp.writing.outcome import Action
from lead_mcp.writing.prepared import PreparedWrite, Sent
from lead_mcp.writing.values import stored


@dataclass(frozen=True)
class DeleteIntent:
    """The end of one lead."""

    connection: Connection
    lead_id: str

    async def prepare(self, context: WriteContext, token: str, *, look: bool = True) -> PreparedWrite:
        delete = offered_delete(self.connection)
        record = await get_record(self.connection, self.lead_id, context.deadline)
        return PreparedWrite(
            connection=self.connection,
            action=Action.DELETE,
            request=delete.build(self.connection.account, record.id),
            read=partial(delete.read, self.connection.account, record.id),
            uri=record.uri,
            before={name: stored(record.get(name)) for name in CANONICAL if record.get(name) is not None},
            warnings=(delete.warning,) if delete.warning else (),
        )

    async def settle(self, context: WriteContext, sent: Sent) -> str | None:
        """The lead, if it is gone."""
        try:
            await get_record(self.connection, self.lead_id, context.deadline)
        except NotFound:
            return lead_uri(self.connection.name, self.lead_id)
        return None
