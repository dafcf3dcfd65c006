"""``approve``, ``journal`` and ``import`` as a person at a shell meets them, against emulators over HTTP.

The vendors here are this module's own, since other tests count leads; every test has a state folder of its own.
"""

from __future__ import annotations

import csv
import hashlib
import json
import random
import shlex
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anyio.from_thread import start_blocking_portal
from mcp import Client
from mcp.types import CallToolResult

from lead_mcp.server import build_server
from tests.process.processes import PATIENCE, PROGRAM, PROMPT, Emulators, background, clean, here, run
from tests.process.terminal import typed
from tests.writing.desk import loaded

ANN = {"name": "Ann Archer", "email": "ann.archer@example.com", "phone": "+12135550101"}
PERSONAL = ("Archer", "ann.archer", "example.com", "2135550101")
ACTIONS = ("list", "show", "verify", "resolve", "undo")
ROWS = 60
LIST = "2101"
"""A list of the emulated Convoso account."""


@pytest.fixture(scope="module")
def emulators(folder: Path) -> Iterator[Emulators]:
    with background("sandbox", "--port", "0", "--leads", "30", environment={}, folder=folder) as started:
        origin = started.wait_for(r"listens on (http://\S+)\n")[1]
        pairs = [shlex.split(line)[1].partition("=") for line in started.out.read_text(encoding="utf-8").splitlines()]
        environment = {name: value for name, _, value in pairs}
        with httpx2.Client(base_url=origin, timeout=PATIENCE, trust_env=False) as http:
            yield Emulators({**environment, "CONVOSO_RATE": "1000/1s", "LEAD_MCP_TIMEZONE": "UTC"}, http)


