"""``export_leads``: what a search finds as a file in the operator's folder; and the file as a resource."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import anyio
from anyio import to_thread
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, ResourceLink

from lead_mcp.exports.export import Export
from lead_mcp.exports.file import ExportFile, Manifest
from lead_mcp.exports.folder import ExportAccess, new_path, read_export, refused
from lead_mcp.exports.formats import FORMATS, Format, format_of
from lead_mcp.exports.links import Link
from lead_mcp.outgoing.exports import export_answer
from lead_mcp.runtime import Runtime
from lead_mcp.tools.arguments import models
from lead_mcp.tools.export_pages import lead_pages, question_of
from lead_mcp.tools.kit import META, linked, origin_of, result, runtime_of
from lead_mcp.uris import Uri, uri

READING: Final = 0.9
"""How much of the deadline is for reading; the rest is for making the file."""


async def export_leads(ctx: Context[Any, Any], asked: models.ExportLeads) -> CallToolResult:
    """The tool ``export_leads``."""
    runtime = runtime_of(ctx)
    form, until = format_of(asked.format), anyio.current_time() + READING * runtime.server.deadline
    folder = runtime.server.export_dir or Path()  # it is listed only with one
    path = new_path(folder, form.name, runtime.now())
    manifest = await _written(ctx, runtime, asked, _file(runtime, asked, path, form), until)
    where, link = uri("export", path.name), _link(ctx, runtime, path.name)
    found = ResourceLink(
        uri=link.url if link else where, name=path.name, mime_type=form.mime_type, size=manifest["bytes"]
    )
    near = str(path) if runtime.caller.is_local else None
    return result(*export_answer(manifest, where, near, link), linked(ctx, [found]))


def _link(ctx: Context[Any, Any], runtime: Runtime, name: str) -> Link | None:
    """Where the file can be downloaded, over HTTP."""
    if runtime.links is None:
        return None
    return runtime.links.link(name, runtime.principal, runtime.now(), origin_of(ctx))


def _file(runtime: Runtime, asked: models.ExportLeads, path: Path, form: Format) -> ExportFile:
    given = {name: getattr(asked, name) for name in asked.model_fields_set}
    if asked.filters:
        given["filters"] = [asdict(one) for one in asked.filters]
    question = question_of(runtime, "export_leads", given, owner=runtime.principal)
    return ExportFile(path, form, question, runtime.server.timezone)


async def _written(
    ctx: Context[Any, Any], runtime: Runtime, asked: models.ExportLeads, file: ExportFile, until: float
) -> Manifest:
    """The manifest. Nothing is left behind where it fails."""

    async def report(rows: int, total: int | None) -> None:
        await ctx.report_progress(rows, total, f"{rows:,} rows written")

    export = Export(
        file,
        lead_pages(runtime, asked, until),
        runtime.now,
        most=asked.limit,
        until=until,
        report=report,
        start=asked.cursor,
        settles=True,
    )
    try:
        return await export.run()
    except OSError as error:
        raise refused(error) from error
    finally:
        file.close(forget=True)


async def export_contents(runtime: Runtime, found: Uri) -> ReadResourceContents:
    """A file that was written before, for whoever made it. Raises NotFound, TooLarge."""
    access = ExportAccess(
        runtime.principal, runtime.caller.is_local, runtime.server.pii, frozenset(runtime.settings.accounts)
    )
    manifest, content = await to_thread.run_sync(read_export, runtime.server.export_dir, found.id, access)
    form = FORMATS[manifest["format"]]
    text: str | bytes = content if form.make else content.decode("utf-8", "replace")
    return ReadResourceContents(content=text, mime_type=form.mime_type, meta=META)
