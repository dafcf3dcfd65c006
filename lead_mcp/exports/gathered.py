"""Reading back what was gathered: a line of columns, then a line of JSON for each row; a time is ``{"at": ...}``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo


def columns_of(path: Path) -> Sequence[str]:
    with path.open(encoding="utf-8") as file:
        found: list[str] = json.loads(file.readline())
        return found


def rows_of(path: Path, zone: str) -> Iterator[list[Any]]:
    """Every row, its times as moments by the clock of ``zone``."""
    clock = ZoneInfo(zone)
    with path.open(encoding="utf-8") as file:
        file.readline()
        for line in file:
            yield [
                datetime.fromisoformat(one["at"]).astimezone(clock) if isinstance(one, dict) else one
                for one in json.loads(line)
            ]
