"""``lead-mcp init``: an account into the configuration file, once its vendor has taken the credential."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import typer

from lead_mcp.cli.check import Line, checked
from lead_mcp.cli.init_form import InitOptions, NewAccount, asked_of_server, filled
from lead_mcp.cli.opened import log_for
from lead_mcp.clients import files
from lead_mcp.clients.formats import FORMATS, CannotKeep, edited
from lead_mcp.errors import SettingsError
from lead_mcp.runtime import running
from lead_mcp.settings import (
    Settings,
    file_in_use,
    key_store,
    referred_text,
    settings_of,
    settings_of_file,
    usual_file,
)
from lead_mcp.settings.file import ENV

Tables = Mapping[str, Any]


@dataclass(frozen=True)
class ConfigFile:
    """The configuration file as it is now. Raises SettingsError where it cannot be kept."""

    path: Path
    text: str

    @property
    def tables(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = FORMATS["toml"].load(self.text)
        except ValueError as error:
            raise SettingsError(f"{self.path}: the configuration file is not TOML: {error}.") from None
        accounts = found.get("accounts", {})
        named = {f"accounts.{name}": one for name, one in accounts.items()} if isinstance(accounts, dict) else {}
        for name, table in {"server": found.get("server", {}), "accounts": accounts, **named}.items():
            if not isinstance(table, dict):
                raise SettingsError(f"{self.path}: [{name}] must be a table.")
        return found

    def with_table(self, path: tuple[str, ...], values: Tables) -> ConfigFile:
        """The file with these values in a table of it; its other values stay."""
        table: Any = self.tables
        for key in path:
            table = table.get(key, {})
        try:
            return ConfigFile(self.path, edited("toml", self.text, path, {**table, **values}))
        except CannotKeep as error:
            raise SettingsError(f"{self.path}: {error}.") from None


@dataclass(frozen=True)
class PlacedSecrets:
    """Where an account's secrets go. ``values``: the account as the file has it; ``kept``: for the keyring, by name;
    ``clear``: those that the check cannot find yet, by key."""

    values: Mapping[str, str] = field(repr=False)
    kept: Mapping[str, str] = field(default_factory=dict, repr=False)
    clear: Mapping[str, str] = field(default_factory=dict, repr=False)


def run(options: InitOptions, *, config: Path | None, check: bool, yes: bool) -> int:
    """Ask, check, write; the exit code. Nothing is written where the vendor refuses. Raises SettingsError."""
    file = _read((config or file_in_use() or usual_file()).expanduser())
    ask = not yes and sys.stdin.isatty()
    if options.server and not (ask or options.vendor):
        return _write(file.with_table(("server",), options.server), {})
    account = filled(options, file.tables, ask=ask)
    server = {**options.server, **(asked_of_server(options, file.tables) if ask else {})}
    placed = _placed(account, options.secrets)
    new = file.with_table(("server",), server) if server else file
    new = new.with_table(("accounts", account.name), {"vendor": account.vendor.name, **placed.values})
    settings = _settings(new, account.name, placed.clear)
    if check and not _is_taken(settings) and not (ask and typer.confirm("Write it all the same?", err=True)):
        print("Nothing was written.")
        return 1
    return _write(new, placed.kept)


def _read(path: Path) -> ConfigFile:
    try:
        return ConfigFile(path, files.read(path))
    except (CannotKeep, OSError) as error:
        raise SettingsError(f"{path}: {error}.") from None


def _placed(account: NewAccount, store: str | None) -> PlacedSecrets:
    """The secrets where they were asked to be kept. Raises SettingsError where that cannot be."""
    moved = _from_environment(account) if store in ("keyring", "file") else {}
    clear = {**account.typed, **moved}
    if not clear:
        return PlacedSecrets(account.values)
    if store == "env":
        raise SettingsError(
            "--secrets env keeps nothing itself: name each secret's variable with --secret-env KEY=NAME."
        )
    if (store or _best_store()) == "file":
        return PlacedSecrets({**account.values, **clear})
    if why := key_store.problem():
        raise SettingsError(why)
    names = {key: f"{account.name}/{key}" for key in clear}
    references = {key: f"{key_store.REFERENCE}{name}" for key, name in names.items()}
    return PlacedSecrets({**account.values, **references}, {names[key]: text for key, text in clear.items()}, clear)


def _from_environment(account: NewAccount) -> dict[str, str]:
    """The secrets that the flags say are in the environment, in clear: they are to be kept elsewhere."""
    known = settings_of(account.vendor)
    named = {key: text for key, text in account.values.items() if known[key].secret and text.startswith(ENV)}
    return {key: referred_text(f"[accounts.{account.name}] {key}", text) for key, text in named.items()}


def _best_store() -> str:
    why = key_store.problem()
    if not why:
        return "keyring"
    sys.stderr.write(f"{why.partition('. ')[0]}: secrets go into the file, which you alone can read.\n")
    return "file"


def _settings(file: ConfigFile, name: str, clear: Mapping[str, str]) -> Settings:
    """The settings as the file would give them. Raises SettingsError."""
    tables = file.tables
    tables["accounts"][name] = {**tables["accounts"][name], **clear}
    return settings_of_file(tables, name)


def _is_taken(settings: Settings) -> bool:
    """Whether the vendor takes the credential; what it says is printed."""
    log_for(settings)
    (line,) = anyio.run(_ask_vendor, settings)
    print(f"{line.account}: {'the vendor takes it' if line.ok else line.problem}")
    if line.next:
        print(f"Next: {line.next}.")
    return line.ok


async def _ask_vendor(settings: Settings) -> list[Line]:
    async with running(settings) as runtime:
        return await checked(runtime)


def _write(file: ConfigFile, kept: Mapping[str, str]) -> int:
    for name, text in kept.items():
        key_store.keep(name, text)
    backup = None
    if file.text != files.read(file.path):
        backup = files.write(file.path, file.text, datetime.now().astimezone(), private=True)
    print(f"Wrote {file.path}{f' (as it was: {backup.name})' if backup else ''}.")
    print("Next: `lead-mcp install CLIENT` puts it into a chat client; `lead-mcp doctor` looks whether all is well.")
    return 0
