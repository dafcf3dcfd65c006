"""Every client: where it keeps its servers, its own command for that, and how one tells that it is there.

Source: each client's own documents, read 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lead_mcp.clients.entry import Entry, codex, goose, plain, typed, zed
from lead_mcp.clients.machine import WINDOWS, Machine

Places = Callable[[Machine], Sequence[Path]]
Words = Callable[[Entry], Sequence[str]]


@dataclass(frozen=True)
class Client:
    """One client.

    ``files``: where its servers may stand; the first that exists is used, else the last is made. ``key``: the table of
    servers in it. ``homes``: what is there where the client is. ``program``: its command, and what adds and removes an entry
    with it. ``expands``: whether it fills in ``${...}`` itself.
    """

    name: str
    title: str
    files: Places
    homes: Places
    format: str = "json"
    key: str = "mcpServers"
    form: Callable[[Entry], dict[str, Any]] = plain
    program: str = ""
    add: Words | None = None
    remove: Words | None = None
    expands: bool = False

    def file(self, machine: Machine) -> Path:
        """The file that is read and written."""
        found = self.files(machine)
        return next((path for path in found if path.exists() or path.is_symlink()), found[-1])

    def is_there(self, machine: Machine) -> bool:
        if self.program and machine.which(self.program):
            return True
        return any(path.exists() for path in (*self.homes(machine), *self.files(machine)))


def at(*parts: str) -> Places:
    """A path under the home folder, on every system."""
    return lambda machine: [machine.home.joinpath(*parts)]


def in_settings(*parts: str) -> Places:
    return lambda machine: [machine.settings.joinpath(*parts)]


def in_dot_config(*parts: str) -> Places:
    return lambda machine: [machine.dot_config.joinpath(*parts)]


def claude_desktop(machine: Machine) -> list[Path]:
    """The file; on Windows a packaged app has one of its own, which then counts."""
    usual = machine.settings / "Claude" / "claude_desktop_config.json"
    if machine.system != WINDOWS:
        return [usual]
    local = machine.folder("LOCALAPPDATA", "AppData", "Local")
    packaged = local.glob("Packages/Claude_*/LocalCache/Roaming/Claude")
    folders = [*sorted(local.glob("Claude-Data/claude_*")), *sorted(packaged)]
    # a folder of the packaged app is where the file has to be, there yet or not
    return [*(folder / usual.name for folder in folders), *([] if folders else [usual])]


def goose_file(machine: Machine) -> list[Path]:
    if machine.system == WINDOWS:
        return [machine.settings / "Block" / "goose" / "config" / "config.yaml"]
    return [machine.unix_config / "goose" / "config.yaml"]


def claude_code(machine: Machine) -> list[Path]:
    return [machine.folder("CLAUDE_CONFIG_DIR") / ".claude.json"]


def codex_home(machine: Machine) -> Path:
    return machine.folder("CODEX_HOME", ".codex")


def _env(entry: Entry) -> list[str]:
    return [word for key, value in entry.env.items() for word in ("--env", f"{key}={value}")]


def _parent(files: Places) -> Places:
    return lambda machine: [path.parent for path in files(machine)]


WINDSURF: Final = at(".codeium", "windsurf", "mcp_config.json")
ZED: Final = in_dot_config("zed", "settings.json")
CLIENTS: Final[Sequence[Client]] = (
    Client("claude-desktop", "Claude Desktop", claude_desktop, _parent(claude_desktop)),
    Client(
        "claude-code",
        "Claude Code",
        claude_code,
        at(".claude"),
        form=typed,
        program="claude",
        expands=True,
        add=lambda e: ["mcp", "add", "--scope", "user", e.name, *_env(e), "--", e.command, *e.args],
        remove=lambda e: ["mcp", "remove", "--scope", "user", e.name],
    ),
    Client("cursor", "Cursor", at(".cursor", "mcp.json"), at(".cursor"), expands=True),
    Client(
        "vscode",
        "VS Code",
        in_settings("Code", "User", "mcp.json"),
        in_settings("Code"),
        key="servers",
        form=typed,
        program="code",
        expands=True,
        add=lambda e: ["--add-mcp", json.dumps({"name": e.name, **typed(e)})],
    ),
    Client("windsurf", "Windsurf", WINDSURF, _parent(WINDSURF), expands=True),
    Client("zed", "Zed", ZED, _parent(ZED), key="context_servers", form=zed),
    Client(
        "codex",
        "Codex CLI",
        lambda machine: [codex_home(machine) / "config.toml"],
        lambda machine: [codex_home(machine)],
        format="toml",
        key="mcp_servers",
        form=codex,
        program="codex",
        add=lambda e: ["mcp", "add", e.name, *_env(e), "--", e.command, *e.args],
        remove=lambda e: ["mcp", "remove", e.name],
    ),
    Client(
        "gemini",
        "Gemini CLI",
        at(".gemini", "settings.json"),
        at(".gemini"),
        program="gemini",
        expands=True,
        add=lambda e: ["mcp", "add", "--scope", "user", *_env(e), e.name, e.command, "--", *e.args],
        remove=lambda e: ["mcp", "remove", "--scope", "user", e.name],
    ),
    Client(
        "goose", "Goose", goose_file, _parent(goose_file), format="yaml", key="extensions", form=goose, expands=True
    ),
    Client("lm-studio", "LM Studio", at(".lmstudio", "mcp.json"), at(".lmstudio")),
)
NAMES: Final = tuple(client.name for client in CLIENTS)
