"""The configuration file: TOML, and what it refers to in the environment."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lead_mcp import vendors
from lead_mcp.errors import SettingsError, did_you_mean
from lead_mcp.settings import key_store
from lead_mcp.settings.server import SERVER_SECRETS

TABLES: Final = ("accounts", "server", "grants")
ENV: Final = "env:"
"""Before the name of the variable that a value is in."""
REFERENCES: Final = (ENV, key_store.REFERENCE)


def read_file(path: Path, warnings: list[str]) -> dict[str, Any]:
    """The file's tables. ``warnings`` takes one where others can read a secret in it. Raises SettingsError."""
    import tomllib

    try:
        with path.open("rb") as file:
            text = file.read().decode("utf-8-sig")  # Windows begins a file with a byte order mark
            mode = os.fstat(file.fileno()).st_mode
        found = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(f"{path}: the configuration file cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: the configuration file is not TOML: it is not in UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: the configuration file is not TOML: {error}.") from None
    literal = _literal_secrets(found) if os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH) else []
    if literal:
        warnings.append(f"Others can read {path}, which holds {', '.join(literal)}: chmod 600 it, or use env:NAME.")
    for key in found:
        if key not in TABLES:
            hint = f" An account is [accounts.{key}]." if isinstance(found[key], dict) else ""
            raise SettingsError(f"[{key}]: no such table.{did_you_mean(key, TABLES) or hint}")
    return found


def server_table(file: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """``[server]``, with what it refers to."""
    table = file.get("server", {})
    if not isinstance(table, Mapping):
        raise SettingsError("[server] in the configuration file must be a table.")
    return {key: resolved(f"[server] {key}", value, environment) for key, value in table.items()}


def resolved(where: str, value: Any, environment: Mapping[str, str]) -> Any:
    """``env:NAME`` as the environment has it, ``keyring:NAME`` as the system's keyring; every other value as it is."""
    if isinstance(value, str) and value.startswith(key_store.REFERENCE):
        return key_store.secret(where, value.removeprefix(key_store.REFERENCE))
    if not isinstance(value, str) or not value.startswith(ENV):
        return value
    variable = value.removeprefix(ENV)
    if variable not in environment:
        raise SettingsError(f"{where} = {value!r}: the environment has no {variable}.")
    return environment[variable]


def referred(value: Any) -> set[str]:
    """The variables that the file refers to, anywhere in ``value``."""
    if isinstance(value, Mapping):
        return {name for one in value.values() for name in referred(one)}
    return {value.removeprefix(ENV)} if isinstance(value, str) and value.startswith(ENV) else set()


def _literal_secrets(found: Mapping[str, Any]) -> list[str]:
    """Where the file holds a secret in clear. Nothing of its shape is checked yet."""
    accounts = _table(found.get("accounts"))
    tables = {f"[accounts.{name}]": (_table(table), _secret_keys(_table(table))) for name, table in accounts.items()}
    tables["[server]"] = _table(found.get("server")), SERVER_SECRETS | {"state_keys"}
    return sorted(
        f"{where} {key}"
        for where, (table, keys) in tables.items()
        for key in keys
        if not str(table.get(key, ENV)).startswith(REFERENCES)
    )


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _secret_keys(table: Mapping[str, Any]) -> frozenset[str]:
    name = table.get("vendor")
    word = name.strip().casefold() if isinstance(name, str) else ""
    known = vendors.vendor(word).settings if word in vendors.names() else ()
    return frozenset(setting.key for setting in known if setting.secret)
