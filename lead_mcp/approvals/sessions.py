"""Who has signed in, in a sealed cookie: no replica keeps anything, and any of them that has the keys reads it.

The cookie holds the token, encrypted, so that each request asks anew whether it still counts.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any, Final

from lead_mcp.hosts import is_loopback
from lead_mcp.identity.refusals import BadToken

if TYPE_CHECKING:
    from lead_mcp.identity.code_flow import PendingSignIn

NAME: Final = "lead-mcp-approvals"
BEGUN: Final = "lead-mcp-sign-in"
"""The cookies of a session, and of a sign-in under way."""
SECONDS: Final = 1800
"""A session's length; it is not made longer by use."""
LONGEST: Final = 2800
"""Characters of a token that fit into a cookie."""


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in. ``mark``: what each of its forms holds, so that no other page can send one."""

    token: str = field(repr=False)
    mark: str = field(repr=False)

    @classmethod
    def begin(cls, token: str) -> Session:
        """Raises BadToken where no cookie could hold it."""
        if len(token) > LONGEST:
            raise BadToken(f"The token is longer than {LONGEST} characters, too long for a cookie.")
        return cls(token, token_urlsafe(24))

    def marks(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self.mark.encode())


class Sessions:
    """Seals with the newest of the keys and opens what any of them has sealed."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        from cryptography.fernet import Fernet, MultiFernet

        own = [hmac.digest(key, b"lead-mcp approvals", "sha256") for key in keys]
        self._fernet = MultiFernet([Fernet(urlsafe_b64encode(key)) for key in own])

    def cookie(self, session: Session) -> str:
        return self._sealed([session.token, session.mark])

    def of_cookie(self, text: str) -> Session | None:
        """The session of a cookie; None where it is none of ours, or has ended."""
        found = self._opened(text)
        return Session(*found) if found and len(found) == 2 else None

    def begun(self, sign_in: PendingSignIn) -> str:
        """A sign-in under way, for a cookie of the browser that began it."""
        return self._sealed(["sign-in", sign_in.state, sign_in.nonce, sign_in.verifier, sign_in.to])

    def of_begun(self, text: str) -> PendingSignIn | None:
        """The sign-in of a cookie; None where it is none of ours, or began too long ago."""
        from lead_mcp.identity.code_flow import PendingSignIn

        found = self._opened(text)
        return PendingSignIn(*found[1:]) if found and found[0] == "sign-in" and len(found) == 5 else None

    def question(self, about: str, agreements: Sequence[str | None]) -> str:
        """What a yes is bound to, for a form: good for what it is about alone, as long as a session."""
        return self._sealed([about, "question", *agreements])

    def agreements(self, about: str, text: str) -> list[str | None] | None:
        """What a yes to that question is bound to; None where it is none, is about something else or too old."""
        found = self._opened(text)
        return found[2:] if found and found[:2] == [about, "question"] else None

    def _sealed(self, values: Sequence[str | None]) -> str:
        return self._fernet.encrypt(json.dumps(values).encode()).decode()

    def _opened(self, text: str) -> list[Any] | None:
        from cryptography.fernet import InvalidToken

        try:
            found: list[Any] = json.loads(self._fernet.decrypt(text.encode(), ttl=SECONDS))
        except (InvalidToken, UnicodeEncodeError):
            return None
        return found


def cookie_name(host: str, name: str = NAME) -> str:
    """Beyond loopback the browser itself holds it to this host and to TLS."""
    return name if is_loopback(host) else f"__Host-{name}"


def set_cookie(host: str, text: str, seconds: int, name: str = NAME) -> str:
    """The header that sets it, or with no ``seconds`` drops it. The issuer's answer is another site's link to us."""
    secure = "" if is_loopback(host) else "; Secure"
    site = "Strict" if name == NAME else "Lax"
    return f"{cookie_name(host, name)}={text}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={site}{secure}"
