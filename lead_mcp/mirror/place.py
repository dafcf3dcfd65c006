"""How far one kind of record of one account has been read into the mirror."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Self

from lead_mcp.filters import as_time


@dataclass(frozen=True, slots=True)
class Place:
    """``as_of``: everything created before it is here (UTC), back to ``reached`` (None: to the first record).

    ``loaded``: whether the first reading has come back to where it shall begin (``since``; None: the first record).
    ``changed``: when changes of older records were last looked for. ``swept``: back to where the running sweep has come, None
    where none runs. ``swept_at``: when the last sweep ended. ``error``: what went wrong last, in our
    own words (``own_words``), as nobody could forget here what a vendor quotes; or "".
    """

    as_of: datetime | None = None
    reached: datetime | None = None
    loaded: bool = False
    since: datetime | None = None
    changed: datetime | None = None
    swept: datetime | None = None
    swept_at: datetime | None = None
    error: str = ""

    def packed(self) -> str:
        return json.dumps({name: _packed(value) for name, value in asdict(self).items()})

    @classmethod
    def unpacked(cls, text: str) -> Self:
        found: dict[str, Any] = json.loads(text)
        times = {one.name for one in fields(cls) if "datetime" in str(one.type)}
        values: dict[str, Any] = {name: as_time(value) if name in times else value for name, value in found.items()}
        return cls(**values)


def _packed(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
