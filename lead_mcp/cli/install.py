"""``lead-mcp install``: our entry in the clients of this machine, by each one's own command or in its file."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import distribution
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from lead_mcp.clients.entry import Entry
from lead_mcp.clients.formats import snippet
from lead_mcp.clients.installing import Done, Installation, Result
from lead_mcp.clients.machine import Machine, this_machine
from lead_mcp.clients.table import CLIENTS, Client
from lead_mcp.errors import SettingsError, did_you_mean
from lead_mcp.settings import file_in_use

OWN: Final = "lead-mcp"
TRIAL: Final = "lead-mcp-sandbox"
UV_ARCHIVE: Final = "archive-v"
"""A folder of uv's cache: what ``uvx`` runs lives there until the cache is cleared."""
NO_FILE: Final = (
    "No configuration file yet, and credentials of this shell are not copied into clients: until `lead-mcp init` has made one "
    "and install has run again, the server only says how to configure it."
)


@dataclass(frozen=True)
class InstallOptions:
    """What was asked for."""

    clients: Sequence[str]
    every: bool
    show: bool
    sandbox: bool
    uninstall: bool
    config: Path | None


def run(options: InstallOptions) -> int:
    """Install, print what became of it; the exit code. Raises SettingsError for a client that is not known."""
    machine = this_machine()
    chosen = _chosen(options)
    entry = own_entry(options.config, machine, sandbox=options.sandbox)
    if options.show:
        return _print_snippets(chosen, entry, machine)
    if not (options.sandbox or options.uninstall or entry.env):
        sys.stderr.write(f"{NO_FILE}\n")
    there = [client for client in chosen if client.is_there(machine)]
    away = [client for client in chosen if client not in there]
    results = [_done(Installation(client, entry, machine, datetime.now().astimezone()), options) for client in there]
    for result in results:
        _print_result(result, entry, machine, uninstall=options.uninstall)
    for client in away:
        _print_absence(client, machine)
    failed = any(result.done is Done.KEPT for result in results)
    return 1 if failed or not there or (away and not options.every) else 0


def own_entry(config: Path | None, machine: Machine, *, sandbox: bool) -> Entry:
    """The entry that starts this installation. Its secrets stay where the configuration file has them."""
    command, args = own_command(machine)
    if sandbox:
        return Entry(TRIAL, command, [*args, "serve", "--sandbox"])
    file = file_in_use(config)
    return Entry(OWN, command, [*args, "serve"], {"LEAD_MCP_CONFIG": str(file.absolute())} if file else {})


def own_command(machine: Machine, prefix: str = sys.prefix, python: str = sys.executable) -> tuple[str, list[str]]:
    """This program by an absolute path, and what comes before its own words."""
    uvx = machine.which("uvx")
    if uvx and any(part.startswith(UV_ARCHIVE) for part in Path(prefix).parts):
        return uvx, [*origin_of(distribution(OWN).read_text("direct_url.json")), OWN]
    for name in (OWN, f"{OWN}.exe"):
        beside = Path(python).with_name(name)
        if beside.is_file():
            return str(beside.absolute()), []
    return python, ["-m", "lead_mcp"]


def origin_of(record: str | None) -> list[str]:
    """What tells ``uvx`` where this installation came from, as it was recorded; nothing where that was an index."""
    found = json.loads(record) if record else {}
    if "url" not in found:
        return []
    url = str(found["url"])
    if "vcs_info" in found:
        return ["--from", f"{found['vcs_info']['vcs']}+{url}@{found['vcs_info']['commit_id']}"]
    return ["--from", url2pathname(urlsplit(url).path) if url.startswith("file:") else url]


def _chosen(options: InstallOptions) -> list[Client]:
    """The clients that are meant. Raises SettingsError."""
    if options.show and options.uninstall:
        raise SettingsError("--print shows what is put in, --uninstall takes it out: one of them.")
    if options.every and options.clients:
        raise SettingsError("--all is every client: leave the name out, or --all.")
    known = {client.name: client for client in CLIENTS}
    if options.every or (options.show and not options.clients):
        return list(CLIENTS)
    if not options.clients:
        raise SettingsError(f"Name a client, or say --all or --print. There are {', '.join(known)}.")
    for name in options.clients:
        if name not in known:
            begin = [repr(one) for one in known if name and one.startswith(name.casefold())]
            hint = f" Did you mean {' or '.join(begin)}?" if begin else did_you_mean(name[:60], known)
            nearest = hint or f" There are {', '.join(known)}."
            raise SettingsError(f"No client {name[:60]!r}.{nearest}")
    return [known[name] for name in dict.fromkeys(options.clients)]


def _done(installation: Installation, options: InstallOptions) -> Result:
    return installation.uninstall() if options.uninstall else installation.install()


# --- words --------------------------------------------------------------------------------------------------------


WORDS: Final[Mapping[Done, str]] = {
    Done.ADDED: "added {name} to {place}{how}. Start {title} anew to use it.",
    Done.CHANGED: "changed {name} in {place}{how}. Start {title} anew to use it.",
    Done.UNCHANGED: "{name} is in {place} already.",
    Done.REMOVED: "removed {name} from {place}{how}.",
    Done.ABSENT: "{name} is not in {place}.",
    Done.KEPT: "{place} was left as it is: {why}.",
}


def _print_result(result: Result, entry: Entry, machine: Machine, *, uninstall: bool) -> None:
    client = result.client
    how = f" with `{result.by}`" if result.by else ""
    if result.backup:
        how = f" (as it was: {result.backup.name})"
    words = WORDS[result.done].format(
        name=entry.name, place=machine.shown(result.file), how=how, title=client.title, why=result.why
    )
    print(f"{client.title}: {words}")
    if result.done is Done.KEPT:
        if uninstall:
            print(f"Take the entry {entry.name!r} out of {client.key!r} by hand.")
        else:
            print(f"Put this in by hand:\n{_snippet(client, entry)}")


def _print_absence(client: Client, machine: Machine) -> None:
    looked = dict.fromkeys(machine.shown(path) for path in (*client.homes(machine), *client.files(machine)))
    program = f", and for `{client.program}` on the PATH" if client.program else ""
    print(f"{client.title}: not installed here; looked for {', '.join(looked)}{program}.")


def _print_snippets(clients: Sequence[Client], entry: Entry, machine: Machine) -> int:
    for client in clients:
        print(f"{client.title}, {machine.shown(client.file(machine))}:\n{_snippet(client, entry)}")
    return 0


def _snippet(client: Client, entry: Entry) -> str:
    return snippet(client.format, [client.key, entry.name], client.form(entry))
