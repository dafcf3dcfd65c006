"""The look for duplicates before an insert, in the mirror: what it finds is verified, what it cannot know is said."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from anyio.from_thread import start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.records import Record
from lead_mcp.journal.entries import Write
from lead_mcp.sandbox.kit import Fault
from lead_mcp.writing.rehydrate import intent_of, rows_of
from tests.driving import NOW, CallFailed
from tests.mirror.keeping import Keeping, keeping
from tests.process.processes import ROOT, clean, here
from tests.writing.desk import emulators, insertion, on_loopback, said, somebody, surroundings

LEADS = 40


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeping]:
    with keeping(tmp_path_factory.mktemp("mirror"), LEADS, only=["octanist", "leadtrackr", "convoso"]) as found:
        found.sync()
        yield found


def named(kept: Keeping, account: str, number: int) -> Record:
    """A lead there that can be told by its e-mail."""
    return [one for one in kept.bench.everything(account) if one.get("email")][number]


def inserted(kept: Keeping, account: str, email: object, **more: Any) -> dict[str, Any]:
    lead = {**somebody(account), "email": str(email)}
    return kept.bench.call("insert_lead", **insertion(account, lead, **more))


@pytest.mark.parametrize("account", ["octanist", "leadtrackr"])
def test_a_duplicate_in_the_mirror_is_read_at_the_vendor_before_it_is_refused(kept: Keeping, account: str) -> None:
    lead = named(kept, account, 0)
    heard = len(kept.bench.heard(account))
    found = inserted(kept, account, lead.get("email"), source="mirror")
    assert (found["outcome"], found["uri"]) == ("duplicate", lead.uri)
    assert len(kept.bench.heard(account)) - heard == found["checked"]["requests"] == 1
    assert found["checked"]["complete"]
    assert "from the mirror, 0 s old" in found["checked"]["note"]


def test_a_duplicate_that_is_there_no_more_or_is_another_now_stands_in_nobodys_way(kept: Keeping) -> None:
    deleted, renamed = named(kept, "convoso", 1), named(kept, "convoso", 2)
    kept.bench.call("delete_lead", uri=deleted.uri)
    kept.bench.call("update_lead", uri=renamed.uri, changes={"email": "another.one@example.com"})
    for lead in (deleted, renamed):
        preview = inserted(kept, "convoso", lead.get("email"), source="auto", dry_run=True)
        assert (preview["checked"]["found"], preview["warnings"]) == (0, [])
        assert inserted(kept, "convoso", lead.get("email"), source="mirror")["outcome"] == "created"


def test_what_came_since_the_mirrors_moment_is_found_by_a_live_look_alone(kept: Keeping) -> None:
    email = str(somebody("octanist")["email"])
    first = inserted(kept, "octanist", email)
    live = inserted(kept, "octanist", email)
    assert (live["outcome"], live["uri"]) == ("duplicate", first["uri"])
    assert "note" not in live["checked"] or "mirror" not in live["checked"]["note"]
    missed = inserted(kept, "octanist", email, source="mirror", dry_run=True)
    assert missed["checked"]["found"] == 0
    assert "from the mirror, 0 s old" in missed["checked"]["note"], "how old what was looked through is"


def test_the_found_one_is_changed_as_it_is_now(kept: Keeping) -> None:
    lead = named(kept, "convoso", 3)
    kept.bench.call("update_lead", uri=lead.uri, changes={"first_name": "Meanwhile"})
    found = inserted(kept, "convoso", lead.get("email"), source="mirror", on_duplicate="update")
    assert (found["outcome"], found["uri"]) == ("updated", lead.uri)
    assert found["before"]["first_name"] == "Meanwhile"


def test_every_row_of_a_batch_looks_there(kept: Keeping) -> None:
    leads = [{**somebody("octanist"), "email": named(kept, "octanist", n).get("email")} for n in (3, 4)]
    arguments = {"account": "octanist", "leads": [*leads, somebody("octanist")], "source": "auto"}
    found = kept.bench.call("insert_leads", **arguments)
    assert [row[1] for row in found["results"]["rows"]] == ["duplicate", "duplicate", "created"]
    (look,) = found["checked"]
    assert (look["found"], look["complete"], "from the mirror" in look["note"]) == (2, True, True)


def test_a_later_row_about_the_same_person_sees_the_earlier_which_no_mirror_holds_yet(kept: Keeping) -> None:
    lead = somebody("octanist")
    arguments = {"account": "octanist", "leads": [lead, lead], "source": "mirror"}
    found = kept.bench.call("insert_leads", **arguments)["results"]["rows"]
    assert [row[1] for row in found] == ["created", "duplicate"]
    assert found[1][2] == found[0][2]


@pytest.mark.slow
def test_a_mirror_that_does_not_hold_everything_refuses_what_it_cannot_know(tmp_path: Path) -> None:
    with keeping(tmp_path, LEADS, only=["octanist", "leadtrackr"]) as kept:
        kept.sync(only=["octanist"], since=NOW - timedelta(days=5))
        nobody = str(somebody("octanist")["email"])
        with pytest.raises(CallFailed, match="leads from before 2026-11-16T12:01:00Z are not in the mirror") as failed:
            inserted(kept, "octanist", nobody, source="mirror")
        assert failed.value.code == "conflict"
        allowed = inserted(kept, "octanist", nobody, source="mirror", on_duplicate="update")
        assert not allowed["checked"]["complete"]
        assert "may have missed some" in str(allowed["warnings"])
        asked = inserted(kept, "octanist", named(kept, "octanist", -1).get("email"), source="auto")
        assert asked["outcome"] == "duplicate", "the vendor was asked"
        with pytest.raises(CallFailed, match="the mirror holds nothing of leadtrackr") as failed:
            inserted(kept, "leadtrackr", nobody, source="mirror")
        assert failed.value.code == "not_configured"


@pytest.mark.slow
def test_a_mirror_that_could_not_be_topped_up_is_not_whole(tmp_path: Path) -> None:
    with keeping(tmp_path, LEADS, only=["octanist"]) as kept:
        kept.sync(clock=lambda: NOW - timedelta(hours=2))
        kept.bench.box.stages["octanist"].faults.append(Fault("status", "/leads", "GET", times=-1, status=400))
        with pytest.raises(CallFailed, match=r"2 h old.*could not be topped up.*older than LEAD_MCP_MIRROR_MAX_AGE"):
            inserted(kept, "octanist", somebody("octanist")["email"], source="mirror")


@pytest.mark.slow
def test_a_write_that_waits_for_a_person_looks_there_when_it_is_approved(tmp_path: Path) -> None:
    with keeping(tmp_path, 5, only=["octanist"], environment={"LEAD_MCP_WRITES": "confirm"}) as kept:
        kept.sync()
        journal, connection = kept.bench.runtime.journal, kept.bench.runtime.connection("octanist")
        for tool, rows in (("insert_lead", intents), ("insert_leads", row_intents)):
            lead = somebody("octanist")
            own = {"lead": lead} if tool == "insert_lead" else {"leads": [lead]}
            kept.bench.raw_call(tool, account="octanist", source="mirror", **own)
            (write,) = (one for one in journal.recent(limit=10) if one.tool == tool)
            assert [one.source for one in rows(write, connection)] == ["mirror"]


def intents(write: Write, connection: Connection) -> list[Any]:
    return [intent_of(write, connection)]


def row_intents(write: Write, connection: Connection) -> list[Any]:
    return [row.intent for row in rows_of(write, lambda name: connection)]


@pytest.mark.slow
def test_an_import_looks_there_and_at_the_vendor_for_whom_an_earlier_row_has_made(tmp_path: Path) -> None:
    box = emulators(LEADS)
    with on_loopback(box) as origin:
        own = {"LEAD_MCP_MIRROR": "on", "LEAD_MCP_MIRROR_MAX_AGE": "600"}
        environment = clean(surroundings(box, origin, tmp_path, own, only=["octanist"]))
        path, stage = tmp_path / "leads.csv", box.stages["octanist"]
        known, again, new = (str(somebody("octanist")["email"]) for _ in range(3))
        call = ("call", "insert_lead", "--json", json.dumps(insertion("octanist", {"name": "Known", "email": known})))
        assert here(*call, environment={**environment, "LEAD_MCP_WRITES": "allow"}).returncode == 0
        path.write_text(f"name,email\nA,{known}\nB,{again}\nC,{again.upper()}\nD,{new}\n", "utf-8")
        words = ("import", str(path), "--account", "octanist", "--yes", "--source", "mirror")
        refused = here(*words, environment=environment)
        assert (refused.returncode, "the mirror" in refused.stderr) == (1, True), "nothing was synced yet"
        assert here("mirror", "sync", environment=environment).returncode == 0
        assert "4 rows: 1 duplicate, 3 would be created" in here(*words, "--dry-run", environment=environment).stdout
        heard = len(stage.heard)
        ended = here(*words, environment=environment)
        lines = path.with_name("leads.csv.results.jsonl").read_text("utf-8").splitlines()
        outcomes = {line["row"]: line["outcome"] for line in map(json.loads, lines)}
        assert outcomes == {1: "duplicate", 2: "created", 3: "duplicate", 4: "created"}, ended
        looks = [one for one in list(stage.heard)[heard:] if (one.method, one.path[-6:]) == ("GET", "/leads")]
        assert {parse_qs(one.query)["search"][0].casefold() for one in looks} == {again}, "for row 3 alone"


@pytest.mark.slow
def test_over_stdio(tmp_path: Path) -> None:
    box = emulators(LEADS)
    with on_loopback(box) as origin:
        own = {"LEAD_MCP_MIRROR": "on", "LEAD_MCP_MIRROR_MAX_AGE": "600", "LEAD_MCP_WRITES": "allow"}
        environment = clean(surroundings(box, origin, tmp_path, own, only=["octanist"]))
        assert here("mirror", "sync", environment=environment).returncode == 0
        program = StdioServerParameters(
            command=sys.executable, args=["-m", "lead_mcp", "serve"], env=environment, cwd=Path(ROOT)
        )
        with start_blocking_portal() as portal:
            client = Client(stdio_client(program))
            with portal.wrap_async_context_manager(client) as opened:

                def call(tool: str, **arguments: Any) -> dict[str, Any]:
                    async def work() -> dict[str, Any]:
                        return said(await opened.call_tool(tool, arguments))

                    return portal.call(work)

                rows = call("search_leads", account="octanist", since="2000-01-01")["leads"]
                row = next(dict(zip(rows["columns"], one, strict=True)) for one in rows["rows"] if one[2])
                arguments = insertion("octanist", {**somebody("octanist"), "email": row["email"]})
                heard = len(box.stages["octanist"].heard)
                found = call("insert_lead", **arguments, source="auto")
                assert (found["outcome"], found["uri"]) == ("duplicate", row["uri"])
                assert "from the mirror" in found["checked"]["note"]
                assert len(box.stages["octanist"].heard) - heard == 1
                assert call("insert_lead", **insertion("octanist"), source="auto")["outcome"] == "created"
