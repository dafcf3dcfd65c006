"""The principal: whom a call is made for, and what they may. A plain value that every call, cursor and key is bound to."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

from lead_mcp.errors import NotAllowed
from lead_mcp.identity.scopes import EVERY, NOTHING, Needs, Scope, in_order

HOLDER: Final = "token:"
"""Before the name of whoever has a static token, as a principal."""
LONGEST: Final = 100
"""Characters of a name; the journal's column is as wide."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a call is made for. ``accounts``: None for all of them."""

    name: str
    scopes: frozenset[Scope]
    accounts: frozenset[str] | None = None
    pii: Literal["full", "masked"] = "masked"

    @property
    def is_local(self) -> bool:
        """Whether it is whoever runs this server: all is theirs."""
        return self == LOCAL

    def may(self, needs: Needs) -> bool:
        return needs <= self.scopes

    def may_use(self, account: str) -> bool:
        return self.accounts is None or account in self.accounts

    def lacking(self, needs: Needs, what: str) -> NotAllowed | None:
        """The refusal of ``what``, naming what is missing; None where nothing is."""
        if self.may(needs):
            return None
        missing = in_order(needs - self.scopes)
        return NotAllowed(f"{what} needs {missing}, which you were not granted. Ask whoever runs this server for it.")

    def check(self, needs: Needs, what: str) -> None:
        """Raises NotAllowed where ``what`` needs more than was granted."""
        if (refusal := self.lacking(needs, what)) is not None:
            raise refusal


def principal_of(name: str, scopes: Needs, accounts: frozenset[str] | None, pii: str = "full") -> Principal:
    """The principal with these grants; personal values are in clear only where scope and ``pii`` both say so."""
    open_to = Scope.PII_READ in scopes and pii == "full"
    return Principal(name, scopes, accounts, "full" if open_to else "masked")


def name_of(issuer: str, subject: str) -> str:
    """A subject's name: with its issuer, since two issuers may each have a subject of that name; cut short by a digest."""
    whole = f"{issuer}#{subject}"
    return whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 33]}~{sha256(whole.encode()).hexdigest()[:32]}"


LOCAL: Final = Principal("local", EVERY, None, "full")
"""Who calls over stdio, in memory, on a loopback without identity, or with ``LEAD_MCP_HTTP_TOKEN``: all is theirs."""
NOBODY: Final = Principal("nobody", NOTHING, frozenset())
"""Who calls a server with identity and has none: nothing is theirs."""
