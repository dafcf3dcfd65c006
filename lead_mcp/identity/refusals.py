"""Why a request does not come in, as OAuth says it (RFC 6750, section 3.1)."""

from __future__ import annotations

from typing import ClassVar


class AccessDenied(Exception):
    """The request is not served. Its words reach the client, and hold nothing of the token."""

    status: ClassVar[int]
    error: ClassVar[str]


class BadToken(AccessDenied):
    """The token is not one, not for us, or counts no more."""

    status = 401
    error = "invalid_token"


class NoGrant(AccessDenied):
    """We know who it is, and nothing was granted to them."""

    status = 403
    error = "insufficient_scope"


class SignInDown(AccessDenied):
    """The issuer cannot be asked just now, and what is known from before is not enough."""

    status = 503
    error = "temporarily_unavailable"
