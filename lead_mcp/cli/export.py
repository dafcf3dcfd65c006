"""``lead-mcp export``: an answer of any length as a file, gone on with where an earlier run was cut off."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio

from lead_mcp.characters import cleaned
from lead_mcp.cli.arguments import from_json, from_words
from lead_mcp.cli.opened import settings_for
from lead_mcp.cli.terminal import interruptible
from lead_mcp.errors import BadArgument, CallError, Conflict, LeadMcpError, did_you_mean
from lead_mcp.exports.export import Export, Report, unreported
from lead_mcp.exports.file import ExportFile, Manifest
from lead_mcp.exports.formats import FORMATS, NEAREST, format_of
from lead_mcp.outgoing.masking import masked_by
from lead_mcp.outgoing.render import error_text
from lead_mcp.outgoing.times import counted, times_in
from lead_mcp.runtime import running
from lead_mcp.tools.arguments.base import read_arguments, schema_of
from lead_mcp.tools.catalogue import names_for, why_missing
from lead_mcp.tools.export_pages import MODELS, PAGES, question_of

USAGE: Final = 2
UNASKED: Final = ("cursor", "max_tokens")
"""Arguments of a page: a file has all of them."""


@dataclass(frozen=True)
class ExportOptions:
    """What ``lead-mcp export`` was asked for. ``format``: by the file's ending where it is None."""

    path: Path
    tool: str
    words: Sequence[str]
    json_text: str | None = None
    format: str | None = None
    excel: bool = False
    force: bool = False
    config: Path | None = None
    sandbox: bool = False

    @property
    def form(self) -> str:
        ending = self.path.suffix[1:].casefold()
        return self.format or (ending if ending in (*FORMATS, *NEAREST) else "csv")


def run(options: ExportOptions) -> int:
    """Export; the exit code."""
    running_export = ExportRun(options)
    return anyio.run(interruptible, running_export.run, running_export.last_words)


@dataclass
class ExportRun:
    """One run of the command."""

    options: ExportOptions
    file: ExportFile | None = None

    async def run(self) -> int:
        try:
            return _summed_up(self.options, await self._exported())
        except (CallError, Conflict) as error:
            return _failed(error, USAGE if self.file is None or not self.file.at.pages else 1)
        except LeadMcpError as error:
            code = _failed(error, 1)
            sys.stderr.write(self._kept())
            return code

    def last_words(self) -> str:
        return f"lead-mcp: interrupted. {self._kept()}"

    def _kept(self) -> str:
        if self.file is None or not self.file.at.pages:
            return "Nothing was written.\n"
        rows = counted(self.file.at.rows, "row")
        return f"{rows} are in {self.file.part.name}; the same command again goes on from there.\n"

    async def _exported(self) -> Manifest:
        options = self.options
        if options.tool not in PAGES:
            known = ", ".join(PAGES)
            raise BadArgument(
                f"--tool: {options.tool!r} cannot be exported; {known} can.{did_you_mean(options.tool, PAGES)}"
            )
        form = format_of(options.form, excel=options.excel)
        settings, network = settings_for(options.config, sandbox=options.sandbox)
        given = self._arguments()
        async with running(settings, network()) as runtime:
            if options.tool not in names_for(settings, runtime.caller):
                raise why_missing(options.tool, settings, runtime.caller)
            masker = runtime.masker
            with masked_by(masker and masker.knowing(given)), times_in(runtime.server.zone):
                asked = read_arguments(MODELS[options.tool], given, options.tool)
                question = question_of(runtime, options.tool, given)
                file = ExportFile(options.path, form, question, runtime.server.timezone, options.force)
                self.file, pages = file, PAGES[options.tool](runtime, asked)
                async with _progress(file) as report:
                    return await Export(file, pages, runtime.now, getattr(asked, "limit", None), report=report).run()

    def _arguments(self) -> dict[str, Any]:
        schema = schema_of(MODELS[self.options.tool])
        given = {**from_json(self.options.json_text), **from_words(self.options.words, schema)}
        for name in UNASKED:
            if given.get(name) not in (None, ""):
                raise BadArgument(f"{name}: an export has every page; leave it out.")
        return {name: value for name, value in given.items() if name not in UNASKED}


@asynccontextmanager
async def _progress(file: ExportFile) -> AsyncIterator[Report]:
    """A bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield unreported
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(file.path.name, total=None)

        async def report(rows: int, total: int | None) -> None:
            bar.update(task, completed=rows, total=total)

        yield report


def _summed_up(options: ExportOptions, manifest: Manifest) -> int:
    """Say what was written; the exit code."""
    rows = counted(manifest["rows"], "row") if manifest["rows"] else "nothing matched: no rows"
    size = counted(manifest["bytes"], "byte")
    print(
        f"{rows} in {options.path} ({manifest['format']}, {size}); {options.path.name}.manifest.json says how they came"
    )
    if manifest["defused_cells"]:
        print(f"{counted(manifest['defused_cells'], 'cell')} looked like formulas and begin with ' now")
    if missing := manifest.get("missing"):
        print(f"{counted(len(missing), 'id')} not found; the manifest names them")
    if manifest["complete"]:
        return 0
    sys.stderr.writelines(f"lead-mcp: not complete: {cleaned(why)}\n" for why in manifest["why"])
    return 1


def _failed(error: LeadMcpError, code: int) -> int:
    sys.stderr.write(f"lead-mcp: {error_text(error)}\n")
    return code
