"""Each person's own vendor credential: the vendor sees the caller's and nobody else's, from a file, variables or a command."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.types import CallToolResult
from starlette.types import Receive, Scope, Send

from lead_mcp.errors import NotAllowed, NotConfigured
from lead_mcp.identity.credentials import ASKED_AGAIN, KEPT, Credentials
from lead_mcp.identity.sources import LONGEST, spelled
from lead_mcp.runtime.connections import shared_key
from lead_mcp.settings import ConfiguredAccount, CredentialSource
from lead_mcp.settings.accounts import accounts_of
from lead_mcp.transport.breaker import FAILURES
from lead_mcp.vendors.octanist.emulator.app import API_KEY
from tests.approvals.browser import Browser
from tests.identity.team import Team, team
from tests.process.processes import here

ANNA, BEN = "the key of anna, by herself", "the key of ben, by himself"
KEYS = {ANNA, BEN}
CONFIG = '[accounts.octanist]\nvendor = "octanist"\ncredentials = "per-user"\n'
OWN = {"LEAD_MCP_STATE_KEYS": "k" * 32, "OCTANIST_API_KEY": ""}
WRITER = ("leads:read", "leads:write", "pii:read")


class EveryOnesKey:
    """The vendor with a key for each person."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        known = [(name, API_KEY.encode() if value.decode() in KEYS else value) for name, value in scope["headers"]]
        await self.app({**scope, "headers": known}, receive, send)


def keep(folder: Path, name: str, key: str, account: str = "octanist") -> None:
    (folder / f"{spelled(name)}.toml").write_text(f'[{account}]\napi_key = "{key}"\n', "utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("credentials")
    keep(found, "token:anna", ANNA)
    keep(found, "token:ben", BEN)
    keep(found, "token:dan", "a key that the vendor does not know")
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Team]:
    own = {**OWN, "LEAD_MCP_CREDENTIALS_DIR": str(folder), "LEAD_MCP_MIRROR": "on"}
    with team(tmp_path_factory.mktemp("team"), own, CONFIG, stateless=True) as found:
        stage = found.box.stages["octanist"]
        stage.app = EveryOnesKey(stage.app)
        found.server.approvals = found.url.replace("/mcp", "/approvals")
        yield found


@pytest.fixture(scope="module")
def people(server: Team) -> dict[str, str]:
    return {name: server.token(name, *WRITER) for name in ("anna", "ben", "carl", "dan")}


def keys(server: Team) -> list[str]:
    return [one.headers.get("x-api-key", "") for one in server.box.stages["octanist"].heard]


def code(found: CallToolResult) -> str:
    return str((found.structured_content or {}).get("error", {}).get("code", "ok"))


def read(server: Team, token: str, **arguments: Any) -> CallToolResult:
    return server.call(token, "search_leads", account="octanist", limit=2, **arguments)


# --- through the door -----------------------------------------------------------------------------------------------


def test_the_vendor_sees_the_callers_own_credential_and_no_other(server: Team, people: Mapping[str, str]) -> None:
    for name, key in (("anna", ANNA), ("ben", BEN), ("anna", ANNA)):
        before = len(keys(server))
        assert code(read(server, people[name])) == "ok"
        assert set(keys(server)[before:]) == {key}
    assert code(read(server, people["dan"])) == "unauthorized"


def test_whoever_has_none_is_refused_and_learns_nothing_of_others(server: Team, people: Mapping[str, str]) -> None:
    before = len(keys(server))
    refused = read(server, people["carl"])
    assert (code(refused), len(keys(server))) == ("not_allowed", before)
    assert "you have none here" in str(refused.structured_content)
    assert not re.search("anna|ben|dan|toml", str(refused.structured_content))
    everywhere = server.call(people["carl"], "search_leads", limit=1).structured_content or {}
    failed = {one["account"]: one["error"]["code"] for one in everywhere["accounts"] if one.get("error")}
    assert failed == {"octanist": "not_allowed"}


def test_nothing_is_shared_between_persons_at_such_an_account(server: Team, people: Mapping[str, str]) -> None:
    page = read(server, people["anna"]).structured_content or {}
    assert code(read(server, people["ben"], cursor=page["next_cursor"])) == "not_allowed"
    whole = server.server.opening.whole if server.server.opening else None
    assert whole is not None
    annas, bens = (whole.common.connections.own["octanist", f"token:{name}"] for name in ("anna", "ben"))
    assert annas.outbound.rate is not bens.outbound.rate
    assert annas.learned is not bens.learned
    found = whole.settings.accounts["octanist"]
    assert shared_key(found, "token:anna") != shared_key(found, "token:ben")
    annas.outbound.breaker.failures, annas.outbound.breaker.until = FAILURES, time.monotonic() + 60
    assert [code(read(server, people[name])) for name in ("anna", "ben")] == ["unavailable", "ok"]
    annas.outbound.breaker.failures = 0
    assert whole.common.make_mirror().connections.keys() == whole.settings.accounts.keys() - {"octanist"}


