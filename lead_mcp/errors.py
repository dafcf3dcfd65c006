"""The whole tree of what can go wrong. Ask first whose fault it is.

LeadMcpError
├── CallError                the caller's: nothing was sent
│   ├── BadArgument          bad_argument    a value, a date, a limit, a cursor
│   ├── UnknownField         unknown_field   no chosen account has this field
│   ├── NotConfigured        not_configured  no such account, or a setting is missing
│   ├── NotOffered           not_offered     this vendor has no such thing; ``offered_by`` says who does
│   └── NotAllowed           not_allowed     our own setting, or a person's missing answer, forbids it
│       └── Pending          not_allowed     it waits for `lead-mcp approve`; ``journal_id`` names it
├── Conflict                 conflict        duplicate, stale ``expect``, a key used for something else
├── UnknownOutcome           unknown_outcome a write may or may not have happened
└── VendorError              the vendor's
    ├── Unauthorized         unauthorized    it refused our credential
    ├── NotFound             not_found       it has no such record
    ├── Rejected             rejected        it refused the content
    ├── RateLimited          rate_limited    it was asked too often; ``retry_after`` in seconds where known
    ├── Unavailable          unavailable     down, unreachable, or a server fault
    ├── TimedOut             timeout         slower than the deadline
    ├── MalformedReply       garbled         its reply could not be understood
    └── TooLarge             too_large       its reply passed the limit

``SettingsError`` stands apart: it is raised at start-up, before anybody can call.
Messages name the thing and the way out. Vendor text in them is quoted, one line, cut short; secrets never reach them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from traceback import format_tb
from typing import ClassVar

QUOTE_LIMIT = 200
QUOTATION = re.compile(r"“.*”|(?<!\w)'.*'(?!\w)", re.DOTALL)
"""From the first sign of a quotation to the last: what stands between two may be a part of one."""
DEEPEST = 20
OUR_URI = re.compile(r"(?:lead|ping|recording|account|journal|export)://", re.IGNORECASE)


class LeadMcpError(Exception):
    """Anything of ours. ``code`` is the contract's word for it; ``account`` the one it happened at, if one did."""

    code: ClassVar[str] = "unavailable"

    def __init__(
        self,
        message: str,
        *,
        account: str | None = None,
        vendor_code: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.account = account
        self.vendor_code = vendor_code
        self.status = status
        self.retry_after = retry_after
        self.sent = sent
        """False where the request provably never reached the vendor: such a one may be sent again."""


class SettingsError(Exception):
    """A setting is missing, unknown or wrong. The message names the key and the fix."""


class CallError(LeadMcpError):
    """The call is wrong; nothing was sent."""


class BadArgument(CallError):
    code = "bad_argument"


class UnknownField(CallError):
    code = "unknown_field"


class NotConfigured(CallError):
    code = "not_configured"


class NotOffered(CallError):
    code = "not_offered"


class NotAllowed(CallError):
    code = "not_allowed"


class Pending(NotAllowed):
    """The write waits for approval; ``journal_id`` names it."""

    def __init__(self, message: str, *, journal_id: str, account: str | None = None) -> None:
        super().__init__(message, account=account)
        self.journal_id = journal_id


class Conflict(LeadMcpError):
    code = "conflict"


class UnknownOutcome(LeadMcpError):
    code = "unknown_outcome"


class VendorError(LeadMcpError):
    """The vendor's answer, or the lack of one."""


class Unauthorized(VendorError):
    code = "unauthorized"


class NotFound(VendorError):
    code = "not_found"


class Rejected(VendorError):
    code = "rejected"


class RateLimited(VendorError):
    code = "rate_limited"


class Unavailable(VendorError):
    code = "unavailable"


class TimedOut(VendorError):
    code = "timeout"


class MalformedReply(VendorError):
    code = "garbled"


class TooLarge(VendorError):
    code = "too_large"


def error_of_code(code: str, message: str, *, account: str | None = None) -> LeadMcpError:
    """An error known by its code alone, such as one that an earlier page met."""
    return _by_code().get(code, LeadMcpError)(message, account=account)


def _by_code() -> dict[str, type[LeadMcpError]]:
    found: dict[str, type[LeadMcpError]] = {}
    waiting: list[type[LeadMcpError]] = [LeadMcpError]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.code, kind)
        waiting.extend(kind.__subclasses__())
    return found


def disarmed(text: str) -> str:
    """Somebody else's words, in which nothing passes for one of our URIs: nobody else makes these."""
    return OUR_URI.sub(lambda found: found[0].replace("://", ":∕∕"), text)


def quoted(text: object) -> str:
    """Somebody else's words on one line, cut short, between quotation marks: data, never an instruction."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    line = disarmed(line)
    return f"“{line[:QUOTE_LIMIT]}…”" if len(line) > QUOTE_LIMIT else f"“{line}”"


def own_words(error: LeadMcpError) -> str:
    """``code: message`` without what it quotes, which a vendor may have taken from somebody's record: what may be kept where
    no such value is, or longer than they are."""
    return f"{error.code}: {QUOTATION.sub('“…”', error.message)}"


def trace_of(error: BaseException) -> str:
    """Where it was raised and what kind it is, and those it came from; without words: they may quote a value."""
    parts: list[str] = []
    found: BaseException | None = error
    while found is not None and len(parts) < DEEPEST:
        inner = found.exceptions if isinstance(found, BaseExceptionGroup) else ()
        number = f" {found.errno}" if isinstance(found, OSError) else ""
        parts.append(
            "".join([*format_tb(found.__traceback__), type(found).__name__, number, "\n", *map(trace_of, inner)])
        )
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
    return "".join(reversed(parts))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``" Did you mean X?"``, or an empty string where nothing is near."""
    from difflib import get_close_matches

    names = {name.casefold(): str(name) for name in known}  # a StrEnum's member would show as one
    near = get_close_matches(word.casefold(), list(names), n=1, cutoff=0.6)
    return f" Did you mean {names[near[0]]!r}?" if near else ""
