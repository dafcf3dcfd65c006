"""A bench with a mirror beside it, and what stands in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from lead_mcp.mirror.mirror import Mirror
from lead_mcp.mirror.sync import Terms
from lead_mcp.mirror.syncing import SyncReport, sync_all
from tests.driving import Bench, bench


class Keeping:
    """A bench whose server has its mirror on. ``mirror`` is the server's own."""

    def __init__(self, driven: Bench) -> None:
        self.bench = driven

    @property
    def mirror(self) -> Mirror:
        found = self.bench.runtime.mirror
        assert found is not None
        return found

    def sync(self, only: Sequence[str] | None = None, **terms: Any) -> SyncReport:
        chosen = [one for name, one in self.mirror.connections.items() if only is None or name in only]
        return self.bench.portal.call(sync_all, self.mirror, chosen, replace(self.mirror.terms, **terms))

    def again(self, folder: Path) -> Mirror:
        """A mirror of the same accounts elsewhere, as another process would hold it."""
        own = self.mirror
        return self.bench.portal.call(
            partial(Mirror, folder, own.connections, own.terms, own.look, sealing=own.sealing)
        )

    def close(self) -> None:
        if (found := self.bench.runtime.mirror) is not None:
            self.bench.portal.call(found.aclose)


@contextmanager
def keeping(folder: Path, leads: int = 60, **options: Any) -> Iterator[Keeping]:
    environment = {
        "LEAD_MCP_MIRROR": "on",
        "LEAD_MCP_STATE_DIR": str(folder),
        "LEAD_MCP_WRITES": "allow",
        "LEAD_MCP_DELETES": "allow",
        **options.pop("environment", {}),
    }
    with bench(leads, environment=environment, **options) as driven:
        found = Keeping(driven)
        try:
            yield found
        finally:
            found.close()


def records(mirror: Mirror, kind: str = "lead") -> dict[tuple[str, str], Any]:
    """Every record that is kept, by account and id."""
    with mirror.store.reading() as database:
        rows = database.execute("SELECT account, id, raw FROM records WHERE kind = ?", (kind,)).fetchall()
    return {(account, id_): json.loads(mirror.store.vault.opened_raw(raw)) for account, id_, raw in rows}


def persons(mirror: Mirror) -> dict[tuple[str, str], str]:
    with mirror.store.reading() as database:
        rows = database.execute("SELECT account, id, person FROM records WHERE kind = 'lead'").fetchall()
    word = mirror.store.vault.opened_word
    return {(account, id_): person and word(person) for account, id_, person in rows}


def everything(mirror: Mirror) -> tuple[Any, ...]:
    """All that a sync decides: records of every kind, who is who, what each is found by."""
    kinds = ("lead", "inbound", "outbound")
    with mirror.store.reading() as database:
        keys = database.execute("SELECT account, kind, id, key, joins FROM keys JOIN records USING (no)").fetchall()
        shared = database.execute("SELECT key FROM shared").fetchall()
    word = mirror.store.vault.opened_word
    found_by = sorted((account, kind, id_, word(key), joins) for account, kind, id_, key, joins in keys)
    return (
        {kind: records(mirror, kind) for kind in kinds},
        persons(mirror),
        found_by,
        sorted(word(key) for (key,) in shared),
    )


def terms_of(mirror: Mirror, **changes: Any) -> Terms:
    return replace(mirror.terms, **changes)