def test_a_write_that_waits_is_for_whoever_asked_for_it(server: Team, people: Mapping[str, str]) -> None:
    """Another would send it with another credential than it was asked for with."""
    asked = [
        server.call(
            people["anna"],
            "insert_lead",
            account="octanist",
            lead={"name": "Ann Archer", "email": f"ann{number}@example.com"},
        )
        for number in (1, 2)
    ]
    page, shell = ((one.structured_content or {})["journal_id"] for one in asked)
    browsers = {name: Browser.at(server.url) for name in ("anna", "ben")}
    listed = {name: browser.sign_in(people[name]).writes() for name, browser in browsers.items()}
    assert listed == {"anna": [shell, page], "ben": []}
    before = len(keys(server))
    sent = browsers["anna"].answer(browsers["anna"].get(f"/approvals/{page}"), page, "yes")
    assert "created lead://octanist/" in sent.text
    assert "created lead://octanist/" in server.do(by_shell, server, shell)
    assert set(keys(server)[before:]) == {ANNA}


async def by_shell(server: Team, write: str) -> str:
    """What ``lead-mcp approve`` does."""
    from lead_mcp.approvals import answering

    assert server.server.opening is not None
    runtime = server.server.opening.whole
    waiting = runtime.journal.get(write)
    assert waiting is not None
    question = await answering.question_of(runtime, waiting)
    return (await answering.send(runtime, waiting, question.agreements, "terminal")).text


# --- the sources ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def account() -> ConfiguredAccount:
    return accounts_of({"OCTANIST_API_KEY": "k" * 24}, {}, [])["octanist"]


def asked(source: CredentialSource, account: ConfiguredAccount, name: str) -> Mapping[str, str] | str:
    """What a person has there, or the code of the refusal."""
    try:
        return anyio.run(Credentials(source).of, account, name)
    except (NotAllowed, NotConfigured) as error:
        return error.code


@given(st.text(max_size=40) | st.text(min_size=90, max_size=100), st.text(max_size=40))
def test_names_are_spelled_apart_in_letters_that_lead_nowhere(one: str, other: str) -> None:
    assert re.fullmatch("[a-z0-9_]*", spelled(one))
    assert len(spelled(one)) <= LONGEST
    assert (spelled(one) == spelled(other)) is (one == other)


@pytest.mark.parametrize("name", ["../x", "..", "/etc/x", "x/../x", "..\\x", "X", "x\0", "x.toml", "-x", "$(x)", ""])
def test_a_name_leads_to_no_file_but_its_own(tmp_path: Path, account: ConfiguredAccount, name: str) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for place in (own, tmp_path):
        keep(place, "x", "the key of x")
    assert asked(CredentialSource(own), account, name) == "not_allowed"
    keep(own, name, "a key of its own")
    assert asked(CredentialSource(own), account, name) == {"api_key": "a key of its own"}