@dataclass
class Shell:
    """Commands in one state folder."""

    emulators: Emulators
    folder: Path
    settings: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        return {**self.emulators.environment, "LEAD_MCP_STATE_DIR": str(self.folder / "state"), **self.settings}

    def __call__(self, *words: str, code: int = 0, **settings: str) -> str:
        """What it prints. ``settings`` are environment variables."""
        ended = here(*words, environment={**self.environment, **settings})
        assert ended.returncode == code, ended
        return ended.stdout + (ended.stderr if code else "")

    def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The structured answer of a tool, writes allowed."""
        found = self("call", tool, "--json", json.dumps(arguments), "--raw", LEAD_MCP_WRITES="allow")
        structured: dict[str, Any] = json.loads(found)["structuredContent"]
        return structured

    def ask(self, tool: str, arguments: Mapping[str, Any]) -> CallToolResult:
        """The same of a server, from a client that cannot ask its user."""
        server = build_server(loaded(self.environment))
        with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(server)) as client:
            found: CallToolResult = portal.call(client.call_tool, tool, dict(arguments))
        return found

    def pending(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """The id of a write that such a client has left waiting."""
        result = self.ask(tool, arguments)
        assert result.is_error
        assert result.structured_content is not None
        assert result.structured_content["error"]["code"] == "not_allowed"
        found = str(result.structured_content["journal_id"])
        assert f"lead-mcp approve {found}" in result.structured_content["error"]["message"]
        return found

    def writes(self, *words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self("journal", "list", "--json", *words))
        return found

    def refused(self) -> str:
        """The id of a write that the vendor refused."""
        self.emulators.fault("octanist", "status", status=422, path="leads", method="POST")
        self("call", "insert_lead", "--json", json.dumps(ann(299)), code=1, LEAD_MCP_WRITES="allow")
        return str(self.writes("--limit", "1")[0]["id"])

    def emails(self, account: str, ending: str) -> Counter[str]:
        """How often each e-mail of that ending is at the vendor."""
        filters = [{"field": "email", "op": "contains", "value": ending}]
        arguments = {"account": account, "filters": filters, "limit": 200, "max_tokens": 100_000}
        leads = self.call("search_leads", arguments)["leads"]
        return Counter(str(row[leads["columns"].index("email")]) for row in leads["rows"])

    def sent(self, account: str) -> int:
        """How many writes have arrived at a vendor whose reads are all GET."""
        seen = self.emulators.http.get("/_requests", params={"vendor": account}).json()
        return sum(1 for one in seen if one["method"] != "GET")


@pytest.fixture
def shell(emulators: Emulators, tmp_path: Path) -> Shell:
    return Shell(emulators, tmp_path, {})


def ann(number: int, **more: Any) -> dict[str, Any]:
    """An insert of somebody new at every number."""
    lead = {**ANN, "email": f"ann.archer.{number}@example.com", "phone": f"+12135550{number:03}"}
    return {"account": "octanist", "lead": lead, "idempotency_key": f"ann-{number}", **more}


def structured(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, result
    found: dict[str, Any] | None = result.structured_content
    assert found is not None
    return found


@pytest.mark.parametrize("words", ["approve", "import", "journal", *(f"journal {word}" for word in ACTIONS)])
def test_every_command_explains_itself(words: str) -> None:
    ended = here(*words.split(), "--help", environment={})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Usage:" in ended.stdout


# --- approve ------------------------------------------------------------------------------------------------------


def test_an_approved_write_is_sent_once_and_the_call_replays_it(shell: Shell) -> None:
    arguments, before = ann(201), shell.sent("octanist")
    name = shell.pending("insert_lead", arguments)
    assert shell.pending("insert_lead", arguments) == name
    assert shell.sent("octanist") == before
    code, said = typed(shell.environment, [("[y/N]", "y")], "approve", name)
    assert code == 0, said
    assert "octanist (Octanist): insert a lead?" in said
    assert "email: ann.archer.201@example.com" in said
    assert "created lead://octanist/" in said
    replayed = structured(shell.ask("insert_lead", arguments))
    assert (replayed["outcome"], replayed["journal_id"]) == ("created", name)
    assert shell.emails("octanist", "archer.201@") == {"ann.archer.201@example.com": 1}
    assert "created lead://octanist/" in shell("approve", name)
    assert shell.sent("octanist") == before + 1


@pytest.mark.parametrize("way", ["typed", "--decline"])
def test_a_declined_write_is_not_sent_and_its_key_is_free(shell: Shell, way: str) -> None:
    before, arguments = shell.sent("octanist"), ann(202)
    name = shell.pending("insert_lead", arguments)
    said = (
        shell("approve", name, way) if way != "typed" else typed(shell.environment, [("[y/N]", "")], "approve", name)[1]
    )
    assert f"declined {name}; nothing was sent" in said
    assert shell.writes()[0]["state"] == "declined"
    assert "declined" in shell("approve", name, "--yes", code=1)
    assert shell.pending("insert_lead", {**arguments, "on_duplicate": "allow"}) != name
    assert shell.sent("octanist") == before


def test_without_a_terminal_somebody_has_to_say_yes(shell: Shell) -> None:
    name = shell.pending("insert_lead", ann(203))
    ended = run("approve", name, environment=shell.environment)
    assert ended.returncode == 1
    assert "--yes" in ended.stderr
    assert shell.writes("--unresolved")[0]["id"] == name
    assert "LEAD_MCP_WRITES is off" in shell("approve", name, "--yes", code=1, LEAD_MCP_WRITES="off")
    assert "lead-mcp journal" in shell("approve", "w-0", "--yes", code=1)


def test_an_update_waits_with_its_vendors_words(shell: Shell) -> None:
    uri = shell.call("insert_lead", ann(204))["uri"]
    name = shell.pending("update_lead", {"uri": uri, "changes": {"status": "won", "value": 12.5}})
    said = shell("approve", name, "--yes")
    assert f"updated {uri}" in said
    assert "after.status: won" in said


def test_a_waiting_batch_is_carried_row_by_row_and_replayed(shell: Shell) -> None:
    leads = [ann(205)["lead"], ann(206)["lead"], {"name": "No", "email": "no address"}, ann(205)["lead"]]
    arguments = {"account": "octanist", "leads": leads, "idempotency_key": "batch"}
    name = shell.pending("insert_leads", arguments)
    said = shell("approve", name, "--yes", code=1)
    assert said.startswith("2 created, 1 failed, 1 duplicate\n")
    before = shell.sent("octanist")
    results = structured(shell.ask("insert_leads", arguments))["results"]
    assert [row[1] for row in results["rows"]] == ["created", "created", "failed", "duplicate"]
    assert shell("approve", name).startswith("2 created, 1 failed, 1 duplicate\n")
    assert shell.sent("octanist") == before
    other = shell.ask("insert_leads", {**arguments, "leads": leads[:1]})
    assert (other.structured_content or {})["error"]["code"] == "conflict"


def test_what_waited_too_long_has_expired(shell: Shell) -> None:
    name = shell.pending("insert_lead", ann(207))
    with sqlite3.connect(shell.folder / "state" / "journal.sqlite") as db:
        db.execute("update lead_mcp_writes set at = '2020-01-01T00:00:00+00:00' where id = ?", [name])
    db.close()
    assert "JOURNAL_DAYS" in shell("approve", name, "--yes", code=1)
    assert shell.pending("insert_lead", ann(207)) != name


# --- journal ------------------------------------------------------------------------------------------------------


def test_a_listing_masks_who_it_is_about(shell: Shell) -> None:
    uri = shell.call("insert_lead", {"account": "octanist", "lead": ANN, "on_duplicate": "allow"})["uri"]
    shell.call("update_lead", {"uri": uri, "changes": {"note": "Mrs Archer, ann.archer@example.com"}})
    shell.call("insert_lead", {"account": "octanist", "lead": {**ANN, "email": "b@example.com"}})
    written, made = shell.writes()[1]["id"], shell.writes()[2]["id"]
    shown = [shell("journal"), shell("journal", "list", "--json"), shell("journal", "show", made)]
    shown += [shell("journal", "show", written, "--json"), shell("journal", "show", written)]
    for text in shown:
        assert not [word for word in PERSONAL if word in text], text
    assert "email: a…@e…" in shown[0]
    assert "+1…01" in shown[0]
    assert "request: POST /leads" in shown[2]
    assert "ann.archer@example.com" in shell("journal", "--values")
    assert "ann.archer@example.com" in shell("journal", "show", made, "--values")


def test_a_listing_filters(shell: Shell) -> None:
    uri = shell.call("insert_lead", ann(210))["uri"]
    shell.call("update_lead", {"uri": uri, "changes": {"value": 3}})
    assert [one["tool"] for one in shell.writes()] == ["update_lead", "insert_lead"]
    assert [one["tool"] for one in shell.writes("--tool", "insert_lead")] == ["insert_lead"]
    assert (
        shell.writes("--account", "convoso") == shell.writes("--unresolved") == shell.writes("--state", "refused") == []
    )
    assert len(shell.writes("--limit", "1")) == 1
    assert len(json.loads(shell("journal", "--json", "--limit", "1"))) == 1
    assert "go behind the command" in shell("journal", "--limit", "1", "list", code=2), "it would be of no effect"
    assert "'pending'" in shell("journal", "--state", "pendig", code=1)
    assert (shell.folder / "state" / "journal.sqlite").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "change",
    [
        "update lead_mcp_payloads set body = replace(body, '211', '212')",
        "update lead_mcp_payloads set body = 'no json' where seq = 1",
        "update lead_mcp_events set state = 'refused' where state = 'done'",
        "update lead_mcp_writes set state = 'refused'",
        "delete from lead_mcp_events where seq = 2",
    ],
)
def test_verify_finds_a_changed_row(shell: Shell, change: str) -> None:
    shell.call("insert_lead", ann(211, on_duplicate="allow"))
    assert "whole" in shell("journal", "verify")
    with sqlite3.connect(shell.folder / "state" / "journal.sqlite") as db:
        db.execute(change)
    db.close()
    assert "whole" not in shell("journal", "verify", code=1)


def test_an_unknown_write_is_resolved_by_hand(shell: Shell) -> None:
    """Octanist did nothing and said nothing: looking finds no lead, so a person has to say what is so."""
    arguments = ann(220)
    shell.emulators.fault("octanist", "cut", path="leads", method="POST", times=-1)
    assert '"unknown_outcome"' in shell(
        "call", "insert_lead", "--json", json.dumps(arguments), "--raw", code=1, LEAD_MCP_WRITES="allow"
    )
    shell.emulators.forget()
    name = shell.writes("--unresolved")[0]["id"]
    assert "resolve" in shell("approve", name, "--yes", code=1)
    for wrong in (["--created", "lead://convoso/1"], ["--created", "x"], [], ["--done", "--not-done"]):
        shell("journal", "resolve", name, *wrong, code=1)
    shell("journal", "resolve", name, "--not-done")
    assert "nothing to resolve" in shell("journal", "resolve", name, "--done", code=1)
    assert shell.call("insert_lead", arguments)["outcome"] == "created"
    assert shell.emails("octanist", "archer.220@") == {"ann.archer.220@example.com": 1}


def test_a_write_resolved_as_created_is_what_its_key_answers(shell: Shell) -> None:
    arguments = ann(221)
    shell.emulators.fault("octanist", "cut", path="leads", method="POST", times=-1)
    shell("call", "insert_lead", "--json", json.dumps(arguments), code=1, LEAD_MCP_WRITES="allow")
    shell.emulators.forget()
    name = shell.writes("--unresolved")[0]["id"]
    shell("journal", "resolve", name, "--created", "lead://octanist/lead_found")
    found = shell.call("insert_lead", arguments)
    assert (found["outcome"], found["uri"]) == ("created", "lead://octanist/lead_found")
    assert "whole" in shell("journal", "verify")


def test_an_update_is_undone_once_and_only_if_nobody_changed_it_since(shell: Shell) -> None:
    uri = shell.call("insert_lead", ann(230))["uri"]
    for value in (10, 20):
        shell.call("update_lead", {"uri": uri, "changes": {"value": value}})
    name = shell.writes("--limit", "1")[0]["id"]
    code, said = typed(shell.environment, [("[y/N]", "y")], "journal", "undo", name)
    assert code == 0, said
    assert "value: 20 -> 10" in said
    assert shell.call("get_lead", {"uri": uri})["lead"]["value"] == 10
    before = shell.sent("octanist")
    assert "undone already" in shell("journal", "undo", name, "--yes")
    shell.call("update_lead", {"uri": uri, "changes": {"value": 30}})
    last = shell.writes("--limit", "1")[0]["id"]
    shell.call("update_lead", {"uri": uri, "changes": {"value": 40}})
    assert "40" in shell("journal", "undo", last, "--yes", code=1)
    assert shell.call("get_lead", {"uri": uri})["lead"]["value"] == 40
    assert shell.sent("octanist") == before + 2


def test_what_cannot_be_undone_says_why(shell: Shell) -> None:
    uri = shell.call("insert_lead", ann(231))["uri"]
    made = shell.writes("--limit", "1")[0]["id"]
    assert "no documented way to delete" in shell("journal", "undo", made, "--yes", code=1, LEAD_MCP_DELETES="allow")
    shell.call("update_lead", {"uri": uri, "changes": {"note": "n"}})
    first = shell.writes("--limit", "1")[0]["id"]
    assert "no way to empty" in shell("journal", "undo", first, "--yes", code=1)
    assert "LEAD_MCP_WRITES is off" in shell("journal", "undo", first, "--yes", code=1, LEAD_MCP_WRITES="off")
    for note in ("n" * 400, "short"):
        shell.call("update_lead", {"uri": uri, "changes": {"note": note}})
    long = shell.writes("--limit", "1")[0]["id"]
    with sqlite3.connect(shell.folder / "state" / "journal.sqlite") as db:  # as version 1 kept a long value
        db.execute(
            "update lead_mcp_payloads set body = replace(body, ?, ?)", ["n" * 400, "n" * 300 + "…[400 characters]"]
        )
    db.close()
    assert "cut short" in shell("journal", "undo", long, "--yes", code=1)
    assert "it is refused" in shell("journal", "undo", shell.refused(), "--yes", code=1)


def test_a_long_value_is_kept_whole_and_comes_back(shell: Shell) -> None:
    uri, note = shell.call("insert_lead", ann(232))["uri"], "long " * 400
    for one in (note.strip(), "short"):
        shell.call("update_lead", {"uri": uri, "changes": {"note": one}})
    assert "updated" in shell("journal", "undo", shell.writes("--limit", "1")[0]["id"], "--yes")
    whole = shell(
        "call",
        "summarize_leads",
        "group_by=note",
        f"filters={json.dumps([{'field': 'note', 'op': 'eq', 'value': note.strip()}])}",
        "since=-1d",
        "--raw",
    )
    assert json.loads(whole)["structuredContent"]["total"] == 1


def test_an_insert_is_undone_by_deleting_where_that_is_allowed(shell: Shell) -> None:
    lead = {"first_name": "Bo", "email": "bo.bee@example.com", "phone": "+12135550177", "list_id": LIST}
    uri = shell.call("insert_lead", {"account": "convoso", "lead": lead})["uri"]
    made = shell.writes()[0]["id"]
    assert "LEAD_MCP_DELETES is off" in shell("journal", "undo", made, "--yes", code=1)
    assert f"deleted {uri}" in shell("journal", "undo", made, "--yes", LEAD_MCP_DELETES="confirm")
    gone = shell.writes()[0]
    assert gone["tool"] == "delete_lead"
    assert "brings a deleted lead back" in shell("journal", "undo", gone["id"], "--yes", code=1)
    assert not shell.emails("convoso", "bo.bee@")


# --- import -------------------------------------------------------------------------------------------------------


def leads_file(
    folder: Path,
    ending: str,
    rows: int = ROWS,
    extra: Sequence[Sequence[str]] = (),
    first: str = "Name",
    last: str = "Note",
) -> Path:
    """A CSV as a spreadsheet saves it: a byte order mark, names as people write them."""
    path = folder / "leads.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([first, "E-mail address", last])
        writer.writerows([f"Row {n}", f"row{n}@{ending}", "one,\nand two"] for n in range(1, rows + 1))
        writer.writerows(extra)
    return path


MAPPED = ("--map", "E-mail address=email")


def results_of(path: Path) -> dict[int, dict[str, Any]]:
    """The last line for each row."""
    text = path.with_name(f"{path.name}.results.jsonl").read_text(encoding="utf-8")
    return {line["row"]: line for line in map(json.loads, text.splitlines())}


@pytest.mark.parametrize("account", ["octanist", "leadtrackr"])
def test_an_import_killed_midway_and_run_again_sends_every_row_once(shell: Shell, account: str) -> None:
    """LeadTrackr makes one lead of a row that was on its way; at Octanist such a row is found, or said to be unknown."""
    ending = f"{account}.killed.example"
    first, last = ("Name", "Note") if account == "octanist" else ("First Name", "Last-Name")
    path = leads_file(shell.folder, ending, first=first, last=last)
    words = ("import", str(path), "--account", account, *MAPPED, "--yes")
    results = path.with_name("leads.csv.results.jsonl")
    wanted = random.randint(1, ROWS - 10)
    with background(*words, environment=shell.environment, folder=shell.folder) as started:
        until = time.monotonic() + 2 * PATIENCE
        while not results.exists() or results.read_bytes().count(b"\n") < wanted:
            assert started.process.poll() is None, started.to_dict()
            assert time.monotonic() < until
            time.sleep(0.005)
        started.process.kill()
        started.process.wait(PROMPT)
    assert results.read_bytes().count(b"\n") < ROWS
    ended = here(*words, environment=shell.environment)
    outcomes = {row: line["outcome"] for row, line in results_of(path).items()}
    assert set(outcomes) == set(range(1, ROWS + 1))
    lost = {f"row{row}@{ending}" for row, outcome in outcomes.items() if outcome != "created"}
    assert not lost or (account == "octanist" and ended.returncode == 1 and len(lost) <= 4), outcomes
    there = shell.emails(account, ending)
    assert there == Counter(f"row{n}@{ending}" for n in range(1, ROWS + 1) if f"row{n}@{ending}" not in lost)
    again = here(*words, environment=shell.environment)
    assert again.stdout == ended.stdout
    assert shell.emails(account, ending) == there


def test_a_signal_ends_an_import_within_a_moment(shell: Shell) -> None:
    path = leads_file(shell.folder, "signal.example")
    words = ("import", str(path), "--account", "octanist", *MAPPED, "--yes")
    shell.emulators.fault("octanist", "slow", seconds=0.1, times=-1)
    results = path.with_name("leads.csv.results.jsonl")
    with background(*words, environment=shell.environment, folder=shell.folder) as started:
        until = time.monotonic() + PATIENCE
        while not results.exists() or results.read_bytes().count(b"\n") < 4:
            assert time.monotonic() < until, started.to_dict()
            time.sleep(0.01)
        assert started.end(signal.SIGTERM) == 128 + signal.SIGTERM
        assert "interrupted after" in started.to_dict()
        assert "Traceback" not in started.to_dict()
    shell.emulators.forget()
    assert f"{ROWS} rows: {ROWS} created" in shell(*words)
    assert shell.emails("octanist", "signal.example").total() == ROWS


def test_a_file_with_mistakes_sends_nothing(shell: Shell) -> None:
    before = shell.sent("octanist")
    path = leads_file(shell.folder, "wrong.example", 3, [["X", "no address", ""], ["too few"]])
    said = shell("import", str(path), "--account", "octanist", *MAPPED, "--yes", code=2)
    assert "line 8: email: 'no address'" in said
    assert "line 9: 1 values" in said
    shell("import", str(shell.folder), "--account", "octanist", "--yes", code=2)
    assert "'email'" in shell("import", str(path), "--account", "octanist", "--map", "E-mail address=emial", code=2)
    for name, content in {
        "a.jsonl": '{"name": "A"}\n[1]\n{',
        "b.csv": "name,name\nA,B\n",
        "c.csv": 'name\n"A\n',
    }.items():
        file = shell.folder / name
        file.write_text(content, encoding="utf-8")
        shell("import", str(file), "--account", "octanist", "--yes", code=2)
    for name, raw in {"d.csv": b"name\n\xff\n", "e.csv": b"", "f.txt": b"name\nA\n"}.items():
        (shell.folder / name).write_bytes(raw)
        shell("import", str(shell.folder / name), "--account", "octanist", "--yes", code=2)
    shell("import", str(shell.folder / "none.csv"), "--account", "octanist", "--yes", code=2)
    assert shell.sent("octanist") == before


def test_an_import_stops_past_the_failures_it_may_have(shell: Shell) -> None:
    path = leads_file(shell.folder, "refused.example")
    words = ("import", str(path), "--account", "octanist", *MAPPED, "--yes")
    shell.emulators.fault("octanist", "status", status=422, path="leads", method="POST", times=-1)
    before = shell.sent("octanist")
    said = shell(*words, "--max-failures", "5", code=1)
    assert "stopped" in said
    assert 6 <= shell.sent("octanist") - before <= 6 + 3
    assert {line["code"] for line in results_of(path).values()} == {"rejected"}
    shell.emulators.forget()
    assert f"{ROWS} rows: {ROWS} created" in shell(*words)


def test_a_dry_run_counts_and_sends_nothing(shell: Shell) -> None:
    ending = "dry.example"
    words = ("import", str(leads_file(shell.folder, ending, 3)), "--account", "octanist", *MAPPED)
    shell(*words, "--yes")
    before = shell.sent("octanist")
    assert "3 imported already" in shell(*words, "--dry-run")
    more = leads_file(shell.folder, ending, 5, [["Again", f"row5@{ending}", ""]])
    said = shell("import", str(more), "--account", "octanist", *MAPPED, "--dry-run")
    assert "6 rows" in said
    assert "3 imported already" in said
    assert "3 would be created" in said
    assert "e-mails and phones that come again in the file: 1" in said
    assert shell.sent("octanist") == before
    code, asked = typed(shell.environment, [("[y/N]", "n")], "import", str(more), "--account", "octanist", *MAPPED)
    assert code == 0
    assert "Import 6 rows of leads.csv into octanist?" in asked
    assert shell.sent("octanist") == before
    assert "WRITES is off" in shell(*words, "--yes", code=1, LEAD_MCP_WRITES="off")


def test_json_lines_own_fields_and_duplicates_within_the_file(shell: Shell) -> None:
    path = shell.folder / "leads.jsonl"
    rows = [{"name": f"J {n}", "email": f"j{n % 3}@json.example", "vendor:path": "/x", "extra": 1} for n in range(6)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    words = ("import", str(path), "--account", "octanist", "--yes")
    assert "'extra'" in shell(*words, code=2)
    assert "3 created" in shell(*words, "--ignore-unmapped")
    assert Counter(line["outcome"] for line in results_of(path).values()) == {"created": 3, "duplicate": 3}
    assert set(shell.emails("octanist", "json.example").values()) == {1}
    assert "3 created, 3 duplicate" in shell(*words, "--ignore-unmapped", "--on-duplicate", "fail")
    assert shell.writes("--limit", "1")[0]["principal"] == "import"


def test_a_changed_file_sends_only_what_is_new(shell: Shell) -> None:
    """With ``allow`` nothing but the row's key keeps it from being sent again."""
    ending, path = "changed.example", shell.folder / "leads.csv"
    words = ("import", str(path), "--account", "octanist", "--on-duplicate", "allow", "--yes")
    rows = [f"Row {n},row{n}@{ending}" for n in range(3)]
    for content in (
        "name,email\n" + "\n".join(rows),
        "name,email\n" + "\n".join(rows) + "\n",
        "name,email\r\n" + "\r\n".join([f"New,new@{ending}", *rows]) + "\r\n",
        "sep=;\n" + "\n".join(["email;name;", *(f"row{n}@{ending};Row {n};" for n in (2, 1, 0)), f"new@{ending};New;"]),
    ):
        path.write_text(content, encoding="utf-16" if ";" in content else "utf-8", newline="")
        shell(*words)
    once = {f"row{n}@{ending}": 1 for n in range(3)} | {f"new@{ending}": 1}
    assert shell.emails("octanist", ending) == once
    path.write_text("name,email\n" + "\n".join([*rows, rows[0], rows[0]]), encoding="utf-8")
    shell(*words)
    assert shell.emails("octanist", ending) == once | {f"row0@{ending}": 3}, "rows that are alike are each their own"
    assert "whole" in shell("journal", "verify")


