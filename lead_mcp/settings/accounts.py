"""Accounts: one a vendor from the environment, any number from the file, each checked whole.

A ``label`` names a setting as its user wrote it: the variable, or table and key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import SecretStr

from lead_mcp import vendors
from lead_mcp.errors import SettingsError, did_you_mean
from lead_mcp.filters import folded
from lead_mcp.settings.checks import CHECKS, RATE, check_expanded, check_secret
from lead_mcp.settings.file import referred, resolved
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import CANONICAL, STAGES
from lead_mcp.vendors.spec.vendor import Setting, Vendor, account_of

Label = Callable[[str], str]

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
SHARED: Final = "shared"
PER_USER: Final = "per-user"
RATE_SETTING: Final = Setting("rate", kind="rate", help="CALLS/SECONDSs, such as 3/1s")


@dataclass(frozen=True, slots=True)
class Rate:
    """``calls`` in any ``seconds``; 0 calls: no limit of ours beyond four requests at once."""

    calls: int = 0
    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class ConfiguredAccount:
    """One account with its secrets (by settings key) and its rate. ``per_user``: it has none, but each person has."""

    account: Account
    vendor: Vendor
    secrets: Mapping[str, SecretStr] = field(repr=False)
    rate: Rate
    per_user: bool = False


@dataclass(frozen=True, slots=True)
class Values:
    """What was configured for one account: settings by key, its own field names and stage words."""

    settings: Mapping[str, str]
    fields: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)
    per_user: bool = False


def settings_of(vendor: Vendor) -> dict[str, Setting]:
    """A vendor's settings by key; every vendor has a ``rate``."""
    found = {setting.key: setting for setting in vendor.settings}
    return found if "rate" in found else {**found, "rate": RATE_SETTING}


def variables_of(vendor: Vendor) -> dict[str, str]:
    """A vendor's environment variables by settings key."""
    return {key: f"{vendor.name.upper()}_{key.upper()}" for key in settings_of(vendor)}


def read_rate(text: str) -> Rate:
    """``3/1s`` as a rate; an empty text is none, and so is ``none``, where a vendor has a default."""
    found = RATE.fullmatch(text)
    return Rate(int(found[1]), float(found[2])) if found else Rate()


def accounts_of(
    environment: Mapping[str, str], file: Mapping[str, Any], warnings: list[str]
) -> dict[str, ConfiguredAccount]:
    """Every account. ``warnings`` takes what deserves one. Raises SettingsError."""
    tables = _tables(file)
    own = {key: text for key, text in environment.items() if key not in referred(file)}
    named = {name: _of_file(name, table, environment, own) for name, table in tables.items()}
    return {**_of_environment(own, tables, warnings), **named}


# --- the environment ----------------------------------------------------------------------------------------------


def _of_environment(
    environment: Mapping[str, str], named: Iterable[str], warnings: list[str]
) -> dict[str, ConfiguredAccount]:
    """The accounts of the environment alone; those that the file names are left to it."""
    found = {}
    for name in vendors.names():
        if not any(key.startswith(f"{name.upper()}_") for key in environment):
            continue  # a vendor that nobody names is not loaded either
        vendor = vendors.vendor(name)
        variables = variables_of(vendor)
        values = {key: environment[one] for key, one in variables.items() if one in environment}
        warnings.extend(_strangers(environment, name, variables.values()))
        if name in named or not values:
            continue
        if any(settings_of(vendor)[key].groups for key in values):
            found[name] = _account(name, vendor, Values(values), variables.__getitem__)
        else:
            listed = ", ".join(variables[key] for key in values)
            warnings.append(f"{listed} is set, but no credential of {name}: the account is not configured.")
    return found


def _strangers(environment: Mapping[str, str], vendor: str, known: Iterable[str]) -> list[str]:
    """Warnings for variables of the vendor's that are none of ours: another program's, perhaps.

    One that is nearly ours is a slip of the pen. Raises SettingsError.
    """
    names = set(known)
    strange = [key for key in environment if key.startswith(f"{vendor.upper()}_") and key not in names]
    for key in strange:
        if _is_slip(key, names):
            raise SettingsError(f"{key} is no setting of {vendor}.{did_you_mean(key, names)}")
    return [f"{key} is no setting of {vendor}; it is not used." for key in strange]


def _is_slip(key: str, names: Iterable[str]) -> bool:
    from difflib import get_close_matches

    return bool(get_close_matches(key, names, n=1, cutoff=0.85))


# --- the file -----------------------------------------------------------------------------------------------------


def _tables(file: Mapping[str, Any]) -> Mapping[str, Any]:
    tables = file.get("accounts", {})
    if not isinstance(tables, Mapping):
        raise SettingsError("[accounts] in the configuration file must be a table of tables.")
    return tables


def _of_file(name: str, table: Any, environment: Mapping[str, str], own: Mapping[str, str]) -> ConfiguredAccount:
    """One account of the file. ``own``: the variables that count as an account's own settings."""
    where = f"[accounts.{name}]"
    check_name(name)
    vendor = _vendor(where, name, table)
    known = settings_of(vendor)
    for key in table:
        if key not in (every := {*known, "vendor", "credentials", "fields", "stages"}):
            hint = did_you_mean(key.casefold().removeprefix(f"{vendor.name}_"), every)
            raise SettingsError(f"{where} {key}: no such setting of {vendor.name}.{hint}")
    written = {key: _text(f"{where} {key}", value, environment) for key, value in table.items() if key in known}
    variables = variables_of(vendor) if name == vendor.name else {}
    winning = {key: own[one] for key, one in variables.items() if one in own}
    settings = {key: text for key, text in {**written, **winning}.items() if text}
    labels = {key: variables[key] if key in winning else f"{where} {key}" for key in known}
    per_user = _per_user(where, table)
    for key in settings:
        if per_user and known[key].secret:
            raise SettingsError(f'{labels[key]} and {where} credentials = "{PER_USER}" cannot both be: leave one out.')
    values = Values(settings, _field_names(where, table), _stage_words(where, table), per_user)
    return _account(name, vendor, values, labels.__getitem__)


