"""Who is the same person, kept up as records come and go, against all of them joined at once."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.engine.persons.shared import MOST_NAMES
from lead_mcp.mirror.records import Kept
from lead_mcp.mirror.saving import remove, save
from lead_mcp.mirror.sealing import Sealing
from lead_mcp.mirror.store import Store
from lead_mcp.mirror.vault import Vault
from lead_mcp.sql.people import keys_of, roots
from lead_mcp.uris import lead_uri

PHONES = st.sampled_from([None, "+12125550101", "+12125550102", "+12125550103", "+10000000000"])
EMAILS = st.sampled_from([None, "ann@example.com", "bea@example.com", "info@example.com"])
NAMES = st.sampled_from([None, *(f"name {n}" for n in range(MOST_NAMES + 3))])


class Lead(NamedTuple):
    """One lead as it is now at its vendor."""

    id: str
    name: str | None
    phone: str | None
    email: str | None

    def kept(self) -> Kept:
        joins = keys_of(self.phone, self.email)
        raw = repr(self)
        return Kept("acme", "lead", self.id, None, 0, raw, self.name, joins, frozenset(joins))


LEADS = st.builds(Lead, st.sampled_from([f"{n}" for n in range(12)]), NAMES, PHONES, EMAILS)
STEPS = st.lists(
    st.one_of(st.lists(LEADS, min_size=1, max_size=6), st.sets(st.sampled_from([f"{n}" for n in range(12)]))),
    max_size=8,
)


def expected(leads: dict[str, Lead]) -> dict[str, str]:
    """The person of each lead, all joined at once."""
    names: dict[str, set[str]] = {}
    for one in leads.values():
        for key in keys_of(one.phone, one.email):
            names.setdefault(key, set()).update([one.name] if one.name else [])
    shared = {key for key, found in names.items() if len(found) > MOST_NAMES}
    keys = [keys_of(one.phone, one.email) for one in leads.values()]
    found = roots(keys, [lead_uri("acme", one) for one in leads], shared)
    return dict(zip(leads, found, strict=True))


@given(STEPS, st.sampled_from(["", "5e" * 32]))
def test_people_are_joined_and_parted_as_if_all_were_joined_at_once(
    steps: list[list[Lead] | set[str]], key: str
) -> None:
    vault = Vault(Sealing(key))
    with tempfile.TemporaryDirectory() as folder:
        store, leads = Store(Path(folder) / "m", vault), dict[str, Lead]()
        for step in steps:
            with store.writing() as database:
                if isinstance(step, set):
                    rows = database.execute("SELECT no, id FROM records").fetchall()
                    remove(database, [no for no, id_ in rows if id_ in step])
                    leads = {id_: one for id_, one in leads.items() if id_ not in step}
                else:
                    save(database, [one.kept() for one in step], 1)
                    leads |= {one.id: one for one in step}
                found = database.execute("SELECT id, person FROM records").fetchall()
            assert {id_: vault.opened_word(person) for id_, person in found} == expected(leads)
