"""What a sync keeps, finds, drops and survives, over every vendor's emulator."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lead_mcp.errors import Conflict, NotConfigured
from lead_mcp.mirror.lock import writing
from lead_mcp.mirror.sync import SWEEP_EVERY
from lead_mcp.mirror.syncing import sync_all
from tests.driving import NOW
from tests.mirror.keeping import Keeping, everything, keeping, records, terms_of


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeping]:
    with keeping(tmp_path_factory.mktemp("mirror"), 80) as found:
        assert found.sync().whole
        yield found


def test_every_lead_of_every_account_is_kept_as_it_was_sent(kept: Keeping) -> None:
    expected = {(name, one.id) for name in kept.bench.accounts for one in kept.bench.everything(name)}
    assert records(kept.mirror).keys() == expected
    assert {account for account, _ in records(kept.mirror, "inbound")} == {"leadexec"}
    place = kept.mirror.store.place("convoso", "lead")
    assert (place.loaded, place.reached, place.as_of, place.error) == (True, None, NOW, "")


def test_a_second_sync_and_a_whole_one_change_nothing(kept: Keeping) -> None:
    before = everything(kept.mirror)
    for full in (False, True):
        report = kept.sync(full=full)
        assert report.whole
        assert sum(stream.saved.changed + stream.saved.removed for stream in report.streams) == 0
        assert everything(kept.mirror) == before


class Killed(Exception):
    """What no code of ours catches."""


@pytest.mark.parametrize("page", [*(pytest.param(one, marks=pytest.mark.slow) for one in (1, 2, 8, 20, 30)), 12])
def test_killed_anywhere_and_run_again_the_same_is_kept(kept: Keeping, tmp_path: Path, page: int) -> None:
    other, left = kept.again(tmp_path / "other"), page

    async def progress(account: str, kind: str, many: int) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    chosen = list(other.connections.values())
    with pytest.raises((Killed, ExceptionGroup)):
        kept.bench.portal.call(sync_all, other, chosen, terms_of(other, progress=progress))
    kept.bench.portal.call(sync_all, other, chosen, other.terms)
    assert everything(other) == everything(kept.mirror)


def test_a_failing_vendor_stops_nobody_else_and_is_told(kept: Keeping, tmp_path: Path) -> None:
    other = kept.again(tmp_path / "other")
    kept.bench.box.fault("octanist", "status", status=403, times=-1)
    try:
        report = kept.bench.portal.call(sync_all, other, list(other.connections.values()), other.terms)
    finally:
        kept.bench.box.mend("octanist")
    assert {account for account, _ in report.errors} == {"octanist"}
    assert {account for account, _ in records(other)} == set(other.connections) - {"octanist"}
    assert other.store.place("octanist", "lead").error.startswith("unauthorized")
    kept.bench.portal.call(sync_all, other, list(other.connections.values()), other.terms)
    assert everything(other) == everything(kept.mirror)


def test_one_process_writes_at_a_time_and_the_others_read(kept: Keeping) -> None:
    with writing(kept.mirror.folder):
        with pytest.raises(Conflict):
            kept.sync()
        assert records(kept.mirror)


SOME = ("octanist", "leadexec")


def of(held: dict[tuple[str, str], Any], names: Sequence[str]) -> dict[tuple[str, str], Any]:
    return {key: value for key, value in held.items() if key[0] in names}


def test_since_bounds_the_first_reading_and_can_be_moved_back(kept: Keeping, tmp_path: Path) -> None:
    other, chosen = kept.again(tmp_path / "other"), [kept.mirror.connections[name] for name in SOME]
    since = NOW - timedelta(days=20)
    kept.bench.portal.call(sync_all, other, chosen, terms_of(other, since=since))
    some = records(other)
    assert 0 < len(some) < len(of(records(kept.mirror), SOME))
    assert other.coverage.since(other.store.place("octanist", "lead")) == since
    kept.bench.portal.call(sync_all, other, chosen, other.terms)
    assert records(other).keys() == some.keys()
    kept.bench.portal.call(sync_all, other, chosen, terms_of(other, since=NOW - timedelta(days=4000)))
    assert records(other) == of(records(kept.mirror), SOME)


@pytest.mark.slow
def test_old_records_are_not_kept_where_days_are_set(kept: Keeping, tmp_path: Path) -> None:
    other, chosen = kept.again(tmp_path / "other"), [kept.mirror.connections[name] for name in SOME]
    kept.bench.portal.call(sync_all, other, chosen, other.terms)
    other.terms = terms_of(other, days=20)
    kept.bench.portal.call(sync_all, other, chosen, other.terms)
    with other.store.reading() as database:
        (oldest,) = database.execute("SELECT min(at) FROM records").fetchone()
    assert oldest >= (NOW - timedelta(days=20)).timestamp() * 1_000_000
    assert other.generation is not None
    assert sum(other.generation.counts.values()) == len(records(other)) < len(of(records(kept.mirror), SOME))


def test_a_file_of_another_format_is_refused_not_guessed_at(kept: Keeping, tmp_path: Path) -> None:
    other = kept.again(tmp_path / "other")
    kept.bench.portal.call(sync_all, other, [other.connections["octanist"]], other.terms)
    with sqlite3.connect(other.store.path) as database:
        database.execute("UPDATE meta SET value = '99' WHERE name = 'format'")
    database.close()
    with pytest.raises(NotConfigured, match="mirror drop"), other.store.reading():
        pass
    with pytest.raises(NotConfigured, match="another version"):
        kept.bench.portal.call(sync_all, other, [other.connections["octanist"]], other.terms)


# --- changes ------------------------------------------------------------------------------------------------------


def test_new_changed_and_deleted_leads_are_found(tmp_path: Path) -> None:
    with keeping(tmp_path, 40) as kept:
        kept.sync()
        made = kept.bench.call(
            "insert_lead",
            account="octanist",
            lead={"name": "Nova Example", "email": "nova@example.com", "phone": "+12125550123"},
            on_duplicate="allow",
        )
        changed = {}
        for name in ("octanist", "leadsquared", "convoso", "leadtrackr"):
            changed[name] = max(kept.bench.everything(name), key=lambda one: str(one.get("created_at")))
            value = {"status": "lost"} if name == "octanist" else {"email": "moved@example.com"}
            try:
                kept.bench.call("update_lead", uri=changed[name].uri, changes=value)
            except AssertionError:
                changed.pop(name)
        gone = min(kept.bench.everything("convoso"), key=lambda one: str(one.get("created_at")))
        kept.bench.call("delete_lead", uri=gone.uri)
        kept.sync()
        held = records(kept.mirror)
        assert ("octanist", made["id"]) in held
        assert {"octanist", "leadsquared"} <= changed.keys()
        assert held["octanist", changed["octanist"].id]["status"] == "lost"
        assert "moved@example.com" in str(held["leadsquared", changed["leadsquared"].id])
        assert ("convoso", gone.id) in held, "nothing tells of a deletion but a reading of its time"
        kept.bench.runtime.common.clock = partial(_later, SWEEP_EVERY + timedelta(days=1))
        for _ in range(12):
            kept.sync(only=["convoso"])
        assert ("convoso", gone.id) not in records(kept.mirror), "the sweep comes by"


def _later(by: timedelta) -> datetime:
    return NOW + by


# --- a full disk --------------------------------------------------------------------------------------------------

FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from lead_mcp.cli import main
sys.argv = ["lead-mcp", "mirror", "sync", "--sandbox", "--account", "octanist"]
main()
"""


@pytest.mark.slow
def test_a_full_disk_is_told_and_what_was_whole_stays(tmp_path: Path) -> None:
    environment = {**os.environ, "LEAD_MCP_STATE_DIR": str(tmp_path), "LEAD_MCP_MIRROR": "on"}
    command = [sys.executable, "-c", FULL]
    full = subprocess.run([*command, "300000"], env=environment, capture_output=True, text=True, check=False)
    assert full.returncode == 1
    assert "cannot be written" in full.stdout + full.stderr
    assert "Traceback" not in full.stderr
    whole = subprocess.run(
        [*command, str(resource.RLIM_INFINITY)], env=environment, capture_output=True, text=True, check=False
    )
    assert whole.returncode == 0, whole.stderr
    assert "2,000" in whole.stdout
