"""Positions in an order as a cursor holds them: accounts by number, URIs taken apart, texts as they compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lead_mcp.engine.records import Position
from lead_mcp.errors import BadArgument
from lead_mcp.filters import Value, folded, plain
from lead_mcp.uris import lead_uri, parse_uri, ping_moment, ping_uri


@dataclass(frozen=True)
class Places:
    """Packs positions in answers over ``names`` (sorted accounts); ``kind``: ``lead``, ``inbound`` or ``outbound``."""

    names: Sequence[str]
    kind: str

    def number(self, name: str) -> int:
        return self.names.index(name)

    def packed(self, position: Position) -> list[Any]:
        """``[values, account, id]``, of a ping also its time; ``[values]`` where there is no URI."""
        values = [_comparable(value) for value in position.values]
        return [values] if position.uri is None else [values, *self._short(position)]

    def unpacked(self, found: Sequence[Any]) -> Position:
        values, *rest = found
        return Position(tuple(values), self._uri(values, rest) if rest else None)

    def _short(self, position: Position) -> list[Any]:
        """What is left of a URI beside the accounts' names and the position's own time; the whole where that is not all."""
        whole = position.uri or ""
        try:
            found = parse_uri(whole)
            short: list[Any] = [self.number(found.account), found.id]
        except (BadArgument, ValueError):
            return [whole]
        if self.kind != "lead":
            alike = self._uri(position.values, [*short, None]) == whole
            short.append(None if alike else ping_moment(found))
        return short if self._uri(position.values, short) == whole else [whole]

    def _uri(self, values: Sequence[Value], short: Sequence[Any]) -> str:
        if len(short) == 1:
            return str(short[0])
        account, lead_id, *ping = short
        if not ping:
            return lead_uri(self.names[account], lead_id)
        at = ping[-1] or next((value for value in values if isinstance(value, datetime)), None)
        return ping_uri(self.names[account], self.kind, lead_id, at)


def _comparable(value: Value) -> Value:
    """The value, or one that stands at the same place in an order."""
    return folded(plain(value)) if isinstance(value, str | list | dict) else value
