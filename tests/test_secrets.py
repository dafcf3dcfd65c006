"""No secret leaves: not in a result, an error, a resource, a log line, a state file or a ``repr``, whatever a vendor does.

The emulators sit behind a disguise, so that every account can have a secret nobody else has, full of characters that are
spelled differently in JSON, HTML and URLs. Round a distinctive middle that no spelling changes; that is what is looked for.
"""

from __future__ import annotations

import base64
import html
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, get_args
from unittest import mock
from urllib.parse import quote, quote_plus

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import ResourceTemplateReference
from starlette.types import Message, Receive, Scope, Send

from lead_mcp import settings
from lead_mcp.runtime import running
from lead_mcp.sandbox.app import Sandbox, sandbox
from lead_mcp.sandbox.kit import Kind
from lead_mcp.sandbox.world import World
from lead_mcp.serving.listening import listening
from tests.facts import TRIED, emulators, offering, registered, unhurried, vendor_of
from tests.process.examples import EVERY, filled
from tests.process.processes import PATIENCE, clean, here

ORIGIN = "http://127.0.0.1:1"
KINDS: Sequence[str] = get_args(Kind)
SECRET_NAMES = [
    f"{name.upper()}_{setting.key.upper()}" for name in TRIED for setting in vendor_of(name).settings if setting.secret
]
CORES = {name: f"Zq{number}hushK{name.replace('_', '').lower()}W{number}" for number, name in enumerate(SECRET_NAMES)}
SECRETS = {name: f"a/\"{core}'&<+%\\=/z" for name, core in CORES.items()}
ECHOES: Mapping[str, Callable[[str], str]] = {
    "plain": lambda secret: secret,
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON as PHP writes it": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "HTML": html.escape,
    "URL": lambda secret: quote(secret, safe=""),
    "form": quote_plus,
    "JSON, every character": lambda secret: "".join(f"\\u{ord(c):04x}" for c in secret),
    "HTML, decimal": lambda secret: "".join(f"&#{ord(c)};" for c in secret),
    "URL twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "base64": lambda secret: base64.b64encode(f"id:{secret}".encode()).decode(),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "hex": lambda secret: secret.encode().hex(),
}
IN_JSON: Sequence[str] = [name for name in ECHOES if name not in ("plain", "HTML")]
"""Spellings that can stand inside a text of JSON as they are."""
SENT: Sequence[Callable[[str], str]] = [ECHOES[name] for name in ("plain", "JSON", "URL", "form")]
"""As our requests spell them."""
SAYINGS = ("message", "Message", "text", "error", "error_description", "ExceptionMessage", "Status", "description")
"""Where vendors put their own words in a refusal."""
UNHURRIED = {**unhurried(), "LEAD_MCP_TIMEZONE": "UTC"}
LOGGING_IN = offering(lambda vendor: vendor.login)
"""Vendors that trade keys for a token."""


SOON = 0.8
"""Seconds a call may take where vendors fail: there it matters only what is said."""


# --- emulators in disguise ----------------------------------------------------------------------------------------


@dataclass
class Disguise:
    """The emulators, for whom our secrets are replaced by their own. ``echo``: what stands in records for example.com."""

    box: Sandbox
    real: Mapping[str, str]
    echo: str = ""
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        self.pairs = [
            (spell(SECRETS[name]).encode(), spell(self.real[name]).encode())
            for name in SECRETS
            if name in self.real
            for spell in SENT
        ]

    def undone(self, text: bytes) -> bytes:
        for ours, theirs in self.pairs:
            text = text.replace(ours, theirs)
        return text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = self.undone(await whole(receive))
        kept = [(key, self.undone(value)) for key, value in scope["headers"] if key != b"content-length"]
        headers = [*kept, (b"content-length", str(len(body)).encode())]
        query = self.undone(scope["query_string"])
        again = Again(body, receive)
        if not self.echo:
            await self.box.app({**scope, "headers": headers, "query_string": query}, again.receive, send)
            return
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await self.box.app({**scope, "headers": headers, "query_string": query}, again.receive, hold)
        said = b"".join(message.get("body", b"") for message in held[1:]).replace(b"example.com", self.echo.encode())
        said = said.decode().encode(self.encoding)
        fitting = [(key, value) for key, value in held[0]["headers"] if key != b"content-length"]
        length = (b"content-length", str(len(said)).encode())
        await send({**held[0], "headers": [*fitting, length]})
        await send({"type": "http.response.body", "body": said})


