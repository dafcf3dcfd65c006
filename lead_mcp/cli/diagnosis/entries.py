"""Entries in chat clients that start lead-mcp: whether they still can, and what they say."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lead_mcp import __version__, vendors
from lead_mcp.cli.diagnosis.finding import Finding, error, note, ok, warning
from lead_mcp.clients import files
from lead_mcp.clients.entry import REMOTE
from lead_mcp.clients.formats import CannotKeep, table_of
from lead_mcp.clients.machine import Machine
from lead_mcp.clients.table import CLIENTS, Client
from lead_mcp.errors import SettingsError
from lead_mcp.settings import UNEXPANDED, settings_of, variables_in, variables_of

OURS: Final = ("lead-mcp", "lead_mcp")
EXAMPLES: Final = (
    "/path/to/",
    "your key",
    "your api key",
    "your auth token",
    "your client",
    "your access key",
    "your secret",
)
"""What an example has where a person's own value belongs."""
PATIENCE: Final = 20.0
"""Seconds that a program may take to say its version."""


@dataclass(frozen=True)
class FoundEntry:
    """One entry of ours in one client's file."""

    client: Client
    file: Path
    name: str
    command: str
    args: Sequence[str]
    env: Mapping[str, str]

    @property
    def about(self) -> str:
        return f"{self.client.title}: {self.name}"

    @property
    def again(self) -> str:
        """What writes it anew."""
        return f"run `lead-mcp install {self.client.name}{' --sandbox' if '--sandbox' in self.args else ''}`"


def entries(machine: Machine) -> Iterator[Finding]:
    """How the clients' entries are."""
    every: list[FoundEntry] = []
    for client in CLIENTS:
        try:
            file = client.file(machine)
            table = table_of(client.format, files.text_of(file), client.key)
        except (CannotKeep, OSError) as wrong:
            yield warning(
                client.title, f"its file of servers cannot be read: {wrong}", "mend it; the client needs it too"
            )
            continue
        every += [found for name, entry in table.items() if (found := _ours(client, file, name, entry))]
    if not every:
        yield note("clients", "none has an entry for lead-mcp", "run `lead-mcp install CLIENT`")
    for found in every:
        yield from _about(found, machine)
    yield from _twice(every)


def _ours(client: Client, file: Path, name: str, entry: Any) -> FoundEntry | None:
    """The entry, where it starts lead-mcp."""
    if not isinstance(entry, Mapping) or any(key in entry for key in REMOTE):
        return None
    command, args, env = (entry.get(one) or entry.get(other) for one, other in KEYS)
    words = [str(word) for word in args] if isinstance(args, list) else []
    if not isinstance(command, str) or not any(our in word for word in (name, command, *words) for our in OURS):
        return None
    texts = {str(key): str(value) for key, value in env.items()} if isinstance(env, Mapping) else {}
    return FoundEntry(client, file, name, command, words, texts)


KEYS: Final = (("command", "cmd"), ("args", "args"), ("env", "envs"))


def _about(found: FoundEntry, machine: Machine) -> Iterator[Finding]:
    wrong = [*_command(found, machine), *_paths(found), *_unpassed(found), *_placeholders(found), *_secrets(found)]
    yield from wrong or [ok(found.about, f"starts this version, from {machine.shown(found.file)}")]


def _command(found: FoundEntry, machine: Machine) -> Iterator[Finding]:
    path = Path(found.command)
    if not path.is_absolute():
        where = machine.which(found.command)
        if where is None:
            yield error(found.about, f"there is no program {found.command!r}", found.again)
        elif not found.client.program:
            what = f"{found.command!r} is no absolute path: a client with a window may not find it"
            yield warning(found.about, what, found.again)
        return
    if not path.is_file() or not os.access(path, os.X_OK):
        yield error(found.about, f"{found.command} is not there any more, or is no program", found.again)
        return
    said = _version(found)
    if said is not None and said != __version__:
        what = f"it starts {f'version {said}' if said else 'something that ends at once'}; this is {__version__}"
        yield warning(found.about, what, f"{found.again}, or update that installation")


def _version(found: FoundEntry) -> str | None:
    """The version that the entry starts; empty where it fails, None where it is not ours to start."""
    before = list(found.args[: found.args.index("serve")]) if "serve" in found.args else []
    ours = Path(found.command).stem in OURS and not before
    if not ours and before != ["-m", "lead_mcp"]:
        return None
    try:
        ended = subprocess.run(  # noqa: S603 - what the client starts all the time
            [found.command, *before, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.strip() if ended.returncode == 0 else ""


def _paths(found: FoundEntry) -> Iterator[Finding]:
    """Files and folders that the entry names and that are gone."""
    named = {"LEAD_MCP_CONFIG": found.env.get("LEAD_MCP_CONFIG", "")}
    named |= {
        flag: word for flag, word in zip(found.args, found.args[1:], strict=False) if flag in ("--config", "--from")
    }
    for key, text in named.items():
        if (
            text
            and not _is_placeholder(text)
            and ("/" in text or "\\" in text)
            and not Path(text).expanduser().exists()
        ):
            yield error(
                found.about, f"{key} names {text}, which is not there", "run `lead-mcp init`, then " + found.again[4:]
            )


def _unpassed(found: FoundEntry) -> Iterator[Finding]:
    """Variables that the entry's configuration file refers to, and that a client with a window does not pass on."""
    path = Path(found.env.get("LEAD_MCP_CONFIG", "")).expanduser()
    if found.client.program or not path.is_file():
        return
    try:
        missing = sorted(variables_in(path) - found.env.keys())
    except SettingsError as wrong:
        yield error(found.about, str(wrong), "mend that file")
        return
    if missing:
        what = f"{path} takes {', '.join(missing)} from the environment, which this client does not pass on"
        yield warning(found.about, what, "run `lead-mcp init` again with --secrets keyring or file")


def _placeholders(found: FoundEntry) -> Iterator[Finding]:
    for key, text in [*found.env.items(), *(("an argument", word) for word in found.args)]:
        if _is_placeholder(text) or (UNEXPANDED.search(text) and not found.client.expands):
            yield error(
                found.about, f"{key} is a placeholder that nobody fills in", "put the value there, or take it out"
            )


def _is_placeholder(text: str) -> bool:
    return any(example in text.casefold() for example in EXAMPLES)


def _secrets(found: FoundEntry) -> Iterator[Finding]:
    """Credentials in clear where others can read them."""
    secret = [key for key in found.env if key in _secret_variables() and not UNEXPANDED.search(found.env[key])]
    if secret and os.name == "posix" and found.file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        what = f"others can read {found.file}, which holds {', '.join(secret)}"
        yield warning(found.about, what, f"chmod 600 {found.file}, or run `lead-mcp init` and keep credentials there")


def _secret_variables() -> set[str]:
    every = vendors.every().values()
    return {
        variables_of(vendor)[key] for vendor in every for key, setting in settings_of(vendor).items() if setting.secret
    }


def _twice(every: Sequence[FoundEntry]) -> Iterator[Finding]:
    """A client that starts the real thing twice: its model sees every tool twice."""
    real = [found for found in every if "--sandbox" not in found.args]
    for client in dict.fromkeys(found.client for found in real):
        names = [found.name for found in real if found.client is client]
        if len(names) > 1:
            yield warning(
                client.title, f"it starts lead-mcp {len(names)} times: {', '.join(names)}", "keep one of them"
            )
