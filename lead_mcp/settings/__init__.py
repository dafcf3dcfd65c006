"""Settings: the only package that reads the environment and the configuration file.

One account a vendor comes from environment variables alone and is named after its vendor; several come from a TOML file.
The environment wins over the file: an account that the file names after its vendor takes that vendor's variables too. A
variable that the file refers to as ``env:NAME`` belongs where it is referred to and makes no account of its own.
Every problem is a ``SettingsError`` whose message names the key and the fix. Secrets are ``SecretStr`` from here on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from lead_mcp import vendors
from lead_mcp.errors import SettingsError
from lead_mcp.identity.grants import Grants
from lead_mcp.settings.accounts import (
    ConfiguredAccount,
    Rate,
    accounts_of,
    check_name,
    check_setting,
    read_rate,
    settings_of,
    variables_of,
)
from lead_mcp.settings.checks import UNEXPANDED, check_expanded, host_of, passwords_in, split_url
from lead_mcp.settings.file import REFERENCES, read_file, referred, resolved, server_table
from lead_mcp.settings.network import check_network
from lead_mcp.settings.object_storage import ObjectStorage
from lead_mcp.settings.per_user import CredentialSource, source_of
from lead_mcp.settings.server import (
    PREFIX,
    SERVER_SECRETS,
    SHORTEST_TOKEN,
    Server,
    check_names,
    server_settings,
    variable,
)
from lead_mcp.settings.sign_in import SignIn, grants_for, sign_in_of

NO_ACCOUNT: Final = (
    "No account is configured. Run `lead-mcp init`, which asks for one; or set a vendor's environment variables "
    "(for example OCTANIST_API_KEY, or CONVOSO_AUTH_TOKEN) or LEAD_MCP_CONFIG; or start `lead-mcp serve --sandbox` "
    "to try every vendor without credentials."
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything configured, and what deserves a warning.

    ``problem``: what is wrong with the configuration, where the server runs all the same to say so. It has no account then.
    ``is_sandbox``: emulators stand in for every vendor, in this process.
    """

    server: Server
    accounts: Mapping[str, ConfiguredAccount]
    warnings: tuple[str, ...] = ()
    problem: str = ""
    is_sandbox: bool = False
    sign_in: SignIn | None = None
    grants: Grants = field(default_factory=Grants)
    credentials: CredentialSource | None = None
    """Where each person's own are, for the accounts that have none."""
    storage: ObjectStorage = field(default_factory=ObjectStorage)

    @property
    def advice(self) -> str:
        """Why there is no account, and what to do."""
        return f"The configuration is wrong, so no account can be used. {self.problem}" if self.problem else NO_ACCOUNT


def secrets_of(settings: Settings) -> dict[str, str]:
    """Everything secret about the accounts, in clear, by account and settings key."""
    return {
        f"{name}/{key}": secret.get_secret_value()
        for name, found in settings.accounts.items()
        for key, secret in found.secrets.items()
    }


def server_secrets(server: Server) -> list[str]:
    """Everything secret among the server's own settings, in clear; of a database's URL its password too."""
    secrets = [secret.get_secret_value() for name in SERVER_SECRETS if (secret := getattr(server, name)) is not None]
    secrets += [key.get_secret_value() for key in server.state_keys]
    return [*secrets, *(password for one in secrets for password in passwords_in(one))]


def load(config: Path | None = None) -> Settings:
    """The settings from the environment and the file that it or ``config`` names. Raises SettingsError."""
    environment, warnings = _environment(), list[str]()
    path = _file(config, environment)
    return _settings(environment, read_file(path, warnings) if path else {}, warnings)


def file_in_use(config: Path | None = None) -> Path | None:
    """The configuration file: ``config``, else what ``LEAD_MCP_CONFIG`` names, else the usual one where it exists.

    Raises SettingsError.
    """
    return _file(config, _environment())


def usual_file() -> Path:
    """Where the configuration file is looked for when nobody names one."""
    from platformdirs import user_config_path

    return user_config_path("lead-mcp", appauthor=False) / "config.toml"


def _file(config: Path | None, environment: Mapping[str, str]) -> Path | None:
    path = config or _file_named(environment)
    if path:
        return path.expanduser()
    usual = usual_file()
    with suppress(OSError):  # a home folder that this user may not look into has none for us
        return usual if usual.exists() else None
    return None


