"""What docs/quick-start.md shows: a person's typing, and each client by the installer's own table and a run over its file."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lead_mcp.clients.entry import Entry
from lead_mcp.clients.formats import snippet
from lead_mcp.clients.machine import MACOS, WINDOWS, Machine
from lead_mcp.clients.table import CLIENTS, Client
from tests.installing.samples import SAMPLES
from tests.process.processes import here
from tests.process.terminal import typed

BACKUP: Final = re.compile(r"\d{8}-\d{6}(-\d+)?\.bak")
ENTRY: Final = Entry("lead-mcp", "/path/to/lead-mcp", ["serve"], {"LEAD_MCP_CONFIG": "/path/to/config.toml"})
SYSTEMS: Final = {
    "Linux": Machine("linux", Path("~"), {}),
    "macOS": Machine(MACOS, Path("~"), {}),
    "Windows": Machine(WINDOWS, Path("%USERPROFILE%"), {name: f"%{name}%" for name in ("APPDATA", "LOCALAPPDATA")}),
}
CONFIG: Final = '[accounts.octanist]\nvendor = "octanist"\napi_key = "a key"\n'

KEY: Final = "sandbox-octanist-api-key"
ANSWERS: Final = (
    ("Vendor", "octanist"),
    ("Account name", ""),
    ("api_key", KEY),
    ("Time zone", ""),
    ("Country", ""),
    ("Writes", ""),
    ("Personal values", ""),
)
"""What a person types: the vendor, the key, and Enter at everything else."""

SEEN: Final[Mapping[str, str]] = {
    "claude-desktop": "Quit it from its menu: closing the window is not enough. *Settings > Developer* shows the server. "
    "A packaged app on Windows has a folder of its own, which is found.",
    "claude-code": "`/mcp` in a new session shows it.",
    "cursor": "*Settings > MCP* shows it with its tools; the Agent uses them.",
    "vscode": "*MCP: List Servers* in the command palette shows and starts it; Copilot's agent mode uses it.",
    "windsurf": "*MCPs* in the Cascade panel shows it, and refreshes the list.",
    "zed": "*Settings > AI > MCP Servers* shows it. Zed shows no questions of a server: a write waits for `lead-mcp approve`.",
    "codex": "`codex mcp list` shows it. It gets 30 seconds to start, where Codex gives 10 by itself.",
    "gemini": "`/mcp list` shows it.",
    "goose": "*Extensions* in the desktop, or `goose configure`, shows it.",
    "lm-studio": "The *Program* tab of the right-hand side bar shows it.",
}
"""Where a client shows its servers, and what is its own. Source: each client's documents, read 2026-11."""


def person(home: Path) -> dict[str, str]:
    """The environment of somebody in New York, on Linux, whose home folder that is, and whose system has no keyring."""
    (home / "bin").mkdir(parents=True, exist_ok=True)
    folders = {"HOME": str(home), "XDG_CONFIG_HOME": f"{home}/.config", "LEAD_MCP_STATE_DIR": f"{home}/state"}
    none = {"CODEX_HOME": "", "CLAUDE_CONFIG_DIR": "", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    return {**folders, **none, "PATH": f"{home}/bin", "TZ": "America/New_York"}


def conversation(home: Path, origin: str) -> str:
    """What ``lead-mcp init`` asks and says, with what is typed. ``origin``: where Octanist is; nobody is asked that."""
    code, said = typed(person(home), ANSWERS, "init", "--set", f"base_url={origin}/octanist/api")
    assert code == 0, said
    lines = said.replace(str(home), "~").replace("\r", "").strip().splitlines()
    return "\n".join(["$ lead-mcp init", *(line.rstrip() for line in lines if "no keyring" not in line)])


def sections() -> str:
    """A section a client; no newline at the end."""
    first: dict[str, Client] = {}
    for client in CLIENTS:
        first.setdefault(entry(client), client)
    return "\n\n".join(section(client, first[entry(client)]) for client in CLIENTS)


def section(client: Client, like: Client) -> str:
    """The command with what it prints, where it is seen, the files, and the entry unless it is ``like`` another's."""
    console = f"```console\n$ lead-mcp install {client.name}\n{printed(client)}\n```"
    words = f"{SEEN[client.name]} Its servers stand under `{client.key}` in {files(client)}."
    if client.add:
        words += f" Where its command is on the `PATH`, that is used: `{own_command(client)}`."
    if like is client:
        words += f"\n\n```{client.format}\n{entry(client)}\n```"
    else:
        words += f" The entry is as [{like.title}'s](#{like.title.lower().replace(' ', '-')})."
    return f"### {client.title}\n\n{console}\n\n{words}"


def entry(client: Client) -> str:
    return snippet(client.format, [client.key, ENTRY.name], client.form(ENTRY)).strip()


def own_command(client: Client) -> str:
    assert client.add is not None
    words = [word.replace("LEAD_MCP_CONFIG=/path/to/config.toml", "LEAD_MCP_CONFIG=...") for word in client.add(ENTRY)]
    return shlex.join([client.program, *words]) if client.name != "vscode" else "code --add-mcp '{...}'"


def files(client: Client) -> str:
    """The client's file on each system; those that are alike once."""
    found: dict[str, list[str]] = {}
    for system, machine in SYSTEMS.items():
        path = str(client.file(machine))
        found.setdefault(path.replace("/", "\\") if system == "Windows" else path, []).append(system)
    return ", ".join(f"`{path}` ({' and '.join(systems)})" for path, systems in found.items())


def printed(client: Client) -> str:
    """What the command says in a home folder with a copy of somebody's file."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        path = client.file(Machine("linux", home, {}))
        for file, text in ((path, SAMPLES[client.name]), (home / ".config" / "lead-mcp" / "config.toml", CONFIG)):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        ended = here("install", client.name, environment=person(home))
    assert ended.returncode == 0, ended
    return BACKUP.sub("DATE-TIME.bak", ended.stdout.strip())
