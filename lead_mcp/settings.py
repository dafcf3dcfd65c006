"""Settings: the only module that reads the environment and the configuration file.

One account a vendor comes from environment variables alone and is named after its vendor; several come from a TOML file.
The environment wins over the file: an account that the file names after its vendor takes that vendor's variables too. A
variable that the file refers to as ``env:NAME`` belongs where it is referred to and makes no account of its own.
Every problem is a ``SettingsError`` whose message names the key and the fix. Secrets are ``SecretStr`` from here on.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from lead_mcp import vendors
from lead_mcp.errors import SettingsError, did_you_mean
from lead_mcp.filters import folded
from lead_mcp.vendors.spec.account import Account
from lead_mcp.vendors.spec.fields import CANONICAL, STAGES
from lead_mcp.vendors.spec.vendor import Setting, Vendor, account_of

PREFIX: Final = "LEAD_MCP_"
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
RATE: Final = re.compile(r"(\d{1,6})/(\d{1,6})s")
RATE_SETTING: Final = Setting("rate", kind="rate", help="CALLS/SECONDSs, such as 3/1s")


def machine_zone() -> str:
    """The machine's time zone by its IANA name; UTC where it has none."""
    from whenever import SYSTEM_TZ, ZonedDateTime

    try:
        return ZonedDateTime.now(SYSTEM_TZ).tz_id or "UTC"
    except Exception:  # noqa: BLE001 - a machine without a zone is no reason not to start
        return "UTC"


def _state_dir() -> Path:
    from platformdirs import user_state_path

    return user_state_path("lead-mcp", appauthor=False)


class Server(BaseSettings):
    """The server-wide settings (contract, section 3), from ``LEAD_MCP_*`` and the file's ``[server]`` table."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    config: Path | None = None
    writes: Literal["off", "confirm", "allow"] = "confirm"
    deletes: Literal["off", "confirm", "allow"] = "off"
    pii: Literal["full", "masked"] = "full"
    timezone: str = Field(default_factory=machine_zone)
    phone_region: str = Field("US", pattern=r"^[A-Z]{2}$")
    deadline: float = Field(30, gt=0, le=3600)
    scan_limit: int = Field(10_000, ge=1, le=10_000_000)
    summary_limit: int = Field(100_000, ge=1, le=100_000_000)
    reply_limit: int = Field(16 * 1024 * 1024, ge=1024)
    state_dir: Path = Field(default_factory=_state_dir)
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    http_token: SecretStr | None = None
    journal_url: SecretStr | None = None
    journal_days: int = Field(90, ge=1)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        _check_zone(f"{PREFIX}TIMEZONE", name)
        return name

    @field_validator("config", "state_dir")
    @classmethod
    def _at_home(cls, path: Path | None) -> Path | None:
        """No shell has read a desktop client's configuration, so nobody has put in what ``~`` stands for."""
        return path.expanduser() if path else path

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file's ``[server]`` table, which is what the constructor is given."""
        return env_settings, init_settings

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


SERVER_SECRETS: Final = frozenset({"http_token", "journal_url"})


