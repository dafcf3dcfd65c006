"""Versions, the configuration and who can read it, the state folder and the journal."""

from __future__ import annotations

import platform
import stat
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from lead_mcp import __version__
from lead_mcp.cli.diagnosis.finding import Finding, error, note, ok, warning
from lead_mcp.errors import NotAllowed, SettingsError
from lead_mcp.settings import NO_ACCOUNT, Server, Settings, file_in_use, load, usual_file
from lead_mcp.state_dir import POSIX, private_folder

PACKAGES: Final = ("mcp", "httpx2", "pydantic", "cryptography")
EXTRAS: Final = {
    "keyring": "keyring",
    "lake": "duckdb_extension_ducklake",
    "otel": "opentelemetry.sdk",
    "parquet": "pyarrow",
    "postgresql": "psycopg",
    "socks": "socksio",
    "sql": "duckdb",
    "team": "redis",
    "xlsx": "xlsxwriter",
}
"""An extra's name, and the module that shows it is there."""
OPEN: Final = ("pending", "unknown", "accepted")
MOST: Final = 1000
"""Writes that are counted."""


def versions() -> Iterator[Finding]:
    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    listed = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    yield ok("versions", f"lead-mcp {__version__}, {python}, {listed}")
    there = [name for name, module in EXTRAS.items() if _is_there(module)]
    yield ok("extras", f"installed: {', '.join(there) or 'none'}")


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even what it is a part of
        return False


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "?"


def configuration(config: Path | None, found: list[Settings]) -> Iterator[Finding]:
    """How it is; the settings go into ``found`` where they can be used."""
    try:
        file = file_in_use(config)
        settings = load(config)
    except SettingsError as wrong:
        yield error("configuration", str(wrong), "mend that setting; docs/settings.md lists every one")
        return
    if file is None:
        yield note("configuration", f"no file (none at {usual_file()}); settings come from the environment alone")
    else:
        yield ok("configuration", f"the file {file}")
        yield from _file_mode(file)
    yield from (warning("configuration", text, "see docs/settings.md") for text in settings.warnings)
    if not settings.accounts:
        yield error("accounts", NO_ACCOUNT, "run `lead-mcp init`")
    found.append(settings)


def _file_mode(file: Path) -> Iterator[Finding]:
    mode = file.stat().st_mode
    if POSIX and mode & (stat.S_IWGRP | stat.S_IWOTH):
        what = f"others can write {file}, and so send your credentials to a host of theirs"
        yield error("configuration", what, f"chmod go-w {file}")


def state(server: Server) -> Iterator[Finding]:
    """The state folder and what is in it."""
    folder = server.state_dir
    if not folder.exists():
        yield ok("state", f"{folder} is not there yet; the first write makes it")
        return
    try:
        private_folder(folder)
    except OSError as wrong:
        yield error("state", wrong.strerror or str(wrong), "mend that, or set LEAD_MCP_STATE_DIR to another folder")
        return
    yield ok("state", f"the folder {folder}")
    if server.journal_url or (folder / "journal.sqlite").exists():
        yield from _journal(server)


def _journal(server: Server) -> Iterator[Finding]:
    from lead_mcp.journal.store import Journal

    url = server.journal_url
    journal = Journal(url.get_secret_value() if url else None, server.state_dir)
    try:
        journal.open()
        problems = journal.verify()
        waiting = journal.recent(states=OPEN, limit=MOST)
    except NotAllowed as wrong:
        yield error("journal", wrong.message, "no write is sent until that is mended; docs/writes.md tells how")
        return
    finally:
        journal.close()
    if problems:
        yield error("journal", problems[0], "run `lead-mcp journal verify`; restore a backup or start a new journal")
    else:
        yield ok("journal", "every step is as it was written")
    if waiting:
        what = (
            f"{len(waiting)} write{'s' * (len(waiting) > 1)} not settled: they wait for approval, or may have happened"
        )
        yield warning("journal", what, "run `lead-mcp journal --unresolved`")
