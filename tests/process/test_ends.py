"""How a server ends: end of input, SIGTERM, SIGINT; idle, in the middle of a call, with streams open."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from tests.process.processes import (
    HELLO,
    PATIENCE,
    Background,
    Emulators,
    Pipe,
    background,
    listening_server,
    pipe,
    request,
    run,
)

ERAS = ("modern", "legacy")
SIGNALS = (signal.SIGTERM, signal.SIGINT)
SEARCH = {"name": "search_leads", "arguments": {"account": "octanist", "limit": 1}}


def accepted(signum: int) -> tuple[int, int]:
    return (0, 128 + signum)


# --- stdio --------------------------------------------------------------------------------------------------------


def hanging_call(talk: Pipe, emulators: Emulators, era: str) -> None:
    """A call in flight whose vendor never answers."""
    before = emulators.heard("octanist")
    emulators.fault("octanist", "hang")
    talk.send(request(2, "tools/call", SEARCH, era))
    emulators.wait_until_asked("octanist", before)


def spoke_only_protocol(talk: Pipe) -> None:
    assert talk.lines
    for line in talk.lines:
        assert line.endswith("\n")
        assert json.loads(line)["jsonrpc"] == "2.0"
    assert "Traceback" not in talk.to_dict()


def test_no_input_at_all_is_a_clean_end(emulators: Emulators) -> None:
    ended = run("serve", environment=emulators.environment)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "busy", [pytest.param(False, marks=pytest.mark.slow, id="idle"), pytest.param(True, id="busy")]
)
@pytest.mark.parametrize("era", ERAS)
def test_end_of_input_ends_the_server(emulators: Emulators, folder: Path, era: str, busy: bool) -> None:
    with pipe(environment=emulators.environment, folder=folder) as talk:
        talk.greet(era)
        if busy:
            hanging_call(talk, emulators, era)
        assert talk.end_of_input() == 0
    spoke_only_protocol(talk)


@pytest.mark.parametrize(
    "busy", [pytest.param(False, marks=pytest.mark.slow, id="idle"), pytest.param(True, id="busy")]
)
@pytest.mark.parametrize("signum", SIGNALS, ids=lambda one: one.name)
def test_a_signal_ends_the_server(emulators: Emulators, folder: Path, signum: int, busy: bool) -> None:
    with pipe(environment=emulators.environment, folder=folder) as talk:
        talk.greet("modern")
        if busy:
            hanging_call(talk, emulators, "modern")
        assert talk.end(signum) in accepted(signum)
    spoke_only_protocol(talk)


PARSE, INVALID = -32700, -32600


NO_MESSAGES: Final[Sequence[tuple[str, int, Any]]] = (
    ("not json", PARSE, None),
    ("{", PARSE, None),
    ("\x00\ud7ff", PARSE, None),
    ("[" * 3000, PARSE, None),
    ('{"jsonrpc": "2.0", "id": 7, "method": "ping"} more', PARSE, None),
    ('{"a": "\\ud800"}', PARSE, None),
    (
        '{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"a": "\\ud83d"}}',
        PARSE,
        7,
    ),  # half an emoji, as JSON allows
    (f'{{"jsonrpc": "2.0", "params": {{"a": {"9" * 5000}}}, "method": "ping", "id": "a"}}', PARSE, "a"),
    *(
        (f'{{"jsonrpc": "2.0", "id": {identifier}, "method": "ping"}}', PARSE, None)
        for identifier in ("9" * 5000, '"\\ud83d"')
    ),  # what cannot be said again
    ("\u2028", PARSE, None),
    *(
        (f'{{"jsonrpc": "2.0", "id": {identifier}, "method": "tools/list"}}', INVALID, None)
        for identifier in ("null", "1.5", "1.0", "true", "{}", "[7]")
    ),
    ("[1, 2]", INVALID, None),
    ("5", INVALID, None),
    ("null", INVALID, None),
    ('{"jsonrpc": "2.0"}', INVALID, None),
    ('{"jsonrpc": "2.0", "id": 7}', INVALID, None),
    ('{"id": 7, "method": "ping"}', INVALID, 7),
    ('{"jsonrpc": "1.0", "id": "a", "method": "ping"}', INVALID, "a"),
    ('{"jsonrpc": "2.0", "id": 7, "method": 5}', INVALID, 7),
    ('{"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": [1]}', INVALID, 7),
)


@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
def test_a_line_that_is_no_message_is_answered(folder: Path, first: bool) -> None:
    with pipe("--sandbox", environment={}, folder=folder) as talk:
        if not first:
            talk.greet("legacy")
        for line, code, identifier in NO_MESSAGES:
            talk.write(f"\n  \n{line}\n")
            found = talk.next()
            assert (found["error"]["code"], found["id"]) == (code, identifier), line
        talk.greet("legacy")
        assert talk.end_of_input() == 0
    spoke_only_protocol(talk)


def test_lines_are_read_as_utf_8_and_in_whatever_pieces_they_come(folder: Path) -> None:
    """What is no UTF-8 is refused, as it would else be written into a lead. Programs on Windows begin with a mark."""
    ping = json.dumps(request(7, "ping", {"said": "Zoë ☃"}, "legacy"), ensure_ascii=False)
    lines: Sequence[tuple[bytes, Any]] = (
        (b"\xef\xbb\xbf" + ping.encode() + b"\n", "result"),
        (ping.encode() + b"\r\n", "result"),
        (ping.encode("latin-1", "replace") + b"\n", PARSE),
        (ping.encode("utf-16") + b"\n", PARSE),
        (ping.encode() + b"\n", "result"),
    )
    with pipe("--sandbox", environment={}, folder=folder) as talk:
        assert talk.process.stdin is not None
        stdin = talk.process.stdin.fileno()
        for line, what in lines:
            end = line.find("☃".encode()) + 1  # in the middle of a character
            for piece in (line[:end], line[end:]):
                os.write(stdin, piece)
            found = talk.next()
            assert found["error"]["code"] == what if what == PARSE else what in found, line
        assert talk.end_of_input() == 0
    spoke_only_protocol(talk)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"LEAD_MCP_WRITE": "off"}, "LEAD_MCP_WRITES"),
        ({"LEAD_MCP_LOG_LEVEL": "loud"}, "LEAD_MCP_LOG_LEVEL"),
        ({"LEAD_MCP_CONFIG": "/no/such/file.toml"}, "/no/such/file.toml"),
        ({"OCTANIST_API_KEY": "${user_config.key}"}, "OCTANIST_API_KEY"),
        ({"TZ": "Mars/Olympus"}, "TZ"),
    ],
)
def test_a_wrong_configuration_is_said_where_its_user_sees_it(
    folder: Path, era: str, environment: dict[str, str], named: str
) -> None:
    """A desktop client shows nobody what a process writes that ends before its greeting is answered."""
    with pipe(environment=environment, folder=folder) as talk:
        hello = talk.greet(era)
        assert named in hello["instructions"]
        talk.send(request(2, "tools/list", {}, era))
        assert [tool["name"] for tool in talk.answer(2)["result"]["tools"]] == ["list_accounts"]
        talk.send(request(3, "tools/call", {"name": "list_accounts", "arguments": {}}, era))
        listed = talk.answer(3)["result"]
        assert listed["structuredContent"]["accounts"]["rows"] == []
        assert named in listed["content"][0]["text"]
        talk.send(request(4, "tools/call", SEARCH, era))
        refused = talk.answer(4)["result"]
        assert refused["isError"]
        assert refused["structuredContent"]["error"]["code"] == "not_configured"
        assert named in refused["content"][0]["text"]
        talk.send(request(5, "resources/read", {"uri": "lead://octanist/1"}, era))
        assert named in talk.answer(5)["error"]["message"]
        assert talk.end_of_input() == 0
    spoke_only_protocol(talk)
    assert named in talk.to_dict()


def test_logs_go_to_stderr_alone(emulators: Emulators, folder: Path) -> None:
    with pipe(environment={**emulators.environment, "LEAD_MCP_LOG_LEVEL": "debug"}, folder=folder) as talk:
        talk.greet("modern")
        talk.send(request(2, "tools/call", SEARCH, "modern"))
        talk.answer(2)
        assert talk.end_of_input() == 0
    spoke_only_protocol(talk)
    logged = [json.loads(line) for line in talk.to_dict().splitlines()]
    ours = [line for line in logged if line["log"] == "lead_mcp.outbound"]
    assert ours[0]["account"] == "octanist"
    assert not any("?" in str(line.get("path", "")) for line in ours), "no queries: they may hold a person's e-mail"


# --- HTTP and SSE -------------------------------------------------------------------------------------------------

PLAIN = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
NEWER = {**PLAIN, "MCP-Protocol-Version": "2026-07-28"}


class Streams:
    """Requests in threads of their own, left open."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.begun: list[threading.Event] = []
        self.ends: list[str] = []

    def open(self, method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any] | None = None) -> None:
        begun = threading.Event()

        def read() -> None:
            try:
                with (
                    httpx2.Client(timeout=PATIENCE, trust_env=False) as http,
                    http.stream(method, url, headers=headers, json=body) as answer,
                ):
                    begun.set()
                    for _ in answer.iter_lines():
                        pass
                self.ends.append("whole")
            except httpx2.HTTPError as error:
                self.ends.append(type(error).__name__)

        self.begun.append(begun)
        self.threads.append(threading.Thread(target=read, daemon=True))
        self.threads[-1].start()

    def wait(self) -> None:
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


