"""``lead-mcp approve``: a write that waits for confirmation, settled at a terminal.

The question is put between two event loops, not inside one: Ctrl-C works while it waits.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import anyio

from lead_mcp.approvals import answering
from lead_mcp.approvals.answering import WriteQuestion
from lead_mcp.cli.opened import opened_journal
from lead_mcp.cli.terminal import agreed, interruptible
from lead_mcp.errors import BadArgument, SettingsError
from lead_mcp.journal.entries import Write
from lead_mcp.journal.store import Journal
from lead_mcp.runtime import running
from lead_mcp.settings import Settings

WHO: Final = "terminal"


def run(name: str, *, yes: bool, decline: bool, config: Path | None) -> int:
    """Show, ask, send, print; the exit code."""
    if yes and decline:
        raise SettingsError("--decline and --yes are opposites: --yes sends it, --decline drops it. Say one of them.")
    with opened_journal(config) as (settings, journal):
        write = found(journal, name)
        if write.replayed:
            print(answering.again(write))
            return 0
        answering.check_open(journal, write)
        if decline:
            return _declined(journal, write)
        answering.check_allowed(settings.server, write)
    question = anyio.run(_question, settings, write)
    if not (question.needs_nobody or agreed(question.message, yes=yes)):
        with opened_journal(config) as (_, journal):
            return _declined(journal, write)
    return anyio.run(interruptible, partial(_send, settings, write, question))


def found(journal: Journal, name: str) -> Write:
    """The write of that id. Raises BadArgument."""
    write = journal.get(name)
    if write is None:
        raise BadArgument(f"No write {name[:60]!r} in this journal; `lead-mcp journal` lists them.")
    return write


def _declined(journal: Journal, write: Write) -> int:
    print(answering.decline(journal, write, WHO))
    return 0


async def _question(settings: Settings, write: Write) -> WriteQuestion:
    async with running(settings) as runtime:
        return await answering.question_of(runtime, write)


async def _send(settings: Settings, write: Write, question: WriteQuestion) -> int:
    async with running(settings) as runtime:
        result = await answering.send(runtime, write, question.agreements, WHO)
    print(result.text)
    return 1 if result.failed else 0
