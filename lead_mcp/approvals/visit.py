"""One write on the page, as somebody who has signed in sees and answers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from lead_mcp.approvals import answering, pages
from lead_mcp.approvals.pages import PATH
from lead_mcp.approvals.requests import Form, RequestRefused, page
from lead_mcp.approvals.sessions import Session, Sessions
from lead_mcp.approvals.waiting import named
from lead_mcp.errors import Conflict
from lead_mcp.journal.entries import Write
from lead_mcp.runtime import Runtime

if TYPE_CHECKING:
    from starlette.responses import Response

    from lead_mcp.journal.store import Journal

T = TypeVar("T")
WRITE: Final = re.compile(r"w-[0-9a-f]{16}")


@dataclass(frozen=True)
class Visit:
    """A signed-in request: its session, and the server as that principal may use it."""

    session: Session
    runtime: Runtime
    sessions: Sessions

    @property
    def name(self) -> str:
        return "a person" if self.runtime.caller.is_local else self.runtime.principal

    @property
    def who(self) -> str:
        """Who answers, as the journal names them."""
        return f"{self.name} at {PATH}"

    async def in_journal(self, work: Callable[[Runtime, Journal], T]) -> T:
        return await self.runtime.in_journal(partial(work, self.runtime))


async def write_of(visit: Visit, name: str) -> Write:
    """The write of that id. Raises RequestRefused: what is not there and what is not theirs look the same."""
    found = None
    if WRITE.fullmatch(name):
        found = await visit.in_journal(lambda runtime, journal: named(runtime, journal, name))
    if found is None:
        raise RequestRefused(404, "There is no such write, or it is not yours to answer.")
    return found


async def asked(visit: Visit, write: Write) -> Response:
    """The question, or what has become of it."""
    if write.replayed:
        return page(pages.outcome("Answered", answering.again(write)))
    await visit.in_journal(lambda runtime, journal: answering.check_open(journal, write))
    answering.check_allowed(visit.runtime.server, write)
    question = await answering.question_of(visit.runtime, write)
    sealed = visit.sessions.question(_about(visit, write), question.agreements)
    return page(pages.question(write, question.message, sealed, visit.session.mark))


async def answered(visit: Visit, write: Write, form: Form) -> Response:
    """A yes or a no. Who clicks twice sees what the first click did."""
    yes = form.get("answer") == "yes"
    if not yes and form.get("answer") != "no":
        raise RequestRefused(400, "Neither yes nor no.")
    try:
        await visit.in_journal(lambda runtime, journal: answering.check_open(journal, write))
        return await (_sent(visit, write, form.get("question", "")) if yes else _declined(visit, write))
    except Conflict:
        now = await _settled(visit, write)
        if not now.replayed:
            raise
        return page(pages.outcome("Answered already", answering.again(now)))


async def _sent(visit: Visit, write: Write, question: str) -> Response:
    answering.check_allowed(visit.runtime.server, write)
    agreements = visit.sessions.agreements(_about(visit, write), question)
    if agreements is None:
        raise Conflict("This question is too old, or was put to another session; look at the write again.")
    done = await answering.send(visit.runtime, write, agreements, visit.who)
    return page(pages.outcome("Sent, not all of it" if done.failed else "Sent", done.text))


async def _declined(visit: Visit, write: Write) -> Response:
    text = await visit.in_journal(lambda runtime, journal: answering.decline(journal, write, visit.who))
    return page(pages.outcome("Declined", text))


async def _settled(visit: Visit, write: Write) -> Write:
    """The write as it is once nobody works on it. Raises TimedOut."""
    now = await visit.in_journal(lambda runtime, journal: journal.get(write.id))
    return await visit.runtime.pipeline("allow", None, {}).claims.waited_for(now or write)


def _about(visit: Visit, write: Write) -> str:
    """What a question is about: a write as it stands, asked in one session."""
    return f"{PATH} {write.id} {write.fence} {visit.session.mark}"
