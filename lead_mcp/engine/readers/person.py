"""One person's records, as the vendor's own searches find them: few, read whole, checked and sorted here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lead_mcp.engine.persons.person_search import PersonSearch
from lead_mcp.engine.readers.base import Reader


@dataclass
class PersonReader(Reader):
    """Asks the searches that ``plan.person`` names."""

    async def _read(self) -> None:
        question, pager = self.plan.person, self.pager
        if question is None:
            raise AssertionError("a plan without a person has another reader")
        search = PersonSearch(
            pager.outbound,
            pager.learned,
            question.lookup,
            question.person,
            question.region,
            question.words,
            pager.usage.asked,
            pager.partition,
        )
        await search.read()
        pager.usage.scanned += len(search.rows)
        self.plan = replace(self.plan, notes=(*question.own_notes, *search.notes))
        for why in search.why:
            self.extent.note(why)
        await self.taken.settle_sorted(await self.taken.fresh(search.rows, self.record))
        self.extent.done = True