def session(url: str) -> dict[str, str]:
    """The headers of a legacy session."""
    with httpx2.Client(timeout=PATIENCE, trust_env=False) as http:
        hello = http.post(url, headers=PLAIN, json={"jsonrpc": "2.0", **HELLO}).raise_for_status()
        headers = {**PLAIN, "Mcp-Session-Id": hello.headers["mcp-session-id"]}
        note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        http.post(url, headers=headers, json=note).raise_for_status()
    return headers


def open_listening(streams: Streams, url: str) -> None:
    """What a client of either era leaves open."""
    streams.open("GET", url, session(url))
    wanted = {"notifications": {"toolsListChanged": True}}
    headers = {**NEWER, "Mcp-Method": "subscriptions/listen"}
    streams.open("POST", url, headers, request(9, "subscriptions/listen", wanted, "modern"))
    assert all(begun.wait(PATIENCE) for begun in streams.begun)


def open_calls(streams: Streams, url: str, emulators: Emulators) -> None:
    """A call of either era whose vendor never answers."""
    before = emulators.heard("octanist")
    emulators.fault("octanist", "hang", times=2)
    streams.open("POST", url, session(url), request(2, "tools/call", SEARCH, "legacy"))
    headers = {**NEWER, "Mcp-Method": "tools/call", "Mcp-Name": "search_leads"}
    streams.open("POST", url, headers, request(3, "tools/call", SEARCH, "modern"))
    emulators.wait_until_asked("octanist", before + 1)