@dataclass(frozen=True, slots=True)
class Rate:
    """``calls`` in any ``seconds``; 0 calls: no limit of ours beyond four requests at once."""

    calls: int = 0
    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class ConfiguredAccount:
    """One account with its secrets (by settings key) and its rate."""

    account: Account
    vendor: Vendor
    secrets: Mapping[str, SecretStr] = field(repr=False)
    rate: Rate


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything configured, and what deserves a warning."""

    server: Server
    accounts: Mapping[str, ConfiguredAccount]
    warnings: tuple[str, ...] = ()


def secrets_of(settings: Settings) -> dict[str, str]:
    """Everything secret about the accounts, in clear, by account and settings key."""
    return {
        f"{name}/{key}": secret.get_secret_value()
        for name, found in settings.accounts.items()
        for key, secret in found.secrets.items()
    }


def load(config: Path | None = None) -> Settings:
    """The settings from the environment and the file that it or ``config`` names. Raises SettingsError."""
    env = _environment()
    path = config or (Path(env[f"{PREFIX}CONFIG"]) if f"{PREFIX}CONFIG" in env else None)
    file, warnings = _read_file(path.expanduser()) if path else ({}, [])
    server = _server(file.get("server", {}), env)
    tables = _account_tables(file)
    own = {key: text for key, text in env.items() if key not in _referred(file)}
    alone = _from_environment(own, warnings, named=tables)
    named = {name: _file_account(name, table, env, own) for name, table in tables.items()}
    return Settings(server, {**alone, **named}, tuple(warnings))


def load_for_sandbox(environment: Mapping[str, str]) -> Settings:
    """The machine's server-wide settings over the emulators' accounts: nobody's real credentials are read.

    Its state has a folder of its own: a write that waits for approval in the sandbox must not be sent to a real vendor.
    """
    server = _server({}, _environment())
    apart = server.model_copy(update={"state_dir": server.state_dir / "sandbox", "journal_url": None})
    return Settings(apart, _from_environment(environment, []))


def _environment() -> dict[str, str]:
    """The environment; what is empty is not set. Raises SettingsError for an unknown name of ours."""
    env = {key: text.strip() for key, text in os.environ.items() if text.strip()}
    _refuse_unknown_names(env)
    return env


# --- server-wide --------------------------------------------------------------------------------------------------


def _refuse_unknown_names(env: Mapping[str, str]) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Server.model_fields}
    for key in env:
        if key.startswith(PREFIX) and key not in known:
            raise SettingsError(f"{key} is no setting of lead-mcp.{did_you_mean(key, known)}")


def _server(table: Any, env: Mapping[str, str]) -> Server:
    if not isinstance(table, Mapping):
        raise SettingsError("[server] in the configuration file must be a table.")
    for key in table:
        if key not in Server.model_fields:
            raise SettingsError(f"[server] {key}: no such setting.{did_you_mean(key, Server.model_fields)}")
    given = {key: _resolved(f"[server] {key}", value, env) for key, value in table.items()}
    try:
        return Server(**{key: value for key, value in given.items() if value != ""})
    except ValidationError as error:
        raise SettingsError(_first_problem(error)) from None


ADVICE: Final = {"phone_region": "two capital letters, such as US"}


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    name = str(problem["loc"][0]) if problem["loc"] else "settings"
    return f"{PREFIX}{name.upper()}: {ADVICE.get(name, problem['msg'])}."


# --- accounts -----------------------------------------------------------------------------------------------------


def settings_of(vendor: Vendor) -> dict[str, Setting]:
    """A vendor's settings by key; every vendor has a ``rate``."""
    found = {setting.key: setting for setting in vendor.settings}
    return found if "rate" in found else {**found, "rate": RATE_SETTING}


def _variables(vendor: Vendor) -> dict[str, str]:
    """A vendor's environment variables by settings key."""
    return {key: f"{vendor.name.upper()}_{key.upper()}" for key in settings_of(vendor)}


def _from_environment(
    env: Mapping[str, str], warnings: list[str], named: Iterable[str] = ()
) -> dict[str, ConfiguredAccount]:
    """The accounts of the environment alone; those that the file names are left to it."""
    found = {}
    for name in vendors.NAMES:
        if not any(key.startswith(f"{name.upper()}_") for key in env):
            continue  # a vendor that nobody names is not loaded either
        vendor = vendors.vendor(name)
        keys = _variables(vendor)
        given = {key: env[variable] for key, variable in keys.items() if variable in env}
        warnings.extend(_strangers(env, name, keys.values()))
        if name in named:
            continue
        required = [key for key in given if settings_of(vendor)[key].groups]
        if required:
            found[name] = _account(name, vendor, given, {}, {}, says=lambda key, keys=keys: keys[key])
        elif given:
            variables = ", ".join(keys[key] for key in given)
            warnings.append(f"{variables} is set, but no credential of {name}: the account is not configured.")
    return found


def _strangers(env: Mapping[str, str], vendor: str, known: Iterable[str]) -> list[str]:
    """Warnings for variables of the vendor's that are none of ours: another program's, perhaps.

    One that is nearly ours is a slip of the pen. Raises SettingsError.
    """
    names = set(known)
    strange = [key for key in env if key.startswith(f"{vendor.upper()}_") and key not in names]
    for key in strange:
        if get_close_matches(key, names, n=1, cutoff=0.85):
            raise SettingsError(f"{key} is no setting of {vendor}.{did_you_mean(key, names)}")
    return [f"{key} is no setting of {vendor}; it is not used." for key in strange]


