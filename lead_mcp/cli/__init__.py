"""The command line's entry: exit codes, and errors without tracebacks.

``serve`` as desktop clients start it goes a short way (``starting.py``); every other line is read by ``commands.py``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lead_mcp.cli.starting import read_plain, serve
from lead_mcp.errors import LeadMcpError, SettingsError


def main() -> None:
    """The entry point: every foreseeable failure is one line on stderr and exit code 2 (usage, settings) or 1."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    if sys.stdout is None:
        sys.exit(_report("stdout is closed, and nothing could be answered", 1))
    try:
        _run(sys.argv[1:])
    except (SettingsError, LeadMcpError, OSError, BaseExceptionGroup) as error:
        sys.exit(_failed(error))


def _run(words: list[str]) -> None:
    """Do what the line says. Ends the process."""
    options = read_plain(words)
    if options is None:
        from lead_mcp.cli.commands import app

        app()
        return
    try:
        sys.exit(serve(options))
    except KeyboardInterrupt:  # before the server listens to signals
        sys.exit(130)


def _failed(error: BaseException) -> int:
    """Say what happened; the exit code. A failure inside a client or a server comes out of their task groups wrapped."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    match error:
        case SettingsError():
            return _report(str(error), 2)
        case LeadMcpError():
            return _report(error.message, 1)
        case OSError():
            return _report(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", 1)
        case _:
            raise error


def _report(message: str, code: int) -> int:
    sys.stderr.write(f"lead-mcp: {message}\n")
    return code
