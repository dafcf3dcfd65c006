"""``lead-mcp import``: a file of leads into one account, every row exactly once however often it is killed and run again.

The whole file is checked before the first request; then somebody is asked once for all rows.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import anyio

from lead_mcp.characters import cleaned
from lead_mcp.cli.importing.columns import column_map
from lead_mcp.cli.importing.plan import PRINCIPAL, ImportOptions, ImportPlan
from lead_mcp.cli.importing.results import Results
from lead_mcp.cli.importing.rows import Problems, read_file
from lead_mcp.cli.importing.sending import ImportRun, preview
from lead_mcp.cli.opened import settings_for
from lead_mcp.cli.terminal import agreed, interruptible
from lead_mcp.errors import BadArgument, LeadMcpError, NotAllowed
from lead_mcp.runtime import running
from lead_mcp.settings import Settings
from lead_mcp.writing.call import PREVIEWED
from lead_mcp.writing.offers import offered_insert
from lead_mcp.writing.prepared import prepare

UNUSABLE: Final = 2
DUPLICATES: Final = {
    "fail": "left alone and reported",
    "update": "updated with the row",
    "allow": "added once more",
}


def run(path: Path, options: ImportOptions, *, yes: bool, dry_run: bool, config: Path | None) -> int:
    """Check, ask, send, sum up; the exit code."""
    settings, _ = settings_for(config, sandbox=False)
    try:
        found = anyio.run(_checked, settings, path, options)
    except BadArgument as error:
        return _unusable([error.message])
    if isinstance(found, Problems):
        return _unusable([f"{path.name}: {said}" for said in found.texts()])
    if dry_run:
        return anyio.run(preview, settings, found)
    if settings.server.writes == "off":
        raise NotAllowed("LEAD_MCP_WRITES is off, so nothing can be imported.")
    results = Results.of(path.with_name(f"{path.name}.results.jsonl"))
    if not agreed(_question(found), yes=yes):
        print("declined; nothing was sent")
        return 0
    results.open()
    try:
        sending = ImportRun(found, results)
        return anyio.run(interruptible, partial(sending.run, settings), sending.last_words)
    finally:
        results.close()


def _unusable(problems: Sequence[str]) -> int:
    sys.stderr.writelines(f"lead-mcp: {cleaned(said)}\n" for said in problems)
    sys.stderr.write("lead-mcp: nothing was sent\n")
    return UNUSABLE


# --- checking -----------------------------------------------------------------------------------------------------


async def _checked(settings: Settings, path: Path, options: ImportOptions) -> ImportPlan | Problems:
    """The plan, or what is wrong. Every row passes the vendor's form; nothing is written at the vendor.

    Raises NotConfigured where the mirror alone shall be looked in, and there is none of the account.
    """
    file = read_file(path)
    async with running(settings) as runtime:
        connection = runtime.connection(options.account)
        form = offered_insert(connection).form
        await runtime.context().copy_of(connection, options.source)
        columns = column_map(file.columns, options.maps, form, ignore_unmapped=options.ignore_unmapped)
        plan = ImportPlan(path, options, file.digest, columns.rows(file.read))
        beginning = f"import {file.digest}#"
        plan.began_earlier = await runtime.in_journal(lambda journal: journal.has_keys(PRINCIPAL, beginning))
        for row in plan.rows:
            try:
                prepared = await prepare(plan.intent(runtime, row), runtime.context(), PREVIEWED, look=False)
            except LeadMcpError as error:
                file.problems.add(row.line, error.message)
            else:
                plan.warnings.update({note for note in prepared.warnings if isinstance(note, str)})
    return file.problems or plan


def _question(plan: ImportPlan) -> str:
    options = plan.options
    lines = [
        f"Import {plan.size} of {plan.path.name} into {options.account}? "
        f"A lead that is there already (same e-mail or phone) is {DUPLICATES[options.on_duplicate]}."
    ]
    lines += [f"Note: {warning}" for warning in list(plan.warnings)[:5]]
    return "\n".join([*lines, *([f"Note: {len(plan.warnings) - 5:,} more warnings"] if len(plan.warnings) > 5 else [])])