class Again:
    """A body that was read once, to be read once more; where the connection's transport was, for faults that cut it."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self.body, self.before = body, receive
        self.transport = getattr(getattr(receive, "__self__", None), "transport", None)
        self.given = False

    async def receive(self) -> Message:
        if self.given:
            return await self.before()
        self.given = True
        return {"type": "http.request", "body": self.body, "more_body": False}


async def whole(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


# --- a server with secrets ----------------------------------------------------------------------------------------


@dataclass
class Server:
    """A real server process over the disguised emulators, and everything it has said so far."""

    disguise: Disguise
    environment: dict[str, str]
    client: Client
    portal: BlockingPortal
    errors: Path
    state: Path
    heard: list[str] = field(default_factory=list)
    read: int = 0
    facts: dict[str, dict[str, str]] = field(default_factory=dict)

    def ask_everything(self) -> int:
        """Every tool, every kind of resource and a completion at every account, all at once; how many went wrong."""
        return self.portal.call(self._ask_everything)

    async def _ask_everything(self) -> int:
        """What takes longer than a deadline ought to let it is given up: here it matters only what is said."""
        before = len(self.heard)
        failed = 0

        async def attempt(act: Callable[[], Any]) -> None:
            nonlocal failed
            try:
                with anyio.move_on_after(PATIENCE) as waiting:
                    found = await act()
                if waiting.cancelled_caught:
                    failed += 1
                    return
                self.heard.append(found.model_dump_json(by_alias=True))
                failed += bool(getattr(found, "is_error", False))
            except MCPError as error:
                failed += 1
                self.heard.append(repr(error) + str(error) + repr(error.error))

        with anyio.fail_after(2 * PATIENCE):
            async with anyio.create_task_group() as group:
                for act in self._questions():
                    group.start_soon(attempt, act)
        assert len(self.heard) > before
        return failed

    def _questions(self) -> Iterator[Callable[[], Any]]:
        lead = ResourceTemplateReference(uri="lead://{account}/{id}")
        for account, facts in self.facts.items():
            for tool, arguments in calls_at(account, facts):
                yield partial(self.client.call_tool, tool, arguments)
            for uri in (*(facts[key] for key in URIS if key in facts), f"account://{account}"):
                yield partial(self.client.read_resource, uri)
            argument, known = {"name": "id", "value": ""}, {"account": account}
            yield partial(self.client.complete, ref=lead, argument=argument, context_arguments=known)
        for tool in WRITES:
            for example in EVERY[tool]:
                once = {**filled(example, self.facts["octanist"])}
                yield partial(self.client.call_tool, tool, once)
                yield partial(self.client.call_tool, tool, {**once, "dry_run": False})

    def fault(self, kind: str, **options: Any) -> None:
        for vendor in self.disguise.box.stages:
            self.disguise.box.fault(vendor, kind, times=-1, **options)

    def forget(self) -> None:
        self.disguise.echo, self.disguise.encoding = "", "utf-8"
        self.disguise.box.mend()

    def everything_said(self) -> str:
        """Results and log since the last time, and the state files as they are."""
        kept = [file.read_bytes().decode("latin-1") for file in self.state.rglob("*") if file.is_file()]
        log = self.errors.read_text(encoding="utf-8")
        said = [*self.heard, log[self.read :], *kept]
        self.heard, self.read = [], len(log)
        return "\n".join(said)

    def configured(self, vendor: str) -> list[str]:
        """What a vendor was told: its account's secrets."""
        return [SECRETS[name] for name in SECRETS if name in self.disguise.real and belongs(name, vendor)]

    def own(self, vendor: str) -> list[str]:
        """And the tokens that it gave out."""
        return [*self.configured(vendor), *(sorted(self.tokens()) if vendor in LOGGING_IN else [])]

    def tokens(self) -> set[str]:
        """The tokens that vendors gave out: secrets that no setting holds."""
        seen = [one for vendor in LOGGING_IN for one in self.disguise.box.stages[vendor].heard]
        found = {one.headers.get("authorization", "").removeprefix("Bearer ") for one in seen}
        return {token for token in found if len(token) >= 8}


