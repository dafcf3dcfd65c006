"""Which files hold the tables of one moment, and how far each account had been read then. Readers start here.

``current.json`` is replaced in one step, and the files it names never change. A file that it names no more is removed by
who writes next; a reader that has it open goes on with it (Windows lets nobody remove it until then).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from lead_mcp.mirror.place import Place
from lead_mcp.sql.tables import TABLES
from lead_mcp.state_dir import private_file, read_private

NAME: Final = "current.json"
FORMAT: Final = 3
"""Of the files. It is raised with every change of how rows are made; the tables' own columns count by themselves."""
GRACE: Final = 60.0
"""Seconds that a file stays after it is named no more: somebody may be about to open it."""
OWN: Final = ("base", "base_seq", "seq", "delta", "look", "meaning", "schema", "version", "sealed")
"""What a generation says beside places and counts."""
TRIES: Final = 100
"""How often the pointer is replaced again, where a reader of it is in the way (Windows)."""


def schema() -> str:
    """What the files hold, in one word: another word is another schema."""
    columns = {name: dict(table.types) for name, table in TABLES.items()}
    return hashlib.sha256(json.dumps([FORMAT, columns], sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Generation:
    """``base`` holds the rows of every record up to the change ``base_seq``, ``delta`` those that changed up to ``seq``.

    ``look``: how values were shown when the rows were made (``full``, or which masks); ``meaning``: what else rows hang on.
    """

    base: str
    base_seq: int
    seq: int
    delta: str = ""
    look: str = "full"
    meaning: str = ""
    schema: str = field(default_factory=schema)
    places: Mapping[str, Mapping[str, Place]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    """Leads of each account."""
    version: int = 0
    """The version of the lake whose tables these are; 0: no lake's, or not pushed there yet."""
    sealed: str = ""
    """The mark of the key that the files are encrypted with; "": they are not."""

    @property
    def files(self) -> dict[str, str]:
        """What to attach: the name in SQL, the file."""
        return {"base": self.base} | ({"delta": self.delta} if self.delta else {})

    def packed(self) -> str:
        places = {
            name: {kind: json.loads(one.packed()) for kind, one in kinds.items()} for name, kinds in self.places.items()
        }
        own = {name: getattr(self, name) for name in OWN}
        return json.dumps({**own, "places": places, "counts": dict(self.counts)})

    @classmethod
    def unpacked(cls, text: str) -> Self:
        """Raises ValueError, TypeError or KeyError where the text is none."""
        found = json.loads(text)
        places = {
            name: {kind: Place.unpacked(json.dumps(one)) for kind, one in kinds.items()}
            for name, kinds in found.pop("places").items()
        }
        return cls(**found, places=places)


def current(folder: Path) -> Generation | None:
    """The generation that readers open; None where there is none, or its words are none of ours."""
    try:
        found = Generation.unpacked(read_private(folder / NAME).decode())
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return found if found.schema == schema() else None


def point_at(folder: Path, generation: Generation) -> None:
    """Make it the one that readers open, in one step; what nobody opens any more goes."""
    fresh = folder / f"{NAME}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    with os.fdopen(private_file(fresh, new=True), "w", encoding="utf-8") as file:
        file.write(generation.packed())
        file.flush()
        os.fsync(file.fileno())
    _replace(fresh, folder / NAME)
    sweep(folder, set(generation.files.values()))


def _replace(fresh: Path, path: Path) -> None:
    for attempt in range(TRIES):
        try:
            fresh.replace(path)
        except PermissionError:
            if attempt == TRIES - 1:
                raise
        else:
            return


def sweep(folder: Path, named: set[str], grace: float = GRACE) -> None:
    """Remove what no generation names, and what a killed writer left half done."""
    for path in (*folder.glob("*.duckdb*"), *folder.glob(f"{NAME}.*")):
        if path.name not in named:
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime >= grace or path.suffix != ".duckdb":
                    path.unlink()