def test_an_import_that_version_0_1_began_goes_on(shell: Shell) -> None:
    """Its keys were the file's digest and the row's number."""
    path = leads_file(shell.folder, "earlier.example", 3)
    words = ("import", str(path), "--account", "octanist", *MAPPED, "--on-duplicate", "allow", "--yes")
    shell(*words)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with sqlite3.connect(shell.folder / "state" / "journal.sqlite") as db:
        for nth, name in enumerate(db.execute("select id from lead_mcp_writes order by at").fetchall(), 1):
            db.execute("update lead_mcp_writes set key = ? where id = ?", [f"import {digest}#{nth}", name[0]])
    db.close()
    assert "3 rows: 3 created" in shell(*words)
    assert shell.emails("octanist", "earlier.example").total() == 3


# --- what is printed ----------------------------------------------------------------------------------------------


def test_a_name_that_the_terminal_cannot_show_stops_nothing(shell: Shell) -> None:
    """The write is done; the exit code says so, whatever becomes of the words."""
    uri = shell.call("insert_lead", {**ann(240), "lead": {"name": "Łukasz Łoś", "email": "lukasz@example.com"}})["uri"]
    name = shell.pending("update_lead", {"uri": uri, "changes": {"note": "Łódź \u2603 🙂"}})
    environment = clean({**shell.environment, "PYTHONIOENCODING": "cp1252"})
    said = b""
    for words in (["approve", name, "--yes"], ["journal", "--values"]):
        ended = subprocess.run([*PROGRAM, *words], env=environment, capture_output=True, timeout=PATIENCE, check=False)
        assert (ended.returncode, b"Traceback" in ended.stderr) == (0, False), ended
        said += ended.stdout
    assert shell.call("get_lead", {"uri": uri})["lead"]["note"] == "Łódź ☃ 🙂"
    assert b"\\u0141\xf3d\\u017a" in said, "what cp1252 has not is escaped, what it has is as it is"