def belongs(name: str, vendor: str) -> bool:
    return name.startswith(f"{vendor.upper()}_")


WRITES = ("insert_lead", "insert_leads", "update_lead", "update_leads", "delete_lead")
URIS = ("LEAD", "PING", "RECORDING")


def calls_at(account: str, facts: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "list_accounts", {"account": account}
    yield "search_leads", {"account": account, "limit": 2}
    yield "search_leads", {"account": account, "ids": [facts["LEAD_ID"]]}
    yield "get_lead", {"uri": facts["LEAD"]}
    yield "get_recordings", {"uri": facts["LEAD"]}
    yield "query_pings", {"account": account, "direction": "inbound", "since": "-7d", "limit": 2}
    yield "summarize_leads", {"account": account, "group_by": ["status"]}
    yield "trace_lead", {"uri": facts["LEAD"]}


@contextmanager
def started(tmp: Path, deadline: float) -> Iterator[Server]:
    box = sandbox(emulators(), World(40), rated=False)
    state = tmp / "state"
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        disguise = Disguise(box, box.environment(ORIGIN))
        origin = stack.enter_context(portal.wrap_async_context_manager(listening(disguise)))
        environment = {
            **box.environment(origin),
            **{name: secret for name, secret in SECRETS.items() if name in disguise.real},
            **UNHURRIED,
            "LEAD_MCP_LOG_LEVEL": "debug",
            "LEAD_MCP_DEADLINE": f"{deadline:g}",
            "LEAD_MCP_REPLY_LIMIT": "100000",
            "LEAD_MCP_WRITES": "allow",
            "LEAD_MCP_DELETES": "allow",
            "LEAD_MCP_STATE_DIR": str(state),
        }
        errors = tmp / "server.err"
        log = stack.enter_context(errors.open("w", encoding="utf-8"))
        parameters = StdioServerParameters(
            command=sys.executable, args=["-m", "tests.served", "serve"], env=clean(environment)
        )
        target: Any = Client(stdio_client(parameters, errlog=log))
        client = stack.enter_context(portal.wrap_async_context_manager(target))
        found = Server(disguise, environment, client, portal, errors, state)
        yield found
        found.forget()


async def learned(client: Client) -> dict[str, dict[str, str]]:
    """A lead of every account, a ping and a recording where there are some: asked while nothing is wrong yet."""
    facts: dict[str, dict[str, str]] = {}
    for account in TRIED:
        found = await rows(client, "search_leads", "leads", account=account, limit=30, since="-80d")
        facts[account] = {"LEAD": found[0][0], "LEAD_ID": found[0][0].rsplit("/", 1)[1], "CALLED": found[0][0]}
        for row in found if vendor_of(account).recordings else []:
            if calls := await rows(client, "get_recordings", "recordings", uri=row[0]):
                facts[account]["RECORDING"] = calls[0][0]
                break
        if "inbound" in vendor_of(account).pings:
            asked = {"account": account, "direction": "inbound", "since": "-30d"}
            facts[account]["PING"] = (await rows(client, "query_pings", "pings", **asked))[0][0]
    assert {key for known in facts.values() for key in known} >= {"PING", "RECORDING"}
    return facts


async def rows(client: Client, tool: str, table: str, **arguments: Any) -> list[list[Any]]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    assert result.structured_content is not None
    found: list[list[Any]] = result.structured_content[table]["rows"]
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with time enough."""
    with started(tmp_path_factory.mktemp("secrets"), PATIENCE) as found:
        found.facts = found.portal.call(learned, found.client)
        yield found


@pytest.fixture(scope="module")
def hurried(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Another over the same leads, which soon gives a failing vendor up."""
    with started(tmp_path_factory.mktemp("hurried"), SOON) as found:
        found.facts = server.facts
        until = time.monotonic() + PATIENCE
        while not found.tokens():  # what LeadExec's token looks like is known only once one was used
            assert time.monotonic() < until
            found.portal.call(found.client.call_tool, "search_leads", {"account": "leadexec", "limit": 1})
        yield found


@pytest.fixture(autouse=True)
def nothing_said(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test: nothing the servers ever said holds a secret."""
    yield
    for name in {"server", "hurried"} & {*request.fixturenames}:
        server: Server = request.getfixturevalue(name)
        server.forget()
        assert_none(server.everything_said(), server.tokens())


def assert_none(text: str, tokens: set[str]) -> None:
    assert tokens, "a vendor must have given out a token"
    found = [name for name, core in CORES.items() if core in text]
    spelled = {spell(secret): name for name, secret in SECRETS.items() for spell in ECHOES.values()}
    found += [name for form, name in spelled.items() if form in text]
    found += ["a vendor's token" for token in tokens if token in text]
    near = [text[max(0, text.find(core) - 200) :][:400] for core in (*CORES.values(), *tokens) if core in text][:2]
    assert not found, f"said aloud: {', '.join(found)}: {near}"


# --- the tests ----------------------------------------------------------------------------------------------------


def test_the_secrets_work_and_would_be_seen(server: Server) -> None:
    """With nothing wrong and time enough, hardly anything fails; and the check below does find what it looks for."""
    assert server.ask_everything() < 30
    said = server.everything_said()
    assert_none(said, server.tokens())
    assert all(account in said for account in TRIED)
    for spell in ECHOES.values():
        with pytest.raises(AssertionError, match="OCTANIST_API_KEY"):
            assert_none(f"x{spell(SECRETS['OCTANIST_API_KEY'])}x", server.tokens())


QUICK = ("status", "hang", "cut_after", "truncate", "huge")
"""One fault of each way to fail; the others are tried by ``make check``."""


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
)
def test_no_fault_brings_a_secret_out(hurried: Server, kind: str) -> None:
    hurried.fault(kind, seconds=0.1, bytes=200_000)
    hurried.ask_everything()


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("status", 200),
        ("status", 400),
        ("reject", 400),
        ("status", 401),
        ("status", 404),
        ("status", 409),
        ("status", 429),
        ("reject", 500),
    ],
)
def test_a_refusal_that_quotes_the_secret(hurried: Server, kind: str, status: int) -> None:
    for vendor in hurried.disguise.box.stages:
        known = hurried.configured(vendor) if status == 401 else hurried.own(vendor)  # a 401 makes old tokens unknown
        hurried.disguise.box.fault(vendor, kind, times=-1, status=status, body=refusal(known))
    assert hurried.ask_everything() > 10


def refusal(secrets: Sequence[str]) -> dict[str, Any]:
    """The secrets wherever a vendor might put its words."""
    said = " ".join(["wrong key", *secrets])
    return {**dict.fromkeys(SAYINGS, said), "success": False, "code": 4002, "errors": [{"message": said}]}


@pytest.mark.parametrize("spelling", ECHOES)
def test_an_error_page_that_quotes_the_secret(hurried: Server, spelling: str) -> None:
    for vendor in hurried.disguise.box.stages:
        own = " ".join(map(ECHOES[spelling], hurried.own(vendor)))
        hurried.disguise.box.fault(vendor, "status", times=-1, status=400, body=f"The request was: key={own}")
    assert hurried.ask_everything() > 10


def test_a_redirect_to_an_address_with_the_secret(hurried: Server) -> None:
    every = "&".join(quote(secret, safe="") for secret in SECRETS.values())
    hurried.fault("redirect", location=f"http://127.0.0.1:9/?key={every}")
    assert hurried.ask_everything() > 10


@pytest.mark.parametrize("spelling", IN_JSON)
@pytest.mark.parametrize("vendor", TRIED)
def test_a_record_that_holds_the_secret(server: Server, vendor: str, spelling: str) -> None:
    """In good replies too: whoever knows our key may have put it into a lead."""
    server.disguise.echo = " ".join(map(ECHOES[spelling], server.own(vendor)))
    said = server.portal.call(server.client.call_tool, "search_leads", {"account": vendor, "limit": 5, "since": "-80d"})
    server.heard.append(said.model_dump_json())
    assert not said.is_error
    assert "[secret]" in server.heard[-1]
    server.heard.append(server.portal.call(server.client.read_resource, server.facts[vendor]["LEAD"]).model_dump_json())
    assert "[secret]" in server.heard[-1]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_a_reply_in_another_encoding(server: Server, encoding: str) -> None:
    vendor = "octanist"
    server.disguise.echo, server.disguise.encoding = " ".join(map(ECHOES["JSON"], server.own(vendor))), encoding
    said = server.portal.call(server.client.call_tool, "search_leads", {"account": vendor, "limit": 5, "since": "-80d"})
    server.heard.append(said.model_dump_json())
    assert not said.is_error
    assert "[secret]" in server.heard[-1]


def test_the_command_line_says_no_secret_either(hurried: Server) -> None:
    for vendor in hurried.disguise.box.stages:
        hurried.disguise.box.fault(vendor, "status", times=-1, status=400, body=refusal(hurried.configured(vendor)))
    for words in (["check"], ["check", "--json"], ["call", "search_leads"], ["call", "search_leads", "--raw"]):
        with registered():
            ended = here(*words, environment=hurried.environment)
        assert ended.returncode == 1
        hurried.heard.append(ended.stdout + ended.stderr)


def test_a_wrong_setting_is_named_without_its_value() -> None:
    for name, secret in SECRETS.items():
        with registered():
            ended = here("tools", environment={name: secret, f"{name.split('_')[0]}_BASE_URL": "http://example.com"})
        assert CORES[name] not in ended.stdout + ended.stderr
    token = {"LEAD_MCP_HTTP_TOKEN": SECRETS["OCTANIST_API_KEY"], "LEAD_MCP_DEADLINE": "never"}
    ended = here("tools", environment=token)
    assert ended.returncode == 2
    assert CORES["OCTANIST_API_KEY"] not in ended.stdout + ended.stderr


@pytest.mark.anyio
async def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    box = sandbox(emulators(), World(1))
    own = {**box.environment(ORIGIN), **SECRETS, "LEAD_MCP_HTTP_TOKEN": SECRETS["OCTANIST_API_KEY"]}
    own |= {"LEAD_MCP_STATE_DIR": str(tmp_path)}
    with mock.patch.dict(os.environ, clean(own), clear=True), registered():
        found = settings.load()
    async with running(found) as runtime:
        things: list[Any] = [
            found,
            found.server,
            runtime,
            runtime.connections,
            runtime.seal,
            runtime.common,
            runtime.common.network,
        ]
        for connection in runtime.connections.values():
            things += [connection, connection.account, connection.outbound, connection.outbound.token]
        for configured in found.accounts.values():
            things += [configured, configured.secrets]
        text = " ".join(f"{thing!r} {thing}" for thing in things)
    assert all(account in text for account in TRIED)
    assert not [name for name, core in CORES.items() if core in text]
