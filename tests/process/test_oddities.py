"""What clients do that is odd, or was dropped from the protocol: answered as the protocol says, and no end of the server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from tests.process.processes import HELLO, PATIENCE, Emulators, Pipe, listening_server, pipe, request

pytestmark = pytest.mark.slow

ERAS: Final = ("legacy", "modern")
UNKNOWN, WRONG, VERSION = -32601, -32602, -32022
OK: Final = "result"
LISTS: Final = ("tools/list", "resources/list", "resources/templates/list", "prompts/list")
Call = tuple[str, Mapping[str, Any], Any, Any]
CALLS: Final[Sequence[Call]] = (
    # method, params, and what comes of it in the older and the newer era
    ("ping", {}, OK, UNKNOWN),
    ("no/such", {}, UNKNOWN, UNKNOWN),
    ("logging/setLevel", {"level": "debug"}, UNKNOWN, UNKNOWN),
    ("resources/subscribe", {"uri": "account://octanist"}, UNKNOWN, UNKNOWN),
    ("tasks/list", {}, UNKNOWN, UNKNOWN),
    ("sampling/createMessage", {"messages": [], "maxTokens": 1}, UNKNOWN, UNKNOWN),
    ("roots/list", {}, UNKNOWN, UNKNOWN),
    ("initialize", HELLO["params"], OK, VERSION),
    ("tools/call", {}, WRONG, WRONG),
    ("tools/call", {"name": 5}, WRONG, WRONG),
    ("tools/call", {"name": "list_accounts", "arguments": [1]}, WRONG, WRONG),
    ("tools/call", {"name": "list_accounts", "arguments": None}, OK, OK),
    ("tools/call", {"name": "list_accounts", "bogus": 1}, OK, OK),
    ("tools/list", {"cursor": 5}, WRONG, WRONG),
    *((method, {"cursor": "made-up"}, WRONG, WRONG) for method in LISTS),
    *((method, {"cursor": ""}, OK, OK) for method in LISTS),
    ("resources/read", {}, WRONG, WRONG),
    ("resources/read", {"uri": "file:///etc/passwd"}, WRONG, WRONG),
    ("prompts/get", {"name": "source_quality"}, WRONG, WRONG),
    ("prompts/get", {"name": "todays_leads", "arguments": {"account": 5}}, WRONG, WRONG),
    ("completion/complete", {"ref": {"type": "ref/nope"}, "argument": {"name": "id", "value": ""}}, WRONG, WRONG),
)
NOTICES: Final[Sequence[Mapping[str, Any]]] = (
    {"method": "notifications/no_such"},
    {"method": "notifications/roots/list_changed"},
    {"method": "notifications/cancelled"},
    {"method": "notifications/cancelled", "params": {"requestId": 4711}},
    {"method": "notifications/cancelled", "params": {"requestId": 1, "reason": "too late: it is answered"}},
    {"method": "notifications/progress", "params": {"progressToken": "mine", "progress": 1}},
    {"id": 777, "result": {}},
    {"id": 778, "error": {"code": -1, "message": "no such question"}},
)
"""What is not answered, and does no harm."""


def came(message: Mapping[str, Any]) -> Any:
    return message["error"]["code"] if "error" in message else OK


@pytest.fixture(params=ERAS)
def talk(request: pytest.FixtureRequest, emulators: Emulators, folder: Path) -> Iterator[tuple[Pipe, str]]:
    with pipe(environment=emulators.environment, folder=folder) as found:
        found.greet(request.param)
        yield found, request.param


def test_every_oddity_is_answered_as_the_protocol_says(talk: tuple[Pipe, str], emulators: Emulators) -> None:
    found, era = talk
    for number, (method, params, older, newer) in enumerate(CALLS, 10):
        found.send(request(number, method, params, era))
        message = found.next()
        assert (message["id"], came(message)) == (number, older if era == "legacy" else newer), (method, params)
    for identifier in (0, -5, "", "a-1", 10**30):
        found.send({**request(1, "prompts/list", {}, era), "id": identifier})
        assert found.next()["id"] == identifier
    for notice in NOTICES:
        found.send(notice)
    _two_calls_with_one_token(found, era)
    _a_question_while_a_call_hangs(found, era, emulators)
    assert found.end_of_input() == 0


def _two_calls_with_one_token(found: Pipe, era: str) -> None:
    for number in (1, 2):
        asked = request(number, "tools/call", {"name": "list_accounts", "arguments": {}}, era)
        asked["params"]["_meta"] = {**asked["params"].get("_meta", {}), "progressToken": "the same"}
        found.send(asked)
    assert {found.next()["id"], found.next()["id"]} == {1, 2}


def _a_question_while_a_call_hangs(found: Pipe, era: str, emulators: Emulators) -> None:
    """It is answered at once; the call that is given up afterwards is answered no more."""
    before = emulators.heard("octanist")
    emulators.fault("octanist", "hold", times=-1)
    found.send(request(3, "tools/call", {"name": "search_leads", "arguments": {"account": "octanist"}}, era))
    emulators.wait_until_asked("octanist", before)
    found.send(request(4, "prompts/list", {}, era))
    assert found.next()["id"] == 4
    found.send({"method": "notifications/cancelled", "params": {"requestId": 3}})
    found.send(request(5, "prompts/list", {}, era))
    emulators.forget()
    found.send(request(6, "tools/call", {"name": "list_accounts", "arguments": {}}, era))
    assert [found.next()["id"] for _ in range(2)] == [5, 6]


LEAD: Final = {"name": "Ada Example", "email": "odd-asking@example.com"}
WRITES: Final[Mapping[str, Mapping[str, Any]]] = {
    "insert_lead": {"account": "octanist", "lead": LEAD},
    "insert_leads": {"account": "octanist", "leads": [LEAD]},
}


@pytest.mark.parametrize("tool", WRITES)
def test_a_client_that_refuses_to_ask_after_all_leaves_the_write_waiting(
    tool: str, emulators: Emulators, folder: Path
) -> None:
    hello = {**HELLO, "params": {**HELLO["params"], "capabilities": {"elicitation": {}}}}
    with pipe(environment=emulators.environment, folder=folder) as found:
        found.send(hello)
        found.answer(1)
        found.send({"method": "notifications/initialized"})
        found.send(request(2, "tools/call", {"name": tool, "arguments": WRITES[tool]}, "legacy"))
        question = found.next()
        assert question["method"] == "elicitation/create"
        found.send({"id": question["id"], "error": {"code": UNKNOWN, "message": "Method not found"}})
        result = found.answer(2)["result"]
        assert result["isError"]
        assert result["structuredContent"]["error"]["code"] == "not_allowed"
        assert result["structuredContent"]["outcome"] == "pending"


# --- over HTTP ----------------------------------------------------------------------------------------------------

TYPES: Final = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
OLDER: Final = {**TYPES, "MCP-Protocol-Version": "2025-11-25"}
NEWER: Final = {**TYPES, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "prompts/list"}
PING: Final = {"jsonrpc": "2.0", "id": 5, "method": "ping"}
LIST: Final = request(5, "prompts/list", {}, "modern")
BARE: Final = request(5, "prompts/list", {}, "legacy")
POSTS: Final[Sequence[tuple[str, Mapping[str, str], Any, int]]] = (
    ("as it should be", OLDER, PING, 200),
    ("another older version", {**OLDER, "MCP-Protocol-Version": "2025-03-26"}, PING, 200),
    ("no version", TYPES, PING, 200),
    ("a version that never was", {**OLDER, "MCP-Protocol-Version": "1999-01-01"}, PING, 400),
    ("a session that never was", {**OLDER, "mcp-session-id": "no-such"}, PING, 404),
    ("a type it cannot have", {**OLDER, "Accept": "text/html"}, PING, 406),
    ("a body of another type", {**OLDER, "Content-Type": "text/plain"}, PING, 400),
    ("a batch", OLDER, [PING, PING], 400),
    ("no JSON", OLDER, "{", 400),
    ("half an emoji", OLDER, '{"jsonrpc": "2.0", "id": "\\ud83d", "method": "ping"}', 400),
    *(
        (f"the id {identifier!r}", headers, {**asked, "id": identifier}, 400)
        for identifier in (None, 1.5, True, [7])
        for headers, asked in ((OLDER, PING), (NEWER, LIST))
    ),
    ("no id", OLDER, {"jsonrpc": "2.0", "method": "ping"}, 400),
    ("a notice", OLDER, {"jsonrpc": "2.0", "method": "notifications/no_such"}, 202),
    ("an answer to no question", OLDER, {"jsonrpc": "2.0", "id": 99, "result": {}}, 202),
    ("newer", NEWER, LIST, 200),
    ("a session besides", {**NEWER, "mcp-session-id": "no-such"}, LIST, 200),
    ("another method in the header", {**NEWER, "Mcp-Method": "tools/list"}, LIST, 400),
    ("another version in the header", {**NEWER, "MCP-Protocol-Version": "2031-01-01"}, LIST, 400),
    ("no envelope in the body", NEWER, BARE, 400),
)


def test_every_oddity_over_http_has_its_status(emulators: Emulators, folder: Path) -> None:
    served = listening_server(environment=emulators.environment, folder=folder)
    with served as (_, url), httpx2.Client(timeout=PATIENCE, trust_env=False) as http:
        opened = http.post(url, json={"jsonrpc": "2.0", **HELLO}, headers=TYPES)
        session = {"mcp-session-id": opened.headers["mcp-session-id"]}
        for what, headers, body, status in POSTS:
            own = headers if headers.get("MCP-Protocol-Version") == "2026-07-28" else {**session, **headers}
            text = body if isinstance(body, str) else json.dumps(body)
            assert http.post(url, content=text, headers=own).status_code == status, what
        for method, (headers, era) in product(LISTS, ((OLDER | session, "legacy"), (NEWER, "modern"))):
            named = headers | ({"Mcp-Method": method} if era == "modern" else {})
            asked = http.post(url, json=request(5, method, {"cursor": "made-up"}, era), headers=named)
            assert f'"code":{WRONG}' in asked.text.replace(" ", ""), (method, era)
        for method in ("PUT", "PATCH", "OPTIONS", "HEAD"):
            assert http.request(method, url, headers=session).status_code == 405, method
        assert http.delete(url, headers={**OLDER, **session}).status_code == 200
        assert http.post(url, json=PING, headers={**OLDER, **session}).status_code == 404, "the session is closed"


def test_requests_with_one_id_are_all_answered(emulators: Emulators, folder: Path) -> None:
    """One after the other: the SDK has one stream for an id, and takes 7 and "7" for one."""
    call = request(7, "tools/call", {"name": "search_leads", "arguments": {"account": "octanist"}}, "legacy")
    served = listening_server(environment=emulators.environment, folder=folder)
    with served as (_, url), httpx2.Client(timeout=PATIENCE, trust_env=False) as http, ThreadPoolExecutor(3) as beside:
        opened = http.post(url, json={"jsonrpc": "2.0", **HELLO}, headers=TYPES)
        session = {**OLDER, "mcp-session-id": opened.headers["mcp-session-id"]}
        before = emulators.heard("octanist")
        emulators.fault("octanist", "hold", times=-1)
        asked = [beside.submit(http.post, url, json=call, headers=session)]
        emulators.wait_until_asked("octanist", before)
        asked += [beside.submit(http.post, url, json={**PING, "id": twin}, headers=session) for twin in (7, "7")]
        assert http.post(url, json=PING, headers=session).status_code == 200, "another id does not wait"
        emulators.forget()
        assert all('"result"' in one.result(PATIENCE).text for one in asked)
