"""What is kept of a record: all of it, whatever characters it holds."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.dates import EPOCH
from lead_mcp.engine.connection import Names
from lead_mcp.engine.records import lead_record
from lead_mcp.mirror.place import Place
from lead_mcp.mirror.records import Kept, bare, kept, micros
from lead_mcp.mirror.saving import save
from lead_mcp.mirror.sealing import Sealing
from lead_mcp.mirror.store import Store
from lead_mcp.mirror.vault import Vault
from lead_mcp.vendors import every
from lead_mcp.vendors.spec.vendor import account_of

TEXTS = st.text(st.characters(), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries({"email": TEXTS, "name": TEXTS, "phone": TEXTS, "custom": VALUES}),
    TEXTS.filter(bool),
    st.sampled_from(["", "5e" * 32]),
)
def test_a_record_comes_out_of_the_store_as_it_was_sent(raw: dict[str, Any], lead_id: str, key: str) -> None:
    names = Names(account_of(every()["octanist"], "acme").fields)
    record, asked = lead_record("acme", lead_id, raw, names.field), list[Kept]()

    def complete(some: Sequence[Kept]) -> list[Kept]:
        asked.extend(some)
        return list(some)

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "m", Vault(Sealing(key)))
        with store.writing() as database:
            save(database, kept([record], "lead", "created_at", "US"), 1)
            (held,) = database.execute("SELECT raw FROM records").fetchone()
            again = save(database, bare([record], "lead", "created_at"), 2, complete)
    assert json.loads(store.vault.opened_raw(held)) == json.loads(json.dumps(raw))
    assert (again.read, again.changed, asked) == (1, 0, [])


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001 - a zone is put in
def test_times_keep_their_microseconds(moment: datetime) -> None:
    zoned = moment.replace(tzinfo=UTC)
    at = micros(zoned)
    assert at is not None
    assert EPOCH + timedelta(microseconds=at) == zoned
    place = Place(as_of=zoned, loaded=True, error="timeout: late")
    assert Place.unpacked(place.packed()) == place
