"""What ``lead-mcp init`` needs to know of an account: from flags, and from a person for what they leave open."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import typer

from lead_mcp import vendors
from lead_mcp.errors import SettingsError, did_you_mean
from lead_mcp.settings import (
    REFERENCES,
    check_name,
    check_setting,
    server_settings,
    settings_of,
    variables_of,
)
from lead_mcp.settings.accounts import groups_of
from lead_mcp.settings.file import ENV
from lead_mcp.settings.zone import machine_zone
from lead_mcp.vendors.spec.vendor import Setting, Vendor

TRIES: Final = 3
"""Times that a question is asked, where what is typed cannot be right."""


@dataclass(frozen=True)
class InitOptions:
    """What the flags say. ``server``: settings of ``[server]``; ``secrets``: ``keyring``, ``file``, ``env`` or None."""

    vendor: str | None
    account: str | None
    values: Sequence[str]
    secret_env: Sequence[str]
    secrets: str | None
    server: Mapping[str, str]


@dataclass(frozen=True)
class NewAccount:
    """One account, filled in. ``values``: what goes into the file as it is; ``typed``: secrets in clear, by key."""

    name: str
    vendor: Vendor
    values: Mapping[str, str]
    typed: Mapping[str, str] = field(default_factory=dict, repr=False)


def filled(options: InitOptions, tables: Mapping[str, Any], *, ask: bool) -> NewAccount:
    """The account as the flags have it, the rest asked for. Raises SettingsError where something is missing."""
    vendor = _vendor(options.vendor, ask=ask)
    name = options.account or (_prompted("Account name", check_name, vendor.name) if ask else vendor.name)
    there = {key: str(value) for key, value in tables.get("accounts", {}).get(name, {}).items()}
    if there.get("vendor", vendor.name) != vendor.name:
        raise SettingsError(
            f"[accounts.{name}] is of {there['vendor']}; give the account of {vendor.name} another name."
        )
    values = {**_sets(vendor, options.values), **_references(vendor, options.secret_env)}
    secret = {key for key, setting in settings_of(vendor).items() if setting.secret}
    if ask and there and typer.confirm(f"[accounts.{name}] is there already. Enter its secrets anew?", err=True):
        there = {key: text for key, text in there.items() if key not in secret}
    asked = _asked(vendor, {**there, **values}) if ask else {}
    typed = {key: text for key, text in asked.items() if key in secret and not text.startswith(REFERENCES)}
    plain = {key: text for key, text in {**asked, **values}.items() if key not in typed}
    _check_whole(vendor, {*there, *plain, *typed})
    return NewAccount(name, vendor, plain, typed)


def asked_of_server(options: InitOptions, tables: Mapping[str, Any]) -> dict[str, str]:
    """The server's settings that neither the flags nor the file have, asked of a person."""
    known = {**tables.get("server", {}), **options.server}
    questions = {
        "timezone": ("Time zone in which dates are read", machine_zone),
        "phone_region": ("Country of phone numbers without a country code", lambda: "US"),
        "writes": ("Writes: confirm (a person is asked), allow or off", lambda: "confirm"),
        "pii": ("Personal values: full or masked", lambda: "full"),
    }
    open_ = {key: question for key, question in questions.items() if key not in known}
    return {key: _prompted(words, partial(_check_server, key), default()) for key, (words, default) in open_.items()}


def _check_server(key: str, text: str) -> None:
    server_settings({key: text})


# --- flags --------------------------------------------------------------------------------------------------------


def _vendor(word: str | None, *, ask: bool) -> Vendor:
    names = vendors.names()
    if word is None and ask:
        word = _prompted(f"Vendor ({', '.join(names)})", _vendor_called)
    if word is None:
        raise SettingsError(f"--vendor is missing: one of {', '.join(names)}.")
    return _vendor_called(word)


def _vendor_called(word: str) -> Vendor:
    names, name = vendors.names(), word.strip().casefold()
    if name not in names:
        raise SettingsError(f"No vendor {word[:60]!r}; there are {', '.join(names)}.{did_you_mean(name, names)}")
    return vendors.vendor(name)