def _account_tables(file: Mapping[str, Any]) -> Mapping[str, Any]:
    tables = file.get("accounts", {})
    if not isinstance(tables, Mapping):
        raise SettingsError("[accounts] in the configuration file must be a table of tables.")
    for key in file:
        if key not in ("accounts", "server"):
            raise SettingsError(f"[{key}]: no such table.{did_you_mean(key, ('accounts', 'server'))}")
    return tables


def _referred(value: Any) -> set[str]:
    """The variables that the file refers to as ``env:NAME``, anywhere in ``value``."""
    if isinstance(value, Mapping):
        return {name for one in value.values() for name in _referred(one)}
    return {value.removeprefix("env:")} if isinstance(value, str) and value.startswith("env:") else set()


def _file_account(name: str, table: Any, env: Mapping[str, str], own: Mapping[str, str]) -> ConfiguredAccount:
    """One account of the file. ``own``: the variables that count as an account's own settings."""
    where = f"[accounts.{name}]"
    if not NAME.fullmatch(name):
        raise SettingsError(f"{where}: an account's name is lower-case letters, digits and dashes.")
    if not isinstance(table, Mapping) or not isinstance(table.get("vendor"), str):
        raise SettingsError(f'{where} needs vendor = "..." (one of {", ".join(vendors.NAMES)}).')
    if table["vendor"] not in vendors.NAMES:
        message = f"{where} vendor: no vendor {table['vendor']!r}; there are {', '.join(vendors.NAMES)}."
        raise SettingsError(message + did_you_mean(table["vendor"], vendors.NAMES))
    vendor = vendors.vendor(table["vendor"])
    if name in vendors.NAMES and name != vendor.name:
        raise SettingsError(f"{where}: that is the name of another vendor; call the account something else.")
    known = {*settings_of(vendor), "vendor", "fields", "stages"}
    for key in table:
        if key not in known:
            raise SettingsError(f"{where} {key}: no such setting of {vendor.name}.{did_you_mean(key, known)}")
    given = {key: _value(f"{where} {key}", text, env) for key, text in table.items() if key in settings_of(vendor)}
    variables = _variables(vendor) if name == vendor.name else {}
    winning = {key: own[variable] for key, variable in variables.items() if variable in own}
    settings = {key: text for key, text in {**given, **winning}.items() if text}
    names, stages = _words(where, table, "fields"), _words(where, table, "stages")
    says = {key: variables[key] if key in winning else f"{where} {key}" for key in settings_of(vendor)}
    return _account(name, vendor, settings, names, stages, says=says.__getitem__)


def _words(where: str, table: Mapping[str, Any], key: str) -> dict[str, str]:
    words = table.get(key, {})
    if not isinstance(words, Mapping) or not all(isinstance(word, str) for word in words.values()):
        raise SettingsError(f"{where[:-1]}.{key}] must be a table of texts.")
    for ours, theirs in words.items():
        if key == "fields" and ours not in CANONICAL:
            raise SettingsError(f"{where[:-1]}.fields] {ours}: no field of ours.{did_you_mean(ours, CANONICAL)}")
        if key == "stages" and theirs not in STAGES:
            raise SettingsError(f"{where[:-1]}.stages] {ours}: {theirs!r} is none of {', '.join(STAGES)}.")
    return dict(words)


