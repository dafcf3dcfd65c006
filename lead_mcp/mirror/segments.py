"""The tables as the files for SQL hold them, and the views that a statement sees instead. Pure.

Beside the columns that are asked over, each row has the number of its record and, where it is made of a lead, the time the
lead was created, by which a window leaves it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from lead_mcp.dates import Window
from lead_mcp.sql.tables import TABLES, TIME

NO: Final = "record_no"
CREATED: Final = "lead_created_at"
OWN_TIME: Final[Mapping[str, str]] = MappingProxyType({"leads": "created_at", "pings": "occurred_at"})
"""The column that windows mean; in the other tables it is that of the lead."""
STORED: Final = ("leads", "sends", "events", "pings", "recordings")
COLUMNS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {name: {**TABLES[name].types, NO: "BIGINT"} | ({} if name in OWN_TIME else {CREATED: TIME}) for name in STORED}
)


@dataclass(frozen=True, slots=True)
class View:
    """What one statement may see: of these accounts, and of a window on leads and on pings."""

    accounts: Sequence[str]
    every: bool
    """Whether those are all that the files hold."""
    lead_window: Window | None
    ping_window: Window | None
    delta: bool
    """Whether there is a second file."""

    def create(self, names: Sequence[str]) -> list[str]:
        """The statements that make the views."""
        return [f"CREATE VIEW {name} AS {TABLES[name].query or self._query(name)}" for name in names]

    def _query(self, name: str) -> str:
        listed = ", ".join(f'"{column}"' for column in TABLES[name].types)
        where = self._where(name)
        if not self.delta:
            return f"SELECT {listed} FROM base.{name}{where}"
        return (
            f"SELECT {listed} FROM base.{name} ANTI JOIN delta.gone USING ({NO}){where} "
            f"UNION ALL SELECT {listed} FROM delta.{name}{where}"
        )

    def _where(self, name: str) -> str:
        window = self.ping_window if name == "pings" else self.lead_window
        found = [] if self.every else [f"account IN ({', '.join(map(_text, self.accounts))})"]
        when = OWN_TIME.get(name, CREATED)
        if window is not None and window.since is not None:
            found.append(f"{when} >= {_moment(window.since)}")
        if window is not None and window.until is not None:
            found.append(f"{when} < {_moment(window.until)}")
        return f" WHERE {' AND '.join(found)}" if found else ""


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _moment(moment: datetime) -> str:
    return f"TIMESTAMPTZ '{moment.isoformat()}'"