def _settings(environment: Mapping[str, str], file: Mapping[str, Any], warnings: list[str]) -> Settings:
    """The settings from both. Raises SettingsError."""
    server = server_settings(server_table(file, environment))
    accounts = accounts_of(environment, file, warnings)
    if not all(map(is_local, accounts.values())):
        check_network(environment)
    sign_in = sign_in_of(server)
    grants = grants_for(file, [*accounts], sign_in)
    credentials, storage = source_of(server, accounts.values()), ObjectStorage.of(environment)
    return Settings(
        server, accounts, tuple(warnings), sign_in=sign_in, grants=grants, credentials=credentials, storage=storage
    )


def referred_text(where: str, text: str) -> str:
    """What ``env:NAME`` or ``keyring:NAME`` refers to; any other text as it is. Raises SettingsError."""
    return str(resolved(where, text, _environment()))


def variables_in(path: Path) -> set[str]:
    """The variables that a configuration file takes secrets and settings from. Raises SettingsError."""
    return referred(read_file(path, []))


def settings_of_file(tables: Mapping[str, Any], name: str) -> Settings:
    """The settings as a file of these tables would give them, with one account of it alone. Raises SettingsError.

    For a file that is not written yet: the vendor's own variables, which would win over it, do not count.
    """
    environment, account = _environment(), tables["accounts"][name]
    word = str(account.get("vendor", "")).strip().casefold()
    winning = variables_of(vendors.vendor(word)).values() if word in vendors.names() else ()
    kept = {key: text for key, text in environment.items() if key not in winning or key in referred(account)}
    tables = {key: table for key, table in tables.items() if key != "grants"}  # they name the other accounts too
    found = _settings(kept, {**tables, "accounts": {name: account}}, [])
    return replace(found, accounts={name: found.accounts[name]})


def load_for_sandbox(environment: Mapping[str, str]) -> Settings:
    """The machine's server-wide settings over the emulators' accounts: nobody's real credentials are read.

    Its state has a folder of its own: a write that waits for approval in the sandbox must not be sent to a real vendor.
    """
    _environment()
    server = server_settings({})
    apart = server.model_copy(
        update={"state_dir": server.state_dir / "sandbox", "journal_url": None, "mirror_url": None}
    )
    return Settings(apart, accounts_of(environment, {}, []), is_sandbox=True, sign_in=sign_in_of(server))


def unusable(problem: str) -> Settings:
    """What a server runs on that cannot be configured: no account, the defaults, and what to say to everybody."""
    return Settings(Server.model_construct(timezone="UTC"), {}, problem=problem)


def urls_of(found: ConfiguredAccount) -> dict[str, str]:
    """An account's base URLs by settings key."""
    kinds = settings_of(found.vendor).items()
    return {key: found.account.option(key) for key, setting in kinds if setting.kind == "url"}


def is_local(found: ConfiguredAccount) -> bool:
    """Whether its requests need no proxy and no certificates: plain http, which is for this machine alone."""
    return all(url.lower().startswith("http://") for url in urls_of(found).values())


def _file_named(environment: Mapping[str, str]) -> Path | None:
    text = environment.get(variable("config"))
    if text is None:
        return None
    check_expanded(variable("config"), text)
    return Path(text)


def _environment() -> dict[str, str]:
    """The environment, stripped; what is empty is not set. Raises SettingsError for an unknown name of ours."""
    found = {key: text.strip() for key, text in os.environ.items() if text.strip()}
    check_names(found)
    return found


__all__ = [
    "NO_ACCOUNT",
    "PREFIX",
    "REFERENCES",
    "SHORTEST_TOKEN",
    "UNEXPANDED",
    "ConfiguredAccount",
    "CredentialSource",
    "Rate",
    "Server",
    "Settings",
    "SettingsError",
    "SignIn",
    "check_name",
    "check_setting",
    "file_in_use",
    "host_of",
    "load",
    "load_for_sandbox",
    "read_rate",
    "referred_text",
    "secrets_of",
    "server_secrets",
    "server_settings",
    "settings_of",
    "settings_of_file",
    "split_url",
    "unusable",
    "urls_of",
    "usual_file",
    "variables_in",
    "variables_of",
]  # fmt: skip