@contextmanager
def ended_by(signum: int, server: Background) -> Iterator[None]:
    yield
    assert server.end(signum) in accepted(signum)
    assert "Traceback" not in server.to_dict()
    assert server.out.read_bytes() == b""


@pytest.mark.parametrize("signum", SIGNALS, ids=lambda one: one.name)
def test_a_signal_ends_the_http_server_in_the_middle_of_everything(
    emulators: Emulators, folder: Path, signum: int
) -> None:
    streams = Streams()
    with listening_server(environment=emulators.environment, folder=folder) as (server, url):
        with ended_by(signum, server):
            open_listening(streams, url)
            open_calls(streams, url, emulators)
        streams.wait()
    assert streams.ends == ["whole"] * 4, "what was open ends in good order"


@pytest.mark.parametrize(
    "busy", [pytest.param(False, marks=pytest.mark.slow, id="idle"), pytest.param(True, id="busy")]
)
def test_a_signal_ends_the_sse_server(emulators: Emulators, folder: Path, busy: bool) -> None:
    with (
        listening_server(environment=emulators.environment, folder=folder, transport="sse") as (server, url),
        httpx2.Client(timeout=PATIENCE, trust_env=False) as http,
        http.stream("GET", url) as stream,
    ):
        lines = stream.iter_lines()
        path = next(line for line in lines if line.startswith("data: ")).removeprefix("data: ")
        post = url.removesuffix("/sse") + path
        if busy:
            before = emulators.heard("octanist")
            emulators.fault("octanist", "hang")
            for message in ({"jsonrpc": "2.0", **HELLO}, request(2, "tools/call", SEARCH, "legacy")):
                http.post(post, headers=PLAIN, json=message).raise_for_status()
            emulators.wait_until_asked("octanist", before)
        with ended_by(signal.SIGTERM, server):
            pass


@pytest.mark.parametrize("signum", SIGNALS, ids=lambda one: one.name)
def test_a_signal_ends_the_sandbox_while_a_request_hangs(folder: Path, signum: int) -> None:
    streams = Streams()
    with background("sandbox", "--port", "0", "--leads", "5", environment={}, folder=folder) as server:
        origin = server.wait_for(r"listens on (http://\S+)\n")[1]
        httpx2.post(f"{origin}/_faults", json={"vendor": "octanist", "kind": "hang"}).raise_for_status()
        streams.open("GET", f"{origin}/octanist/api/leads", {})
        with httpx2.Client(base_url=origin) as http:
            Emulators({}, http).wait_until_asked("octanist", 0)
        assert server.end(signum) in accepted(signum)
        assert "Traceback" not in server.to_dict()
    streams.wait()
