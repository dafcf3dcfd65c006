"""Where each person's own vendor credentials come from: ``LEAD_MCP_CREDENTIALS_*``, for accounts with per-user credentials."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lead_mcp.errors import SettingsError, did_you_mean
from lead_mcp.settings.accounts import ConfiguredAccount, check_groups, settings_of
from lead_mcp.settings.checks import check_secret
from lead_mcp.settings.server import Server, called

SOURCES: Final = ("credentials_dir", "credentials_variables", "credentials_command")
PATTERN: Final = re.compile(r"[A-Za-z]\w*__\{(\w+)\}__(?:\w+__)?\{(\w+)\}__(?:\w+__)?\{(\w+)\}(?:__\w+)?", re.ASCII)
PARTS: Final = {"user", "account", "key"}


@dataclass(frozen=True, slots=True)
class CredentialSource:
    """One of a folder, a pattern of variables' names, and a command's words, which may take so many seconds."""

    folder: Path | None = None
    pattern: str = ""
    command: Sequence[str] = ()
    seconds: float = 5.0


def source_of(server: Server, accounts: Iterable[ConfiguredAccount]) -> CredentialSource | None:
    """The source that is configured; None where no account needs one. Raises SettingsError."""
    wanting = [one.account.name for one in accounts if one.per_user]
    given = [name for name in SOURCES if getattr(server, name)]
    if not wanting:
        return None
    where = f'[accounts.{wanting[0]}] credentials = "per-user"'
    if len(given) != 1:
        listed = ", ".join(map(called, SOURCES))
        raise SettingsError(f"{where} needs one of {listed}, and no other of them.")
    if not server.state_keys:  # an account's own secret would seal cursors, and this one has none
        raise SettingsError(f"{where} needs {called('state_keys')}, which seals cursors.")
    pattern = server.credentials_variables or ""
    found = PATTERN.fullmatch(pattern)
    if pattern and (found is None or set(found.groups()) != PARTS):
        raise SettingsError(
            f"{called('credentials_variables')} must name user, account and key, with two underscores before each, "
            "such as LEADS__{user}__{account}__{key}."
        )
    return CredentialSource(server.credentials_dir, pattern, server.credentials_command, server.credentials_timeout)


def variable_text(name: str) -> str:
    """What an environment variable holds, "" where it is not set."""
    return os.environ.get(name, "").strip()


def secret_keys(found: ConfiguredAccount) -> list[str]:
    """The settings of an account that a person's credential may hold."""
    return [key for key, setting in settings_of(found.vendor).items() if setting.secret]


def checked_credential(found: ConfiguredAccount, texts: Mapping[str, str]) -> dict[str, str]:
    """A person's own secrets for an account, whole. Raises SettingsError, which holds none of them."""
    known = secret_keys(found)
    for key, text in texts.items():
        if key not in known:
            raise SettingsError(f"{key[:60]}: no secret of {found.vendor.name}.{did_you_mean(key, known)}")
        check_secret(key, text)
    check_groups(found.vendor, {**found.account.options, **texts}, str)
    return dict(texts)
