"""The questions put to a model: here one that does as it is told, over HTTP on loopback, in both dialects."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from evals.judging import says
from evals.model import main

QUESTION = "count-leadtrackr-yesterday"
CALLED = {"account": "leadtrackr", "period": "yesterday"}
Script = Callable[[str], dict[str, Any]]
"""Makes the reply to the last tool's answer; an empty text at first."""


@contextmanager
def standing_in(script: Script, heard: list[tuple[str, dict[str, str], dict[str, Any]]]) -> Iterator[str]:
    """The address of an endpoint that answers as the script says."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.append((self.path, {key.lower(): value for key, value in self.headers.items()}, body))
            last = body["messages"][-1]["content"]
            told = last[0]["content"] if isinstance(last, list) else last
            reply = json.dumps(script(told if len(heard) > 1 else "")).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/base"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def openai(told: str, name: str, arguments: str) -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
    message = {"role": "assistant", "content": told or None, **({} if told else {"tool_calls": [call]})}
    return {"choices": [{"message": message}], "usage": {"total_tokens": 7}}


def anthropic(told: str, name: str, arguments: str) -> dict[str, Any]:
    use = {"type": "tool_use", "id": "c1", "name": name, "input": json.loads(arguments)}
    return {
        "content": [{"type": "text", "text": told} if told else use],
        "usage": {"input_tokens": 3, "output_tokens": 4},
    }


def asked(
    provider: str, script: Script, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[str, dict[str, str], dict[str, Any]]]:
    heard: list[tuple[str, dict[str, str], dict[str, Any]]] = []
    monkeypatch.setenv(f"{provider.upper()}_API_KEY", "a-key")
    with standing_in(script, heard) as address:
        arguments = ["--provider", provider, "--base-url", address, "--model", "m", "--limit", "1", QUESTION]
        assert main(arguments, leads=120) == 0
    return heard


def row(printed: str) -> Sequence[str]:
    return next(line.split() for line in printed.splitlines() if line.startswith(QUESTION))


@pytest.mark.parametrize(
    ("provider", "reply", "path", "key"),
    [
        ("openai", openai, "/base/chat/completions", ("authorization", "Bearer a-key")),
        ("anthropic", anthropic, "/base/v1/messages", ("x-api-key", "a-key")),
    ],
)
def test_a_model_calls_our_tools_and_its_last_answer_is_judged(
    provider: str,
    reply: Callable[[str, str, str], dict[str, Any]],
    path: str,
    key: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    heard = asked(provider, lambda told: reply(told, "summarize_leads", json.dumps(CALLED)), monkeypatch)
    assert [one[0] for one in heard] == [path, path]
    assert heard[0][1][key[0]] == key[1]
    names = [one.get("function", one)["name"] for one in heard[0][2]["tools"]]
    assert {"search_leads", "summarize_leads", "query_sql"} <= set(names)
    assert row(capsys.readouterr().out) == [QUESTION, "yes", "1", "1", "14"]


def test_a_wrong_answer_is_wrong(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked("openai", lambda _: openai("I do not know.", "", ""), monkeypatch)
    assert row(capsys.readouterr().out)[1] == "NO"


@pytest.mark.parametrize(("name", "arguments"), [("summarize_leads", "{"), ("no_such_tool", "{}")])
def test_a_call_that_is_none_is_answered_and_the_model_goes_on(
    name: str, arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = asked("openai", lambda told: openai(told, name, arguments), monkeypatch)
    assert "bad_argument" in heard[1][2]["messages"][-1]["content"]
    assert row(capsys.readouterr().out)[:3] == [QUESTION, "NO", "1"]


@pytest.mark.parametrize(
    ("text", "truth", "right"),
    [
        ("There were 1,234 leads.", 1234, True),
        ("There were 12345 leads.", 1234, False),
        ("about $5,468", Decimal("5468.18"), True),
        ("34.6% were accepted", 0.3464, True),
        ("Facebook: 4, TikTok: 8", {"facebook": 4, "tiktok": Decimal(8), None: 2}, False),
        ("Facebook: 4, TikTok: 8, none: 2", {"facebook": 4, "tiktok": Decimal(8), None: 2}, True),
        ("lead://octanist/lead_1", {"lead://octanist/lead_1", "lead://octanist/lead_2"}, False),
        ("on 2026-08-23 at 11:03", datetime(2026, 8, 23, 11, 3, 14, tzinfo=UTC), True),
        ("Yes, for 419.50", [True, Decimal("419.5")], True),
    ],
)
def test_every_value_of_the_truth_has_to_stand_in_the_text(text: str, truth: Any, right: bool) -> None:
    assert says(text, truth) is right
