"""What the emulators hold, computed from the world that they draw: what every complete answer must say."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from evals.rows import READERS, Row
from lead_mcp.sandbox.world import World

WINDOW: Final = timedelta(days=60)


class Truth:
    """The leads of every account that were created in the 60 days before the run: nobody touches these during it."""

    def __init__(self, leads: int, until: datetime) -> None:
        self.since, self.until = until - WINDOW, until
        world = World(leads, until=until)
        self.every: Mapping[str, Sequence[Row]] = {name: list(read(world)) for name, read in READERS.items()}
        self.window = {"since": self.since.isoformat(), "until": self.until.isoformat()}

    @cached_property
    def rows(self) -> Mapping[str, Sequence[Row]]:
        """The window's leads, by account."""
        return {
            name: [row for row in rows if self.since <= row.created < self.until] for name, rows in self.every.items()
        }

    @cached_property
    def counts(self) -> Mapping[str, int]:
        return {name: len(rows) for name, rows in self.rows.items()}

    def uris(self, account: str) -> set[str]:
        return {row.uri for row in self.rows[account]}

    def statuses(self, account: str) -> Counter[str]:
        return Counter(row.status for row in self.rows[account])

    def any_row(self, dice: random.Random) -> Row:
        return dice.choice(self.rows[dice.choice(list(self.rows))])

    @cached_property
    def _people(self) -> Mapping[str, list[Row]]:
        """Leads by e-mail and by phone."""
        found = defaultdict[str, list[Row]](list)
        for row in (row for rows in self.every.values() for row in rows):
            for name in filter(None, ((row.email or "").casefold(), row.phone)):
                found[name].append(row)
        return found

    def person(self, row: Row) -> set[str]:
        """The URIs of every lead that one e-mail or phone after the other leads to from this one."""
        names, seen, found = [name for name in (row.email, row.phone) if name], set[str](), set[str]()
        while names:
            name = names.pop().casefold()
            if name not in seen:
                seen.add(name)
                found |= {one.uri for one in self._people[name]}
                names += [text for one in self._people[name] for text in (one.email, one.phone) if text]
        return found
