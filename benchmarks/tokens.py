"""Tokens of every tool definition and of every answer by a real tokenizer (o200k_base), beside our own estimate and beside
the vendor's raw JSON of the same page. ``python -m benchmarks.tokens`` writes ``benchmarks/tokens.md``.

The tokenizer is npm's ``gpt-tokenizer``, installed once into the user's cache, never into this tree.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest import mock

import anyio
import httpx2
from mcp import Client
from platformdirs import user_cache_path

from lead_mcp import settings, vendors
from lead_mcp.engine.lookup import get_record
from lead_mcp.outgoing.tokens import estimate
from lead_mcp.sandbox.app import Sandbox, sandbox
from lead_mcp.sandbox.world import World
from lead_mcp.server import LeadServer, build_server
from lead_mcp.vendors import emulators

REPORT: Final = Path(__file__).parent / "tokens.md"
PACKAGE: Final = "gpt-tokenizer@3.4.0"
UNTIL: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
LEADS: Final = 1000
UNDER: Final = 0.9
"""The estimate's least share of the real count."""
INPUT_SIDE: Final = ("name", "description", "inputSchema")
"""What a model is told of a tool; most clients keep the rest to themselves."""
SCRIPT: Final = """
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import fs from 'fs';
const items = JSON.parse(fs.readFileSync(0, 'utf8'));
console.log(JSON.stringify(items.map(t => encode(t, { disallowedSpecial: new Set() }).length)));
"""


class NoTokenizer(Exception):
    """Node or npm is missing, or the package could not be installed."""


def tokenizer() -> Path:
    """The folder with the tokenizer and a script that counts. Raises NoTokenizer."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NoTokenizer("node and npm are needed to count real tokens, and are not installed")
    folder = user_cache_path("lead-mcp-tests", appauthor=False) / PACKAGE.replace("@", "-")
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
        words = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", PACKAGE]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise NoTokenizer(f"npm could not install {PACKAGE}: {done.stderr[-300:]}")
        (folder / "count.mjs").write_text(SCRIPT, encoding="utf-8")
        (folder / "installed").touch()
    return folder


def counted(texts: Sequence[str]) -> list[int]:
    """Real tokens of each text. Raises NoTokenizer."""
    folder = tokenizer()
    done = subprocess.run(
        [shutil.which("node") or "node", "count.mjs"],
        cwd=folder,
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    found: list[int] = json.loads(done.stdout)
    return found


# --- what is measured ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """One thing that a model is shown. ``raw``: the vendor's JSON of the same records, where there is such."""

    name: str
    text: str
    raw: str = ""


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def items() -> list[Item]:
    """Definitions and answers over the emulators, in memory; the same on every machine."""
    box = sandbox(emulators(), World(LEADS, until=UNTIL), clock=lambda: UNTIL + timedelta(minutes=1), rated=False)
    with surroundings(box):
        server = build_server(settings.load(), lambda: httpx2.ASGITransport(app=box))
        return anyio.run(_measured, server)


@contextmanager
def surroundings(box: Sandbox) -> Iterator[None]:
    """The environment of a server over the emulators, and nobody else's settings."""
    own = ("LEAD_MCP_", *(f"{name.upper()}_" for name in vendors.NAMES))
    with tempfile.TemporaryDirectory() as state:
        ours = {
            **box.environment("http://127.0.0.1:1"),
            "CONVOSO_RATE": "100000/1s",
            "LEADSQUARED_RATE": "100000/1s",
            "LEAD_MCP_TIMEZONE": "UTC",
            "LEAD_MCP_DELETES": "confirm",
            "LEAD_MCP_STATE_DIR": state,
        }
        kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
        with mock.patch.dict(os.environ, {**kept, **ours}, clear=True):
            yield


async def _measured(server: LeadServer) -> list[Item]:
    async with Client(server) as client:
        if server.runtime is not None:
            server.runtime.common.clock = lambda: UNTIL + timedelta(minutes=1)
        found = await _definitions(client)
        found += await _pages(server, client)
        found += await _answers(client)
        return found