@pytest.mark.parametrize(
    "text",
    [
        "[octanist]\napi_key = 'x",
        "[octanist]\napi_key = 7",
        "octanist = 'x'",
        "[octanist]\napi_kye = 'x'",
        "[octanist]\napi_key = 'Bearer x'",
        "[octanist]\nbase_url = 'https://elsewhere.example.com'",
        "x" * 70_000,
        "\xff",
    ],
)
def test_a_file_that_is_wrong_is_told_in_the_log_alone(
    tmp_path: Path, account: ConfiguredAccount, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    (tmp_path / "token_3aanna.toml").write_text(text, "latin-1")
    assert asked(CredentialSource(tmp_path), account, "token:anna") == "not_configured"
    assert [one.message for one in caplog.records] == ["no credential"]
    assert asked(CredentialSource(tmp_path), account, "token:ben") == "not_allowed"
    assert asked(CredentialSource(tmp_path / "nowhere"), account, "token:ben") == "not_configured"


def test_a_credential_counts_for_a_moment_and_a_refusal_for_less(tmp_path: Path, account: ConfiguredAccount) -> None:
    now = [0.0]
    credentials = Credentials(CredentialSource(tmp_path), lambda: now[0])

    async def of(name: str) -> str:
        try:
            return (await credentials.of(account, name))["api_key"]
        except NotAllowed:
            return ""

    async def story() -> list[str]:
        found = [await of("anna")]
        for key, later in (("one", 0), ("one", ASKED_AGAIN), ("two", ASKED_AGAIN), ("two", KEPT)):
            keep(tmp_path, "anna", key)
            now[0] += later
            found.append(await of("anna"))
        return found

    assert anyio.run(story) == ["", "", "one", "one", "two"]


def test_variables_are_named_by_the_pattern(account: ConfiguredAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADS__token_3aanna__octanist__api_key", "the key of anna")
    source = CredentialSource(pattern="LEADS__{user}__{account}__{key}")
    assert asked(source, account, "token:anna") == {"api_key": "the key of anna"}
    assert asked(source, account, "token:ben") == "not_allowed"


COMMAND = """
import json, subprocess, sys, time
question = json.load(sys.stdin)
answers = {
    "token:anna": '{"api_key": "the key of anna"}', "garbage": "{", "list": "[]", "long": "x" * 100_000, "none": "{}",
    "arguments": json.dumps({"api_key": "|".join(sys.argv[1:])}),
}
name = question["name"]
if name == "hang":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    open(sys.argv[2], "w").write(str(child.pid))
    time.sleep(60)
sys.stdout.write(answers.get(name, ""))
sys.exit(3 if name == "fails" else 0)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX's")
def test_a_command_is_asked_without_a_shell_and_not_for_long(tmp_path: Path, account: ConfiguredAccount) -> None:
    script, mark = tmp_path / "command.py", tmp_path / "child; touch {user}"
    script.write_text(COMMAND, "utf-8")
    source = CredentialSource(command=(sys.executable, str(script), "{user}@{account}", str(mark)), seconds=20)
    assert asked(source, account, "token:anna") == {"api_key": "the key of anna"}
    whole = str(mark).replace("{user}", "arguments")
    assert asked(source, account, "arguments") == {"api_key": f"arguments@octanist|{whole}"}
    wrong = {name: asked(source, account, name) for name in ("garbage", "list", "long", "fails", "none", "$(id)")}
    assert wrong == {
        **dict.fromkeys(("garbage", "list", "long", "fails"), "not_configured"),
        **dict.fromkeys(("none", "$(id)"), "not_allowed"),
    }
    assert asked(CredentialSource(command=("/no/such/command",)), account, "token:anna") == "not_configured"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX's")
def test_a_command_that_hangs_is_ended_with_what_it_started(tmp_path: Path, account: ConfiguredAccount) -> None:
    script, mark = tmp_path / "command.py", tmp_path / "child"
    script.write_text(COMMAND, "utf-8")
    source = CredentialSource(command=(sys.executable, str(script), "-", str(mark)), seconds=2)
    started = time.monotonic()
    assert asked(source, account, "hang") == "not_configured"
    assert time.monotonic() - started < 40
    child = Path(f"/proc/{mark.read_text('utf-8')}/stat")
    assert not child.exists() or child.read_text("utf-8").rpartition(")")[2].split()[0] == "Z"


# --- the command line -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "table", "said"),
    [
        ({}, CONFIG, "LEAD_MCP_CREDENTIALS_DIR"),
        ({"LEAD_MCP_CREDENTIALS_COMMAND": "x", "LEAD_MCP_CREDENTIALS_DIR": "/"}, CONFIG, "no other of them"),
        ({"LEAD_MCP_CREDENTIALS_DIR": "/", "LEAD_MCP_STATE_KEYS": ""}, CONFIG, "LEAD_MCP_STATE_KEYS"),
        ({"LEAD_MCP_CREDENTIALS_DIR": "/", "OCTANIST_API_KEY": "k" * 24}, CONFIG, "OCTANIST_API_KEY"),
        ({"LEAD_MCP_CREDENTIALS_DIR": "/"}, CONFIG + 'api_key = "x"\n', "api_key"),
        ({"LEAD_MCP_CREDENTIALS_DIR": "/"}, CONFIG.replace("per-user", "own"), "neither shared nor per-user"),
        ({"LEAD_MCP_CREDENTIALS_VARIABLES": "X_{user}_{account}_{key}"}, CONFIG, "two underscores"),
        ({"LEAD_MCP_CREDENTIALS_VARIABLES": "X__{user}__{user}__{key}"}, CONFIG, "two underscores"),
        ({"LEAD_MCP_CREDENTIALS_COMMAND": "x 'y"}, CONFIG, "quotation mark"),
        ({"LEAD_MCP_CREDENTIALS_DIR": "/"}, CONFIG.replace("octanist", "leadexec"), "lead_type_uids"),
    ],
)
def test_half_of_it_is_refused_by_name(tmp_path: Path, environment: dict[str, str], table: str, said: str) -> None:
    found = here("tools", environment={**own_settings(tmp_path, table), **environment})
    assert (found.returncode, said in found.stderr) == (2, True), found.stderr


def own_settings(folder: Path, table: str = CONFIG) -> dict[str, str]:
    (folder / "accounts.toml").write_text(table, "utf-8")
    return {**OWN, "LEAD_MCP_STATE_DIR": str(folder), "LEAD_MCP_CONFIG": str(folder / "accounts.toml")}


@pytest.mark.slow
def test_the_commands_say_that_each_has_their_own(tmp_path: Path) -> None:
    own = {**own_settings(tmp_path), "LEAD_MCP_CREDENTIALS_DIR": str(tmp_path), "LEAD_MCP_MIRROR": "on"}
    checked = here("check", environment=own)
    assert (checked.returncode, "each person has their own" in checked.stdout) == (0, True), checked.stdout
    checked = here("check", "--json", "--principal", "anna", environment=own)
    assert (checked.returncode, f"{tmp_path}/token_3aanna.toml" in checked.stdout) == (1, True), checked.stdout
    synced = here("mirror", "sync", environment=own)
    assert (synced.returncode, "octanist: not mirrored" in synced.stderr) == (0, True), synced.stderr
