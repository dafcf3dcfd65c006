"""The loop: one page after another into the file, until there is none, there are enough, or time is up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import anyio
from anyio import to_thread

from lead_mcp.errors import LeadMcpError
from lead_mcp.exports.file import ExportFile, Manifest, stamped
from lead_mcp.exports.page import PASSING, ExportPage, Pages
from lead_mcp.outgoing.render import error_text

PAGE: Final = 500
"""Rows that are asked for at once."""
TIME_UP: Final = "the deadline came before the end; next_cursor goes on"
Report = Callable[[int, int | None], Awaitable[None]]
"""Takes how many rows there are by now, and how many there will be, where that is known."""


async def unreported(rows: int, total: int | None) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Export:
    """One export on its way. ``most``: rows it may have; ``until``: when it ends, by the event loop's clock."""

    file: ExportFile
    pages: Pages
    clock: Callable[[], datetime]
    most: int | None = None
    until: float | None = None
    report: Report = unreported
    page: int = PAGE
    start: str | None = None
    """The cursor that a new file begins with."""
    settles: bool = False
    """Whether a file that cannot be whole is made of what there is; else it waits to be gone on with."""

    async def run(self) -> Manifest:
        """Read and write to the end. Raises LeadMcpError where nobody answered, OSError where the file cannot be written.

        What was written by then stays, to be gone on with.
        """
        file = self.file
        try:
            await to_thread.run_sync(file.open, stamped(self.clock()), self.start)
            while not self._ended() and (page := await self._next()) is not None:
                await to_thread.run_sync(file.add, page)
                await self.report(file.at.rows, file.at.total)
            return await to_thread.run_sync(file.finish, stamped(self.clock()))
        finally:
            file.close()

    def _ended(self) -> bool:
        at = self.file.at
        late = self.until is not None and at.pages > 0 and anyio.current_time() >= self.until
        if late and not at.read and TIME_UP not in at.left_out:
            at.left_out.append(TIME_UP)
        return late or at.read or (self.most is not None and at.rows >= self.most)

    async def _next(self) -> ExportPage | None:
        """The next page; None where nobody gives it, and what there is will do."""
        try:
            return await self._page()
        except LeadMcpError as error:
            if not self.settles or not self.file.at.pages:
                raise
            self.file.at.left_out.append(error_text(error))
            return None

    async def _page(self) -> ExportPage:
        """The next page. An account that fails on the way is asked once more, since it would stay out of all later pages."""
        at = self.file.at
        rows = self.page if self.most is None else min(self.page, self.most - at.rows)
        known = {name for name, entry in at.accounts.items() if "error" in entry}
        try:
            page = await self.pages(at.cursor, rows)
        except LeadMcpError as error:
            if error.code not in PASSING or self._has_no_time():
                raise
            return await self.pages(at.cursor, rows)
        if page.passing - known and not self._has_no_time():
            return await self.pages(at.cursor, rows)
        return page

    def _has_no_time(self) -> bool:
        return self.until is not None and anyio.current_time() >= self.until