async def _definitions(client: Client) -> list[Item]:
    tools = (await client.list_tools()).tools
    said = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
    return [
        Item("all definitions", compact(said)),
        *(Item(f"definition of {one['name']}", compact(one)) for one in said),
        *(Item(f"input side of {one['name']}", compact({key: one[key] for key in INPUT_SIDE})) for one in said),
    ]


async def _pages(server: LeadServer, client: Client) -> list[Item]:
    found: list[Item] = []
    for account in vendors.NAMES:
        for detail in ("concise", "detailed"):
            asked = {"account": account, "detail": detail}
            answer = await client.call_tool("search_leads", asked)
            rows = (answer.structured_content or {})["leads"]["rows"]
            raw = compact([await _raw(server, account, row[0]) for row in rows])
            found += _halves(f"search_leads {account}, {detail}", answer, raw)
            if detail == "concise":
                lines = [line for line in _text(answer).split("\n") if line.startswith("lead://")]
                found.append(Item(f"{len(rows)} concise leads of {account}, text", "\n".join(lines)))
                found.append(Item(f"{len(rows)} concise leads of {account}, structure", ",".join(map(compact, rows))))
    return found


async def _raw(server: LeadServer, account: str, uri: str) -> Mapping[str, Any]:
    if server.runtime is None:
        raise RuntimeError("the server is not running")
    record = await get_record(server.runtime.connection(account), uri.rpartition("/")[2], 30)
    return record.raw


async def _answers(client: Client) -> list[Item]:
    phone = World(LEADS, until=UNTIL).person(int(0.85 * LEADS)).phone
    calls: list[tuple[str, dict[str, Any]]] = [
        ("search_leads", {}),
        ("list_accounts", {}),
        *(("list_accounts", {"account": account}) for account in vendors.NAMES),
        ("summarize_leads", {"group_by": ["source"], "since": "-30d"}),
        ("summarize_leads", {"group_by": ["day"], "measures": ["count", "sum:value"], "since": "-14d"}),
        ("trace_lead", {"phone": phone}),
        ("query_pings", {"direction": "inbound", "group_by": ["result"]}),
        ("query_pings", {"direction": "outbound"}),
    ]
    found: list[Item] = []
    for tool, arguments in calls:
        said = " ".join(f"{key}={value}" for key, value in arguments.items() if key != "phone")
        found += _halves(f"{tool} {said}".strip(), await client.call_tool(tool, arguments))
    return found


def _text(answer: Any) -> str:
    return str(answer.content[0].text)


def _halves(name: str, answer: Any, raw: str = "") -> list[Item]:
    if answer.is_error:
        raise RuntimeError(f"{name}: {_text(answer)}")
    return [
        Item(f"{name}, text", _text(answer), raw),
        Item(f"{name}, structure", compact(answer.structured_content), raw),
    ]


# --- the table ----------------------------------------------------------------------------------------------------


def report(found: Sequence[Item]) -> str:
    """The table as Markdown. Raises AssertionError where the estimate is under the real count by more than a tenth."""
    real = counted([one.text for one in found])
    raw = counted([one.raw for one in found])
    lines = [
        "# Tokens",
        "",
        f"By `{PACKAGE}` (o200k_base), over {LEADS:,} emulated leads a vendor; `python -m benchmarks.tokens` writes this.",
        "*Estimate* is the server's own; *raw* is the vendor's JSON of the same records.",
        "",
        "| what | tokens | estimate | ratio | raw |",
        "|---|---:|---:|---:|---:|",
    ]
    for one, tokens, beside in zip(found, real, raw, strict=True):
        guess = estimate(one.text)
        if guess < UNDER * tokens:
            raise AssertionError(f"{one.name}: {guess} is too few for {tokens} tokens")
        lines.append(
            f"| {one.name} | {tokens:,} | {guess:,} | {guess / tokens:.2f} | {f'{beside:,}' if beside else ''} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Count, write the table; the exit code."""
    try:
        written = report(items())
    except NoTokenizer as missing:
        print(missing, file=sys.stderr)
        return 1
    REPORT.write_text(written, encoding="utf-8")
    print(written)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
