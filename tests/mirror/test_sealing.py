"""The mirror's files sealed with a key: whoever has none reads nothing of a record, and nobody is shown the key."""

from __future__ import annotations

import hmac
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from lead_mcp.errors import NotConfigured, Unavailable
from lead_mcp.mirror.erasing import drop_all, forget_person
from lead_mcp.mirror.exporting import export_all
from lead_mcp.mirror.generation import current
from lead_mcp.mirror.mirror import Mirror
from lead_mcp.mirror.saving import forget, marks_of
from lead_mcp.mirror.sealing import NAME, Sealing, sealing_of
from lead_mcp.mirror.store import Store, meta
from lead_mcp.mirror.syncing import sync_all
from lead_mcp.mirror.vault import Vault
from tests.driving import NOW, CallFailed
from tests.mirror.keeping import Keeping, everything, keeping, records, terms_of

pytestmark = pytest.mark.skipif(find_spec("duckdb_extension_httpfs") is None, reason="what encrypts is an extra")
SEALED = {"LEAD_MCP_MIRROR_KEY": "file"}
COUNT = {"sql": "SELECT count(*) FROM leads", "since": "2000-01-01", "source": "mirror"}
KINDS = ("lead", "inbound", "outbound", "recording")


def counted(kept: Keeping, **more: str) -> Any:
    return kept.bench.call("query_sql", **COUNT | more)["result"]["rows"]


def test_the_files_say_nothing_without_the_key_which_no_process_shows(tmp_path: Path) -> None:
    with keeping(tmp_path, 20, only=["octanist"], environment=SEALED) as kept:
        kept.sync()
        assert counted(kept) == [[20]]
        key, uri = tmp_path / NAME, next(iter(kept.bench.everything("octanist"))).uri
        assert (key.stat().st_mode & 0o777, len(key.read_text())) == (0o600, 64)
        assert not any(uri.encode() in path.read_bytes() for path in tmp_path.rglob("*.duckdb*"))
        child = kept.mirror.cage.child
        assert child is not None
        seen = [Path(f"/proc/{child.process.pid}/{name}") for name in ("cmdline", "environ")]
        assert not any(key.read_bytes() in path.read_bytes() for path in seen if path.exists())
        assert key.read_text() not in json.dumps(child.options) + repr(kept.mirror) + repr(kept.mirror.store)
        lead = {"name": "Nova Example", "email": "nova@example.com"}
        kept.bench.call("insert_lead", account="octanist", lead=lead)
        kept.bench.runtime.common.clock = lambda: NOW + timedelta(minutes=2)
        kept.sync()
        found = current(kept.mirror.folder)
        assert found is not None
        assert found.delta
        assert counted(kept) == [[21]]
        manifest = kept.bench.portal.call(export_all, kept.mirror, tmp_path / "out")
        assert manifest["tables"]["leads"]["rows"] == 21


# --- no value of a record in any byte -----------------------------------------------------------------------------


def leaves(value: Any) -> Iterator[str]:
    """Every value of a record, as text."""
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from leaves(one)
    elif isinstance(value, str | int | float):
        yield str(value)


def spellings(text: str) -> Iterator[str]:
    """What might be left of a value: it as it is, folded, its words, its digits."""
    yield from (text, text.casefold(), *text.split(), *text.casefold().split())
    if len(digits := re.sub(r"\D", "", text)) >= 10:
        yield from (digits, digits[-10:])


def values_of(mirror: Mirror) -> set[str]:
    """Every value of every record that cannot be there by chance, but for what may be read: ids, times, accounts."""
    found = {
        text
        for kind in KINDS
        for raw in records(mirror, kind).values()
        for one in leaves(raw)
        for text in spellings(one)
    }
    with mirror.store.reading() as database:
        rows = database.execute("SELECT account, id, coalesce(partition, ''), coalesce(at, '') FROM records").fetchall()
    clear = "\n".join(str(value) for row in rows for value in row) + (mirror.folder / "current.json").read_text()
    return {text for text in found if len(text.encode()) >= 7 and text not in clear and not _is_an_id(text)}


def _is_an_id(text: str) -> bool:
    """Whether it may be one: telephone numbers are longer."""
    return text.isdecimal() and len(text) < 10


def found_in(folder: Path, values: set[str]) -> set[str]:
    """Those of the values that stand somewhere in the folder's files."""
    held = b"\0".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return {value for value in values if value.encode() in held}


@pytest.mark.parametrize("only", [["octanist"], pytest.param(None, marks=pytest.mark.slow)])
def test_no_value_of_a_record_is_in_any_byte_of_the_folder(tmp_path: Path, only: list[str] | None) -> None:
    environment = {**SEALED, "LEAD_MCP_MIRROR_RECORDINGS": "on"}
    nova = {"name": "Nova Exemplaria", "email": "nova@example.com"}
    with keeping(tmp_path, 12, only=only, environment=environment) as kept, ExitStack() as reader:
        assert kept.sync().whole
        folder, values = kept.mirror.folder, values_of(kept.mirror)
        lead = next(one for one in kept.bench.everything("octanist") if one.get("email") and one.get("phone"))
        known = {str(lead.get("name")), str(lead.get("email")), re.sub(r"\D", "", str(lead.get("phone")))}
        assert known <= values
        assert found_in(folder, values) == set()
        reader.enter_context(kept.mirror.store.reading())  # who reads keeps SQLite's log from going
        kept.bench.call("update_lead", uri=lead.uri, changes={"status": "lost"})
        kept.bench.call("insert_lead", account="octanist", lead=nova)
        kept.sync()
        assert folder.joinpath("records.sqlite-wal").stat().st_size > 0
        assert found_in(folder, values | set(nova.values())) == set()
        reader.close()
        assert kept.bench.portal.call(partial(forget_person, kept.mirror, email=str(lead.get("email")))) >= 1
        kept.bench.portal.call(export_all, kept.mirror, tmp_path / "out")
        assert found_in(folder, values | set(nova.values())) == set()
        clear = kept.bench.portal.call(in_clear, kept, tmp_path / "clear")
        assert found_in(clear, set(nova.values())) == set(nova.values()), "what lies in the clear would be found"