def _value(where: str, value: Any, env: Mapping[str, str]) -> str:
    if isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        return ",".join(str(item) for item in value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise SettingsError(f"{where} must be a text.")
    return str(_resolved(where, str(value).strip(), env))


def _resolved(where: str, value: Any, env: Mapping[str, str]) -> Any:
    """``env:NAME`` as the environment has it; every other value as it is."""
    if not isinstance(value, str) or not value.startswith("env:"):
        return value
    variable = value.removeprefix("env:")
    if variable not in env:
        raise SettingsError(f"{where} = {value!r}: the environment has no {variable}.")
    return env[variable]


def _account(
    name: str,
    vendor: Vendor,
    given: Mapping[str, str],
    names: Mapping[str, str],
    stages: Mapping[str, str],
    *,
    says: Any,
) -> ConfiguredAccount:
    """The account, checked. ``says`` names a key as the user wrote it."""
    known = settings_of(vendor)
    _whole_group(vendor, given, says)
    for key, text in given.items():
        check = _check_secret if known[key].secret else CHECKS[known[key].kind]
        check(says(key), text)
    rate = given.get("rate", known["rate"].default)
    folded_stages = {**vendor.stages, **{folded(word): stage for word, stage in stages.items()}}
    options = {key: text for key, text in given.items() if not known[key].secret}
    secrets = {key: SecretStr(text) for key, text in given.items() if known[key].secret}
    return ConfiguredAccount(account_of(vendor, name, options, names, folded_stages), vendor, secrets, read_rate(rate))


def _whole_group(vendor: Vendor, given: Mapping[str, str], says: Any) -> None:
    groups: dict[str, list[str]] = {}
    for setting in vendor.settings:
        for group in setting.groups:
            groups.setdefault(group, []).append(setting.key)
    if any(all(key in given for key in keys) for keys in groups.values()):
        return
    nearest = min(groups.values(), key=lambda keys: sum(key not in given for key in keys))
    missing = [key for key in nearest if key not in given]
    have = [key for key in nearest if key in given]
    beside = f" beside {', '.join(map(says, have))}" if have else ""
    raise SettingsError(f"{' and '.join(map(says, missing))} must be set{beside} for {vendor.title}.")


def read_rate(text: str) -> Rate:
    """``3/1s`` as a rate; an empty text is none, and so is ``none``, where a vendor has a default."""
    found = RATE.fullmatch(text)
    return Rate(int(found[1]), float(found[2])) if found else Rate()


def _check_secret(key: str, text: str) -> None:
    if not (text.isascii() and text.isprintable()):
        raise SettingsError(f"{key} holds a character that no key has, such as a line break. Paste it again.")


def _split(text: str) -> SplitResult | None:
    """A URL taken apart, or None where its host or port makes no sense."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    return parts if port != 0 else None


def _check_url(key: str, text: str) -> None:
    parts = _split(text)
    if parts is None or parts.scheme not in ("https", "http") or not parts.hostname:
        # not shown: somebody may have put a password into it
        raise SettingsError(f"{key} must be a URL such as https://api.example.com.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError(f"{key} must hold no user, password, query or fragment.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SettingsError(f"{key} must start with https:// (plain http is for loopback addresses only).")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_zone(key: str, text: str) -> None:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(f"{key}: {text[:60]!r} is no IANA time zone, such as America/New_York.") from None


def _check_rate(key: str, text: str) -> None:
    found = RATE.fullmatch(text)
    if text != "none" and (not found or not int(found[1]) or not int(found[2])):
        raise SettingsError(f"{key} must be CALLS/SECONDSs, such as 25/5s, or none; not {text[:40]!r}.")


CHECKS: Final = {
    "text": lambda key, text: None,
    "list": lambda key, text: None,
    "host_list": lambda key, text: None,
    "url": _check_url,
    "zone": _check_zone,
    "rate": _check_rate,
}


# --- the file -----------------------------------------------------------------------------------------------------


def _read_file(path: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        with path.open("rb") as file:
            found = tomllib.load(file)
            mode = os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise SettingsError(f"{path}: the configuration file cannot be read ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: the configuration file is not TOML: {error}.") from None
    exposed = os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH)
    literal = _literal_secrets(found) if exposed else []
    advice = f"Others can read {path}, which holds {', '.join(literal)}: chmod 600 it, or use env:NAME."
    return found, [advice] if literal else []


def _literal_secrets(found: Mapping[str, Any]) -> list[str]:
    """Where the file holds a secret in clear. Nothing of its shape is checked yet."""
    accounts = _table(found.get("accounts"))
    tables = {f"[accounts.{name}]": (_table(table), _secret_keys(_table(table))) for name, table in accounts.items()}
    tables["[server]"] = _table(found.get("server")), SERVER_SECRETS
    return sorted(
        f"{where} {key}"
        for where, (table, keys) in tables.items()
        for key in keys
        if not str(table.get(key, "env:")).startswith("env:")
    )


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _secret_keys(table: Mapping[str, Any]) -> frozenset[str]:
    name = table.get("vendor")
    known = vendors.vendor(name).settings if isinstance(name, str) and name in vendors.NAMES else ()
    return frozenset(setting.key for setting in known if setting.secret)
