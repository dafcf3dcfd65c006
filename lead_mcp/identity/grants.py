"""``[grants]``: what a subject, a group or a claim of a token is worth. Of several that fit, each may only take away.

Without a grants table the token's own scopes decide, over every account. With one, whoever no grant fits gets nothing, and
scopes that the token carries narrow the grant's further.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lead_mcp.characters import cleaned
from lead_mcp.errors import SettingsError, did_you_mean
from lead_mcp.identity.principal import Principal, name_of, principal_of
from lead_mcp.identity.refusals import BadToken, NoGrant
from lead_mcp.identity.scopes import EVERY, NOTHING, Needs, Scope, read_scopes

KEYS: Final = ("subject", "group", "claim", "issuer", "accounts", "scopes", "pii")
WHO: Final = ("subject", "group", "claim")
ALL: Final = "*"
LONGEST_SUBJECT: Final = 255
SCOPES: Final = {str(one): one for one in Scope}


@dataclass(frozen=True, slots=True)
class Grant:
    """One row of the table. ``claim``: the claim's name; ``values``: any of which fits; ``accounts``: None for all."""

    name: str
    claim: str
    values: frozenset[str]
    scopes: Needs
    accounts: frozenset[str] | None
    pii: str = "full"
    issuer: str | None = None

    def fits(self, claims: Mapping[str, Any]) -> bool:
        return self.issuer in (None, claims.get("iss")) and not self.values.isdisjoint(_words(claims, self.claim))


def _words(claims: Mapping[str, Any], name: str) -> Iterable[str]:
    """A claim's values as texts; a name with dots leads into nested claims where no claim is called so."""
    value: Any = claims
    for part in (name,) if name in claims else name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    listed = value if isinstance(value, list) else [value]
    return [str(one) for one in listed if isinstance(one, str | int) and not isinstance(one, bool)]


@dataclass(frozen=True)
class Grants:
    """Every grant; None where there is no table."""

    table: Sequence[Grant] | None = None

    def principal(self, claims: Mapping[str, Any]) -> Principal:
        """Whom a checked token's claims name, with what is theirs. Raises NoGrant, BadToken."""
        subject = str(claims["sub"])
        if len(subject) > LONGEST_SUBJECT or cleaned(subject) != subject:
            raise BadToken("The token's subject is no name that can be kept.")
        name, carried = name_of(str(claims["iss"]), subject), token_scopes(claims)
        if self.table is None:
            return principal_of(name, carried or NOTHING, None)
        fitting = [one for one in self.table if one.fits(claims)]
        if not fitting:
            raise NoGrant(f"No grant fits {subject[:60]!r}. Ask whoever runs this server for an entry in its [grants].")
        return principal_of(name, _scopes(fitting, carried), _accounts(fitting), _pii(fitting))


def token_scopes(claims: Mapping[str, Any]) -> Needs | None:
    """Those of our scopes that the token carries, in ``scope`` or ``scp``; None where it carries no scopes at all."""
    for name in ("scope", "scp"):
        if name in claims:
            listed = claims[name].split() if isinstance(claims[name], str) else claims[name]
            known = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
            return frozenset(SCOPES[one] for one in known if one in SCOPES)
    return None


def _scopes(fitting: Sequence[Grant], carried: Needs | None) -> Needs:
    return (EVERY if carried is None else carried).intersection(*(one.scopes for one in fitting))


def _accounts(fitting: Sequence[Grant]) -> frozenset[str] | None:
    limits = [one.accounts for one in fitting if one.accounts is not None]
    return limits[0].intersection(*limits) if limits else None


def _pii(fitting: Sequence[Grant]) -> str:
    return "masked" if any(one.pii == "masked" for one in fitting) else "full"


# --- reading the table --------------------------------------------------------------------------------------------


def grants_of(table: Any, accounts: Iterable[str], issuers: Sequence[str]) -> Grants:
    """``[grants]`` as grants; ``table`` None: there is none. Raises SettingsError."""
    if table is None:
        return Grants()
    if not isinstance(table, Mapping) or not table or not all(isinstance(one, Mapping) for one in table.values()):
        raise SettingsError(
            "[grants] in the configuration file must be a table of tables: [grants.NAME] for each grant."
        )
    known = list(accounts)
    return Grants([_grant(f"[grants.{name}]", name, one, known, issuers) for name, one in table.items()])


def _grant(where: str, name: str, table: Mapping[str, Any], accounts: Sequence[str], issuers: Sequence[str]) -> Grant:
    for key in table:
        if key not in KEYS:
            raise SettingsError(f"{where} {key}: no such key.{did_you_mean(key, KEYS)}")
    claim, values = _who(where, table)
    scopes = _granted(where, table)
    pii = table.get("pii", "full")
    if pii not in ("full", "masked"):
        raise SettingsError(f"{where} pii: {str(pii)[:60]!r} is neither full nor masked.")
    issuer = _issuer(where, table, issuers, by_subject=claim == "sub")
    return Grant(name, claim, values, scopes, _granted_accounts(where, table, accounts), pii, issuer)


def _who(where: str, table: Mapping[str, Any]) -> tuple[str, frozenset[str]]:
    """The claim a grant looks at, and the values that fit."""
    given = [key for key in WHO if key in table]
    if len(given) != 1:
        raise SettingsError(f'{where} needs one of subject, group, or claim = "NAME=VALUE", and no other of them.')
    words = _list(f"{where} {given[0]}", table[given[0]])
    if given[0] != "claim":
        return {"subject": "sub", "group": "groups"}[given[0]], frozenset(words)
    pairs = [word.partition("=") for word in words]
    names = {name.strip() for name, _, _ in pairs}
    if len(names) != 1 or not all(name.strip() and equals and value.strip() for name, equals, value in pairs):
        raise SettingsError(f'{where} claim must be "NAME=VALUE", or a list of these with one NAME.')
    return names.pop(), frozenset(value.strip() for _, _, value in pairs)


def _granted(where: str, table: Mapping[str, Any]) -> Needs:
    words = _list(f"{where} scopes", table.get("scopes"))
    try:
        return EVERY if words == [ALL] else read_scopes(words)
    except ValueError as error:
        raise SettingsError(f"{where} scopes: {error}") from None


def _granted_accounts(where: str, table: Mapping[str, Any], known: Sequence[str]) -> frozenset[str] | None:
    words = _list(f"{where} accounts", table.get("accounts"))
    if words == [ALL]:
        return None
    for word in words:
        if word not in known:
            there = f"there are {', '.join(known)}" if known else "there is none"
            raise SettingsError(f"{where} accounts: no account {word[:60]!r}; {there}.{did_you_mean(word, known)}")
    return frozenset(words)


def _issuer(where: str, table: Mapping[str, Any], issuers: Sequence[str], *, by_subject: bool) -> str | None:
    issuer = table.get("issuer")
    if issuer is not None and issuer not in issuers:
        raise SettingsError(f"{where} issuer: {str(issuer)[:120]!r} is none of LEAD_MCP_OAUTH_ISSUER.")
    if issuer is None and by_subject and len(issuers) > 1:
        raise SettingsError(f"{where} needs issuer = ...: each of several issuers may have a subject of that name.")
    return issuer


def _list(where: str, value: Any) -> list[str]:
    """A text with commas, or a list of texts."""
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list) or not words or not all(isinstance(one, str) and one.strip() for one in words):
        raise SettingsError(f'{where} must be a text or a list of texts ("{ALL}" alone for all).')
    return [one.strip() for one in words]
