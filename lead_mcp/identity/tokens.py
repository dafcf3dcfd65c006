"""Static tokens: this server's own, for teams without an OAuth issuer. Shown once; the file holds salted hashes.

A token is ``lmcp_ID_SECRET``. The secret is 256 random bits, so one round of SHA-256 over it and a salt is enough: there is no
dictionary to try. Revoked ones stay in the file: a server whose last token was revoked must not stand open again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any, Final

from filelock import FileLock, Timeout

from lead_mcp.dates import utc_now
from lead_mcp.errors import BadArgument, NotAllowed, did_you_mean
from lead_mcp.identity.principal import HOLDER, Principal, principal_of
from lead_mcp.identity.scopes import read_scopes
from lead_mcp.state_dir import private_folder, read_private, write_private

PREFIX: Final = "lmcp_"
FILE: Final = "tokens.json"
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
DURATION: Final = re.compile(r"([1-9][0-9]{0,4})([dh])")
HOURS: Final = {"d": 24, "h": 1}
SECONDS: Final = 5
"""How long another process may take to write the file."""


@dataclass(frozen=True, slots=True)
class StaticToken:
    """One token as the file has it. Times are ISO 8601 UTC."""

    name: str
    id: str
    salt: str = field(repr=False)
    digest: str = field(repr=False)
    scopes: tuple[str, ...]
    accounts: tuple[str, ...] | None
    created: str
    expires: str | None = None
    revoked: str | None = None

    def state(self, now: datetime) -> str:
        if self.revoked:
            return "revoked"
        return "expired" if self.expires and datetime.fromisoformat(self.expires) <= now else "active"

    def opens(self, secret: str, now: datetime) -> bool:
        """Whether that secret is its own, and it still counts."""
        same = hmac.compare_digest(_digest(self.salt, secret), self.digest)
        return same and self.state(now) == "active"

    @property
    def principal(self) -> Principal:
        accounts = None if self.accounts is None else frozenset(self.accounts)
        return principal_of(f"{HOLDER}{self.name}", read_scopes(self.scopes), accounts)


def _digest(salt: str, secret: str) -> str:
    return hashlib.sha256(f"{salt}:{secret}".encode()).hexdigest()


def until(text: str, now: datetime) -> str:
    """The moment ``90d`` or ``12h`` from now. Raises BadArgument."""
    found = DURATION.fullmatch(text.strip().casefold())
    if found is None:
        raise BadArgument(f"--expires: {text[:20]!r} is no length of time, such as 90d or 12h.")
    return (now + timedelta(hours=int(found[1]) * HOURS[found[2]])).isoformat()


@dataclass
class Tokens:
    """The tokens of one state folder. A change made by another process counts from the next request on."""

    folder: Path
    clock: Callable[[], datetime] = utc_now
    _seen: tuple[int, int] | None = None
    _known: dict[str, StaticToken] = field(default_factory=dict, repr=False)

    @property
    def path(self) -> Path:
        return self.folder / FILE

    def any(self) -> bool:
        """Whether a token was ever made here."""
        return bool(self.all())

    def all(self) -> list[StaticToken]:
        """Every token, oldest first. Raises NotAllowed where the file cannot be understood: nobody comes in then."""
        try:
            stamp = self.path.stat()
        except FileNotFoundError:
            self._seen, self._known = None, {}
            return []
        except OSError as error:
            raise self._unreadable(error.strerror) from None
        seen = (stamp.st_mtime_ns, stamp.st_ino)
        if seen != self._seen:
            self._known, self._seen = {one.id: one for one in self._read()}, seen
        return list(self._known.values())

    def _read(self) -> list[StaticToken]:
        try:
            return [_token(one) for one in json.loads(read_private(self.path))["tokens"]]
        except OSError as error:
            raise self._unreadable(error.strerror) from None
        except (ValueError, KeyError, TypeError):
            raise self._unreadable("it is damaged") from None

    def _unreadable(self, why: str | None) -> NotAllowed:
        return NotAllowed(f"{self.path} cannot be read ({why}). Nobody with a token comes in until that is mended.")

    def principal(self, token: str) -> Principal | None:
        """Whose token that is; None where it is nobody's, or counts no more."""
        name, _, secret = token.removeprefix(PREFIX).partition("_")
        self.all()
        found = self._known.get(name)
        return found.principal if found is not None and found.opens(secret, self.clock()) else None

    def holder(self, name: str) -> Principal | None:
        """The principal of that name, while a token of theirs counts."""
        now = self.clock()
        held = (one.principal for one in self.all() if one.state(now) == "active")
        return next((one for one in held if one.name == name), None)

    def new(
        self, name: str, scopes: Sequence[str], accounts: Sequence[str] | None, expires: str | None
    ) -> tuple[StaticToken, str]:
        """A new token and its text, which is not kept. Raises BadArgument."""
        if not NAME.fullmatch(name):
            raise BadArgument(f"{name[:60]!r}: a token's name is up to 60 lower-case letters, digits, dots and dashes.")
        ident, salt, secret, now = token_hex(4), token_hex(16), token_urlsafe(32), self.clock()
        kept = None if accounts is None else tuple(accounts)
        end = until(expires, now) if expires else None
        made = StaticToken(name, ident, salt, _digest(salt, secret), tuple(scopes), kept, now.isoformat(), end)

        def add(known: list[StaticToken]) -> list[StaticToken]:
            if any(one.name == name and one.state(now) == "active" for one in known):
                raise BadArgument(f"There is a token {name!r} already. Revoke it first, or choose another name.")
            return [*known, made]

        self._change(add)
        return made, f"{PREFIX}{ident}_{secret}"

    def revoke(self, name: str) -> None:
        """Let it count no more. Raises BadArgument where no such token counts."""
        now = self.clock()

        def end(known: list[StaticToken]) -> list[StaticToken]:
            active = [one.name for one in known if one.state(now) == "active"]
            if name not in active:
                raise BadArgument(
                    f"No active token {name[:60]!r}; `lead-mcp token list` has them.{did_you_mean(name, active)}"
                )
            ended = now.isoformat()
            return [replace(one, revoked=ended) if one.name == name and not one.revoked else one for one in known]

        self._change(end)

    def _change(self, work: Callable[[list[StaticToken]], list[StaticToken]]) -> None:
        """Write the file anew, whole or not at all, while nobody else does."""
        private_folder(self.folder)
        try:
            with FileLock(self.folder / f"{FILE}.lock", timeout=SECONDS, mode=0o600):
                tokens = [asdict(one) for one in work(self.all())]
                write_private(self.path, json.dumps({"tokens": tokens}, indent=1).encode(), alone=True)
        except Timeout:
            raise NotAllowed(f"Another process has held {self.path} for {SECONDS} s. Try again.") from None


def _token(one: dict[str, Any]) -> StaticToken:
    accounts = one["accounts"]
    read_scopes(one["scopes"])
    listed = {"scopes": tuple(one["scopes"]), "accounts": None if accounts is None else tuple(accounts)}
    return StaticToken(**{**one, **listed})