@pytest.mark.parametrize("gone", ["> /dev/full", "| true"])
def test_an_output_that_is_gone_stops_nothing(shell: Shell, gone: str) -> None:
    number = 270 + len(gone)
    name = shell.pending("insert_lead", ann(number))
    words = shlex.join([*PROGRAM, "approve", name, "--yes"])
    ended = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {words} {gone}"],
        env=clean(shell.environment),
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, b"Traceback" in ended.stderr, b"Exception" in ended.stderr) == (0, False, False), ended
    assert shell.emails("octanist", f"archer.{number}@").total() == 1


def test_json_holds_no_character_that_a_terminal_obeys(shell: Shell) -> None:
    lead = {"name": "A\x9b31mred", "email": "c1@example.com"}
    uri = shell.call("insert_lead", {"account": "octanist", "lead": lead})["uri"]
    assert uri
    found = [
        shell("journal", "--values", "--json"),
        shell("journal", "show", shell.writes()[0]["id"], "--values", "--json"),
    ]
    found.append(shell("call", "get_lead", f"uri={uri}", "--raw"))
    for text in found:
        assert all(one.isprintable() or one == "\n" for one in text)
        json.loads(text)
    assert "\\u009b31mred" in found[0]


# --- damage -------------------------------------------------------------------------------------------------------


