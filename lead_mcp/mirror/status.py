"""What is mirrored, as plain values for people and programs."""

from __future__ import annotations

from typing import Any

from lead_mcp.dates import full_stamp
from lead_mcp.mirror.generation import Generation
from lead_mcp.mirror.mirror import Mirror
from lead_mcp.mirror.place import Place


def status_of(mirror: Mirror) -> dict[str, Any]:
    """``{"folder", "bytes", "tables_as_of_change", "accounts": [{account, kind, records, as_of, age_s, since, ...}]}``."""
    places, counts = mirror.places(), _counts(mirror)
    kinds = [
        (name, kind, places[name].get(kind, Place()))
        for name, one in mirror.connections.items()
        for kind in mirror.coverage.kinds(one)
    ]
    generation = mirror.generation
    files = [path for path in mirror.folder.iterdir() if path.is_file()] if mirror.folder.is_dir() else []
    return {
        "folder": str(mirror.folder),
        "bytes": sum(path.stat().st_size for path in files),
        "tables": generation is not None,
        "accounts": [_line(mirror, name, kind, place, counts.get((name, kind), 0)) for name, kind, place in kinds],
        **_lake(mirror, generation),
    }


def _counts(mirror: Mirror) -> dict[tuple[str, str], int]:
    """How many records there are, by account and kind; of a lake, as it was seen last."""
    if mirror.lake is None:
        return mirror.store.counts() if mirror.store.exists else {}
    records = mirror.lake.state.records if mirror.lake.state else {}
    return {(account, kind): many for account, kinds in records.items() for kind, many in kinds.items()}


def _lake(mirror: Mirror, generation: Generation | None) -> dict[str, Any]:
    """``{"lake": where, "version": of the lake, "version_here": of the copy}``, where the mirror is in one."""
    if mirror.lake is None:
        return {}
    version = mirror.lake.state.version if mirror.lake.state else 0
    return {
        "lake": mirror.lake.address.shown,
        "version": version,
        "version_here": generation.version if generation else 0,
    }


def _line(mirror: Mirror, name: str, kind: str, place: Place, records: int) -> dict[str, Any]:
    begin = mirror.coverage.since(place) if place.as_of else None
    return {
        "account": name,
        "kind": kind,
        "records": records,
        "as_of": full_stamp(place.as_of) if place.as_of else None,
        "age_s": round((mirror.terms.clock() - place.as_of).total_seconds()) if place.as_of else None,
        "since": full_stamp(begin) if begin else None,
        "complete": place.loaded,
        "error": place.error,
    }
