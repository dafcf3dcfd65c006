"""Exports over a bench, in this process, and cut off where a test wants it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from lead_mcp.exports.export import Export
from lead_mcp.exports.file import ExportFile, Manifest
from lead_mcp.exports.formats import format_of
from lead_mcp.exports.page import ExportPage
from lead_mcp.outgoing.masking import masked_by
from lead_mcp.outgoing.times import times_in
from lead_mcp.tools.arguments.base import read_arguments
from lead_mcp.tools.export_pages import MODELS, PAGES, question_of
from tests.driving import Bench

OCTOBER_ON = {"since": "2026-10-01"}


class Killed(Exception):
    """The process is gone: nothing that is written for a failure is reached."""


def exported(
    driven: Bench,
    path: Path,
    form: str = "csv",
    *,
    tool: str = "search_leads",
    kill_at: int | None = None,
    with_error: Exception | None = None,
    until: float | None = None,
    settles: bool = False,
    page: int = 60,
    excel: bool = False,
    force: bool = False,
    **given: Any,
) -> Manifest:
    """The manifest. ``kill_at``: the page that never comes; ``with_error``: what comes instead."""
    given = given or OCTOBER_ON
    runtime = driven.runtime

    async def work() -> Manifest:
        masker = runtime.masker
        with masked_by(masker and masker.knowing(given)), times_in(runtime.server.zone):
            asked = read_arguments(MODELS[tool], given, tool)
            question = question_of(runtime, tool, given)
            file = ExportFile(path, format_of(form, excel=excel), question, runtime.server.timezone, force)
            inner, served = PAGES[tool](runtime, asked), 0

            async def pages(cursor: str | None, rows: int) -> ExportPage:
                nonlocal served
                served += 1
                if kill_at is not None and served >= kill_at:
                    raise with_error or Killed
                return await inner(cursor, rows)

            most = getattr(asked, "limit", None)
            export = Export(file, pages, runtime.now, most, page=page, until=until, settles=settles)
            return await export.run()

    found: Manifest = driven.portal.call(work)
    return found


def csv_rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")))