def _sets(vendor: Vendor, pairs: Iterable[str]) -> dict[str, str]:
    """``--set key=value``. A secret in clear is refused: other users of the machine can read a command line."""
    found = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        setting = _setting(vendor, key.strip())
        if not equals:
            raise SettingsError(f"--set {key}: say KEY=VALUE.")
        if setting.secret and not text.startswith(REFERENCES):
            message = f"--set {key}: a secret does not go on a command line, where others can read it."
            raise SettingsError(f"{message} Say --secret-env {key}=NAME, or leave it out and type it.")
        found[setting.key] = text.strip()
    return found


def _references(vendor: Vendor, pairs: Iterable[str]) -> dict[str, str]:
    """``--secret-env KEY=NAME``, or ``NAME`` where it is plain which secret that is."""
    found: dict[str, str] = {}
    by_variable = {variable: key for key, variable in variables_of(vendor).items()}
    for pair in pairs:
        key, equals, name = pair.rpartition("=")
        key = key.strip() if equals else by_variable.get(name, "") or _only_secret(vendor)
        found[_setting(vendor, key).key] = f"{ENV}{name.strip()}"
    return found


def _setting(vendor: Vendor, key: str) -> Setting:
    known = settings_of(vendor)
    if key not in known:
        raise SettingsError(f"{key[:60]!r} is no setting of {vendor.name}.{did_you_mean(key, known)}")
    return known[key]


def _only_secret(vendor: Vendor) -> str:
    needed = [setting.key for setting in vendor.settings if setting.secret and setting.groups]
    if len(needed) > 1:
        raise SettingsError(
            f"--secret-env: {vendor.name} has several secrets; say KEY=NAME, KEY one of {', '.join(needed)}."
        )
    return needed[0]


def _check_whole(vendor: Vendor, keys: set[str]) -> None:
    """Raises SettingsError, naming what the nearest group lacks."""
    lacking = [[key for key in group if key not in keys] for group in groups_of(vendor)]
    if all(lacking):
        missing = min(lacking, key=len)
        ways = [f"--secret-env {k}=NAME" if settings_of(vendor)[k].secret else f"--set {k}=VALUE" for k in missing]
        raise SettingsError(f"{vendor.title} needs {' and '.join(missing)}: {' '.join(ways)}.")


# --- questions ----------------------------------------------------------------------------------------------------


def _asked(vendor: Vendor, known: Mapping[str, str]) -> dict[str, str]:
    """What a person says to what is open: one group of what is needed, then what has a default that may be wrong."""
    groups = groups_of(vendor)
    whole = any(all(key in known for key in group) for group in groups)
    needed = [] if whole else [_setting(vendor, key) for key in _way_in(groups, known)]
    doubtful = [one for one in vendor.settings if one.help and one.kind in ("url", "zone") and not one.groups]
    return {one.key: _answer(one) for one in (*needed, *doubtful) if one.key not in known}


def _way_in(groups: Sequence[Sequence[str]], known: Mapping[str, str]) -> Sequence[str]:
    """The group that a person wants to fill in, where there are several."""
    begun = next((group for group in groups if any(key in known for key in group)), None)
    if begun or len(groups) == 1:
        return begun or groups[0]
    ways = "; ".join(f"{nth} {', '.join(group)}" for nth, group in enumerate(groups, 1))
    number = typer.prompt(f"Which of these do you have? {ways}", 1, type=int, err=True)
    return groups[max(1, min(number, len(groups))) - 1]


def _answer(setting: Setting) -> str:
    words = f"{setting.key} ({setting.help})" if setting.help else setting.key

    def check(text: str) -> None:
        check_setting(setting, setting.key, text)

    return _prompted(words, check, setting.default or None, hidden=setting.secret)


def _prompted(words: str, check: Callable[[str], object], default: str | None = None, *, hidden: bool = False) -> str:
    """What a person types, asked again where ``check`` says that it cannot be right. Raises SettingsError in the end."""
    for _ in range(TRIES - 1):
        text: str = typer.prompt(words, default, hide_input=hidden, err=True).strip()
        try:
            check(text)
        except SettingsError as error:
            sys.stderr.write(f"{error}\n")
        else:
            return text
    last: str = typer.prompt(words, default, hide_input=hidden, err=True).strip()
    check(last)
    return last