DAMAGE = (
    "update lead_mcp_meta set value = 'two'",
    "update lead_mcp_chain set seq = 0",
    "delete from lead_mcp_chain",
    "update lead_mcp_payloads set body = 'no json'",
    "update lead_mcp_payloads set body = '[]'",
    "update lead_mcp_writes set state = 'perhaps'",
)


@pytest.mark.parametrize("nth", range(len(DAMAGE)))
def test_a_damaged_journal_is_a_clear_line_for_every_command(shell: Shell, nth: int) -> None:
    name = shell.pending("insert_lead", ann(250 + nth))
    with sqlite3.connect(shell.folder / "state" / "journal.sqlite") as db:
        db.execute(DAMAGE[nth])
    db.close()
    path = leads_file(shell.folder, f"damaged{nth}.example", 1)
    commands = (
        ["journal"],
        ["journal", "show", name],
        ["journal", "verify"],
        ["journal", "undo", name, "--yes"],
        ["journal", "resolve", name, "--not-done"],
        ["approve", name, "--yes"],
        ["import", str(path), "--account", "octanist", *MAPPED, "--yes"],
    )
    told = 0
    for words in commands:
        ended = here(*words, environment=shell.environment)
        assert "Traceback" not in ended.stderr
        told += "The journal is damaged" in ended.stderr
        told += words[-1] == "verify" and ended.returncode == 1
    assert told >= 2


def test_verify_prints_an_anchor_that_finds_a_wiped_journal(shell: Shell) -> None:
    shell.call("insert_lead", ann(260))
    anchor = shell("journal", "verify").split("anchor ")[1].strip()
    shell.call("insert_lead", ann(261))
    assert "whole" in shell("journal", "verify", "--anchor", anchor)
    for path in (shell.folder / "state").glob("journal*"):
        path.unlink()
    shell.call("insert_lead", ann(262))
    assert "whole" in shell("journal", "verify")
    assert f"event {anchor.partition(':')[0]}" in shell("journal", "verify", "--anchor", anchor, code=1)
    assert "anchor" in shell("journal", "verify", "--anchor", "x", code=1)
