"""The mirror's tables as Parquet files for other engines: a folder an account and month, and a manifest, written last.

A folder without ``manifest.json`` is no export, or one that was cut off. An export replaces the one that was there before in
one step, once it is whole.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from anyio import to_thread

from lead_mcp import __version__
from lead_mcp.dates import full_stamp
from lead_mcp.errors import BadArgument, NotConfigured, Unavailable
from lead_mcp.mirror.generation import Generation, schema
from lead_mcp.mirror.mirror import Mirror
from lead_mcp.mirror.publishing import START
from lead_mcp.mirror.segments import STORED, View
from lead_mcp.sql.cage import CageError, Child
from lead_mcp.sql.tables import TABLES
from lead_mcp.state_dir import private_folder

MANIFEST: Final = "manifest.json"
MONTH: Final = {"leads": "created_at"}
"""The column by whose month (UTC) rows are put in folders, where it is not ``occurred_at``."""


async def export_all(mirror: Mirror, folder: Path) -> dict[str, Any]:
    """The manifest of what was written. Raises BadArgument, NotConfigured, Unavailable."""
    await mirror.refresh()
    generation = mirror.generation
    if generation is None:
        raise NotConfigured("There is nothing to export yet: run `lead-mcp mirror sync`.")
    partial = await to_thread.run_sync(_begun, folder)
    try:
        rows = await _written(mirror, generation, partial)
        return await to_thread.run_sync(_ended, generation, partial, folder, rows)
    except (CageError, OSError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise Unavailable(f"The export could not be written: {error}") from error


def _begun(folder: Path) -> Path:
    """An empty folder beside the one that is wanted. Raises BadArgument where that holds something else."""
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / MANIFEST).is_file())):
        raise BadArgument(f"{folder}: name a new folder, or one with an earlier export; this one holds something else.")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    return private_folder(partial)


def _ended(generation: Generation, partial: Path, folder: Path, rows: Mapping[str, int]) -> dict[str, Any]:
    manifest = _manifest(generation, partial, rows)
    (partial / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)
    return manifest


async def _written(mirror: Mirror, generation: Generation, folder: Path) -> dict[str, int]:
    """Rows of each table."""
    rows: dict[str, int] = {}
    names = [*STORED, "people"]
    view = View([], every=True, lead_window=None, ping_window=None, delta=bool(generation.delta))
    child = Child({"folder": str(mirror.folder)}, START)
    try:
        await child.greet()
        await child.ask(
            {"op": "begin_export", "files": generation.files, "create": view.create(names), **mirror.sealing.writing()}
        )
        for name in names:
            asked = {"op": "export", "table": name, "to": str(folder / name)}
            if name != "people":
                asked["month"] = MONTH.get(name, "started_at" if name == "recordings" else "occurred_at")
            rows[name] = (await child.ask(asked))[0]["rows"]
    finally:
        await child.end()
    return rows


def _manifest(generation: Generation, folder: Path, rows: Mapping[str, int]) -> dict[str, Any]:
    return {
        "made_by": f"lead-mcp {__version__}",
        "made_at": full_stamp(datetime.now(UTC)),
        "schema": schema(),
        "values": generation.look.partition(":")[0],
        "accounts": {
            name: {kind: full_stamp(place.as_of) for kind, place in kinds.items() if place.as_of}
            for name, kinds in generation.places.items()
        },
        "tables": {
            name: {"rows": many, "columns": dict(TABLES[name].types), "files": _files(folder, name)}
            for name, many in rows.items()
        },
    }


def _files(folder: Path, name: str) -> list[dict[str, Any]]:
    return [
        {
            "path": path.relative_to(folder).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted((folder / name).rglob("*.parquet"))
    ]