def _per_user(where: str, table: Mapping[str, Any]) -> bool:
    """Whether each person has credentials of their own there."""
    word = str(table.get("credentials", SHARED)).strip().casefold()
    if word not in (SHARED, PER_USER):
        raise SettingsError(f"{where} credentials: {word[:20]!r} is neither {SHARED} nor {PER_USER}.")
    return word == PER_USER


def _vendor(where: str, name: str, table: Any) -> Vendor:
    """The vendor that an account's table names."""
    if not isinstance(table, Mapping) or not isinstance(table.get("vendor"), str):
        raise SettingsError(f'{where} needs vendor = "..." (one of {", ".join(vendors.names())}).')
    word = table["vendor"].strip().casefold()
    if word not in vendors.names():
        message = f"{where} vendor: no vendor {table['vendor']!r}; there are {', '.join(vendors.names())}."
        raise SettingsError(message + did_you_mean(word, vendors.names()))
    if name in vendors.names() and name != word:
        raise SettingsError(f"{where}: that is the name of another vendor; call the account something else.")
    return vendors.vendor(word)


def _text(where: str, value: Any, environment: Mapping[str, str]) -> str:
    """A setting's value as text; an array as a comma list."""
    if isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        return ",".join(str(item) for item in value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise SettingsError(f"{where} must be a text.")
    return str(resolved(where, str(value).strip(), environment))


def _field_names(where: str, table: Mapping[str, Any]) -> dict[str, str]:
    names = _texts(where, table, "fields")
    for ours in names:
        if ours not in CANONICAL:
            raise SettingsError(f"{where[:-1]}.fields] {ours}: no field of ours.{did_you_mean(ours, CANONICAL)}")
    return names


def _stage_words(where: str, table: Mapping[str, Any]) -> dict[str, str]:
    words = _texts(where, table, "stages")
    for theirs, stage in words.items():
        if stage.strip().casefold() not in STAGES:
            raise SettingsError(f"{where[:-1]}.stages] {theirs}: {stage!r} is none of {', '.join(STAGES)}.")
    return {theirs: stage.strip().casefold() for theirs, stage in words.items()}


def _texts(where: str, table: Mapping[str, Any], key: str) -> dict[str, str]:
    found = table.get(key, {})
    if not isinstance(found, Mapping) or not all(isinstance(text, str) for text in found.values()):
        raise SettingsError(f"{where[:-1]}.{key}] must be a table of texts.")
    return dict(found)


# --- checked ------------------------------------------------------------------------------------------------------


def _account(name: str, vendor: Vendor, values: Values, label: Label) -> ConfiguredAccount:
    known = settings_of(vendor)
    elsewhere = {key: "" for key, setting in known.items() if setting.secret and values.per_user}
    check_groups(vendor, {**values.settings, **elsewhere}, label)
    for key, text in values.settings.items():
        check_setting(known[key], label(key), text)
    stages = {**vendor.stages, **{folded(word): stage for word, stage in values.stages.items()}}
    options = {key: text for key, text in values.settings.items() if not known[key].secret}
    secrets = {key: SecretStr(text) for key, text in values.settings.items() if known[key].secret}
    rate = read_rate(values.settings.get("rate", known["rate"].default))
    account = account_of(vendor, name, options, values.fields, stages)
    return ConfiguredAccount(account, vendor, secrets, rate, values.per_user)


def check_setting(setting: Setting, label: str, text: str) -> None:
    """Raises SettingsError, which calls it ``label``, for a text that cannot be right."""
    check_expanded(label, text)
    (check_secret if setting.secret else CHECKS[setting.kind])(label, text)


def check_name(name: str) -> None:
    """Raises SettingsError for what cannot be an account's name."""
    if not NAME.fullmatch(name):
        raise SettingsError(f"[accounts.{name}]: an account's name is lower-case letters, digits and dashes.")


def groups_of(vendor: Vendor) -> list[list[str]]:
    """The keys of the settings of each group: an account needs all of one group."""
    groups: dict[str, list[str]] = {}
    for setting in vendor.settings:
        for group in setting.groups:
            groups.setdefault(group, []).append(setting.key)
    return list(groups.values())


def check_groups(vendor: Vendor, settings: Mapping[str, str], label: Label) -> None:
    """Raises SettingsError unless all the settings of one group are there; it names those of the nearest that are not."""
    groups = groups_of(vendor)
    if any(all(key in settings for key in keys) for keys in groups):
        return
    nearest = min(groups, key=lambda keys: sum(key not in settings for key in keys))
    missing = [key for key in nearest if key not in settings]
    there = [key for key in nearest if key in settings]
    beside = f" beside {', '.join(map(label, there))}" if there else ""
    hints = "; ".join(f"{key}: {settings_of(vendor)[key].help}" for key in missing if settings_of(vendor)[key].help)
    where = f" ({hints})" if hints else ""
    raise SettingsError(f"{' and '.join(map(label, missing))} must be set{beside} for {vendor.title}{where}.")