def test_a_mark_of_the_forgotten_cannot_be_made_without_the_key(tmp_path: Path) -> None:
    """There are few enough telephone numbers to try each of them with the salt, which lies beside the marks."""
    number = "t:+12125550123"
    with Store(tmp_path, Vault(Sealing("5e" * 32))).writing() as database:
        forget(database, [number], [])
        ((mark,),) = database.execute("SELECT mark FROM forgotten").fetchall()
        salt = meta(database, "salt").encode()
        assert marks_of(database, [number]) == {number: mark}
    assert mark != hmac.new(salt, number.encode(), "sha256").hexdigest()


async def in_clear(kept: Keeping, folder: Path) -> Path:
    """A mirror of the same accounts without a key."""
    own = kept.mirror
    other = Mirror(folder, own.connections, own.terms, own.look)
    await sync_all(other, list(other.connections.values()), other.terms)
    return folder


# --- with a key as without ----------------------------------------------------------------------------------------


class Killed(Exception):
    """What no code of ours catches."""


@pytest.mark.slow
def test_a_sealed_mirror_holds_what_one_without_a_key_does(tmp_path: Path) -> None:
    with keeping(tmp_path, 40, environment=SEALED) as kept:
        sealed = kept.mirror
        clear = Mirror(tmp_path / "clear", sealed.connections, sealed.terms, sealed.look)
        left = 12

        async def progress(account: str, kind: str, many: int) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed

        def both(**terms: Any) -> None:
            for one in (sealed, clear):
                kept.bench.portal.call(sync_all, one, list(one.connections.values()), terms_of(one, **terms))
            assert everything(sealed) == everything(clear)

        with pytest.raises((Killed, ExceptionGroup)):
            kept.sync(progress=progress)
        both()
        lead = max((one for one in kept.bench.everything("leadsquared") if one.get("email")), key=lambda one: one.uri)
        twin = {"name": "Nova Example", "email": str(lead.get("email"))}
        kept.bench.call("insert_lead", account="octanist", lead=twin, on_duplicate="allow")
        kept.bench.call("update_lead", uri=lead.uri, changes={"first_name": "Nova"})
        both()
        sql = "SELECT * FROM people ORDER BY ALL"
        live, mirrored = (
            kept.bench.call("query_sql", **COUNT | {"sql": sql, "source": one}) for one in ("live", "mirror")
        )
        assert mirrored["result"] == live["result"]
        for one in (sealed, clear):
            assert kept.bench.portal.call(partial(forget_person, one, email=str(lead.get("email")).upper())) >= 2
        both(full=True)
        assert ("leadsquared", lead.id) not in records(sealed)


# --- keys that are not the file's ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "then", "words"),
    [
        pytest.param("off", "file", "made without a key", marks=pytest.mark.slow),
        pytest.param("file", "off", "LEAD_MCP_MIRROR_KEY is off", marks=pytest.mark.slow),
        ("file", "lost", "sealed with another key"),
    ],
)
def test_a_store_of_another_key_is_refused_and_made_anew_once_dropped(
    tmp_path: Path, made: str, then: str, words: str
) -> None:
    first, second = ({"LEAD_MCP_MIRROR_KEY": "off" if one == "off" else "file"} for one in (made, then))
    with keeping(tmp_path, 20, only=["octanist"], environment=first) as kept:
        assert kept.sync().whole
    if then == "lost":
        (tmp_path / NAME).rename(tmp_path / "kept elsewhere")
    with keeping(tmp_path, 20, only=["octanist"], environment=second) as kept:
        with pytest.raises(NotConfigured, match=f"{words}.*mirror drop.*mirror sync"):
            kept.sync()
        with pytest.raises(CallFailed, match=words):
            counted(kept)
        assert counted(kept, source="auto") == [[20]], "the vendors are asked"
        kept.bench.portal.call(drop_all, kept.mirror)
        assert kept.sync().whole
        assert counted(kept) == [[20]]
        found = current(kept.mirror.folder)
        assert found is not None
        assert bool(found.sealed) == (then != "off")


def test_a_key_that_is_brought_back_opens_the_store(tmp_path: Path) -> None:
    with keeping(tmp_path, 20, only=["octanist"], environment=SEALED) as kept:
        kept.sync()
        store, path = kept.mirror.store, kept.mirror.store.path
        other = Store(store.folder, replace(store.vault, sealing=Sealing("5e" * 32)))
        with pytest.raises(NotConfigured, match="bring that one back"), other.writing():
            pass
        assert len(records(kept.mirror)) == 20
        with closing(sqlite3.connect(path)) as database:
            database.execute("UPDATE records SET raw = cast(raw || x'00' AS BLOB)")
            database.commit()
        with pytest.raises(Unavailable, match="damaged"):
            records(kept.mirror)


def test_a_key_that_cannot_be_had_is_said(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("short")
    with pytest.raises(NotConfigured, match="damaged"):
        sealing_of("file", tmp_path)
    with pytest.raises(NotConfigured, match="a lake's files"):
        sealing_of("file", tmp_path, lake=True)
    assert sealing_of("off", tmp_path).mark == ""
