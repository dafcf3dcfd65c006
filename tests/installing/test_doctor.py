"""``lead-mcp doctor``: all well is said, and each thing that may be wrong is provoked and found, with its next step."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import ssl
import threading
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import anyio
import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lead_mcp import __version__
from lead_mcp.cli.diagnosis.accounts import accounts
from lead_mcp.cli.diagnosis.configuration import EXTRAS
from lead_mcp.cli.diagnosis.finding import Finding, Severity
from lead_mcp.cli.diagnosis.network import reach
from lead_mcp.clients.machine import Machine
from lead_mcp.clients.table import CLIENTS
from lead_mcp.journal.entries import NewWrite, State
from lead_mcp.journal.store import Journal
from lead_mcp.runtime import running
from lead_mcp.sandbox.app import Sandbox
from lead_mcp.settings import load
from tests.installing.conftest import Command
from tests.process.processes import ROOT, clean

Row = Mapping[str, str]
OCTANIST = {"OCTANIST_API_KEY": "sandbox-octanist-api-key"}
posix = pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")


def looked(command: Command, code: int, **environment: str) -> list[Row]:
    """What it finds, and that it ends so."""
    ended = command("doctor", "--json", **environment)
    rows: list[Row] = json.loads(ended.stdout)
    assert ended.returncode == code, rows
    assert all(row["next"] for row in rows if row["severity"] in ("error", "warning"))
    assert any(row["severity"] == "error" for row in rows) == (code == 1)
    return rows


def bad(rows: list[Row]) -> list[str]:
    return [f"{row['about']}: {row['what']}" for row in rows if row["severity"] in ("error", "warning")]


def one(rows: list[Row], *parts: str) -> Row:
    """The one bad finding that says all of it."""
    found = [row for row in rows if all(part in " ".join(row.values()) for part in parts)]
    assert len(found) == 1, (parts, bad(rows))
    return found[0]


def octanist(origin: str) -> dict[str, str]:
    return {**OCTANIST, "OCTANIST_BASE_URL": f"{origin}/octanist/api"}


def put(home: Path, name: str, entry: Any, **others: Any) -> Path:
    """An entry in a client's file."""
    client = next(client for client in CLIENTS if client.name == name)
    path = client.file(Machine("linux", home, {}, lambda program: None))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({client.key: {"lead-mcp": entry, **others}}), "utf-8")
    path.chmod(0o600)
    return path


# --- all well -----------------------------------------------------------------------------------------------------


def test_all_is_well(command: Command, box: Sandbox, origin: str, home: Path) -> None:
    (home / ".cursor").mkdir()
    environment = box.environment(origin)
    assert command("install", "cursor", "--sandbox").returncode == 0
    rows = looked(command, 0, **environment)
    assert bad(rows) == []
    assert {row["about"] for row in rows} >= {
        "versions",
        "octanist",
        "leadsquared",
        "clock",
        "Cursor: lead-mcp-sandbox",
    }
    text = command("doctor", **environment).stdout
    assert f"lead-mcp {__version__}" in text
    assert "octanist: Octanist takes the credential (127.0.0.1)" in text
    assert not any(secret in text + json.dumps(rows) for name, secret in environment.items() if "KEY" in name)


def test_with_nothing_set_up_it_says_where_to_begin(command: Command) -> None:
    rows = looked(command, 1)
    assert one(rows, "No account")["next"] == "run `lead-mcp init`"
    assert "install" in one(rows, "none has an entry")["next"]


# --- configuration and state --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"LEAD_MCP_WRITE": "off"}, "LEAD_MCP_WRITE is no setting"),
        ({"OCTANIST_API_KEY": "${OCTANIST_API_KEY}"}, "whoever starts this server has not filled that in"),
        ({"LEADSQUARED_ACCESS_KEY": "half"}, "LEADSQUARED_SECRET_KEY"),
        ({"LEAD_MCP_CONFIG": "/no/such.toml"}, "/no/such.toml"),
        ({"OCTANIST_API_KEY": "k", "SSL_CERT_FILE": "/no/such.pem"}, "SSL_CERT_FILE"),
    ],
)
def test_a_wrong_setting_is_an_error_and_the_rest_is_looked_at_all_the_same(
    environment: dict[str, str], said: str, command: Command
) -> None:
    rows = looked(command, 1, **environment)
    assert one(rows, said)["about"] == "configuration"
    assert rows[-1]["about"] == "clients"


@posix
def test_modes_of_the_file(command: Command, home: Path) -> None:
    file = home / ".config" / "lead-mcp" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[accounts.a]\nvendor = "octanist"\napi_key = "k3y"\nbase_url = "http://127.0.0.1:9"\n', "utf-8")
    file.chmod(0o666)
    rows = looked(command, 1, LEAD_MCP_DEADLINE="0.5")
    assert one(rows, "others can write")["next"] == f"chmod go-w {file}"
    assert one(rows, "Others can read", "api_key")["severity"] == "warning"
    assert "k3y" not in json.dumps(rows)


@posix
def test_a_state_folder_that_is_open_to_all(command: Command, home: Path) -> None:
    (home / "state").mkdir()
    (home / "state").chmod(0o777)
    assert one(looked(command, 1), "everybody can write to it")["about"] == "state"


def test_the_journal(command: Command, home: Path) -> None:
    journal = Journal(None, home / "state").open()
    new = NewWrite(account="octanist", tool="insert_lead", principal="local", key=None, arguments="0" * 64)
    journal.begin(new, State.PENDING, {"name": "Ann"})
    journal.close()
    rows = looked(command, 1)
    assert one(rows, "1 write not settled")["next"] == "run `lead-mcp journal --unresolved`"
    with sqlite3.connect(home / "state" / "journal.sqlite") as db:
        db.execute("update lead_mcp_events set state = 'done'")
    db.close()
    assert one(looked(command, 1), "lead-mcp journal verify")["about"] == "journal"
    (home / "state" / "journal.sqlite").write_bytes(b"not a database" * 100)
    assert one(looked(command, 1), "cannot be written")["about"] == "journal"


def test_the_mirror(command: Command, box: Sandbox, origin: str) -> None:
    environment = octanist(origin)
    assert not [row for row in looked(command, 0, **environment) if "mirror" in row["about"]]
    on = {**environment, "LEAD_MCP_MIRROR": "on"}
    found = [row for row in looked(command, 0, **on) if row["about"] == "mirror: octanist lead"]
    assert [(row["severity"], row["what"]) for row in found] == [("note", "never synced")]
    assert command("mirror", "sync", **on).returncode == 0
    assert bad(looked(command, 0, **on)) == []
    box.fault("octanist", "status", times=-1)
    assert command("mirror", "sync", **on, LEAD_MCP_DEADLINE="1").returncode == 1
    box.mend()
    assert one(looked(command, 0, **on), "the last sync failed")["next"] == "run `lead-mcp mirror sync`"
    assert "of it are there still" in json.dumps(looked(command, 0, **environment))


# --- vendors, and the way to them ---------------------------------------------------------------------------------


def test_a_refused_credential_has_the_vendors_words(command: Command, origin: str) -> None:
    rows = looked(command, 1, **{**octanist(origin), "OCTANIST_API_KEY": "a-wrong-key"})
    found = one(rows, "octanist", "unauthorized")
    assert "“" in found["what"], "quoted"
    assert "a-wrong-key" not in json.dumps(rows)
    assert found["next"]


@pytest.mark.parametrize(
    ("url", "environment", "parts"),
    [
        ("http://127.0.0.1:9/api", {}, ["nothing answers at 127.0.0.1:9"]),
        ("https://nobody.invalid/api", {}, ["DNS has no address for nobody.invalid"]),
        (
            "https://api.example.com",
            {"HTTPS_PROXY": "http://sam:s3cret@127.0.0.1:9"},
            ["the proxy 127.0.0.1:9 is not reached", "NO_PROXY"],
        ),
    ],
)
def test_what_stands_in_the_way(url: str, environment: dict[str, str], parts: list[str], command: Command) -> None:
    rows = looked(command, 1, **OCTANIST, OCTANIST_BASE_URL=url, LEAD_MCP_DEADLINE="0.5", **environment)
    assert one(rows, "octanist", *parts)["severity"] == "error"
    assert "s3cret" not in json.dumps(rows)


def test_a_host_that_speaks_no_tls(origin: str) -> None:
    found = reach("a", origin.replace("http:", "https:"))
    assert (found.severity, "does not speak TLS" in found.what) == (Severity.ERROR, True)


def test_a_host_that_is_well_leaves_the_vendor(origin: str) -> None:
    assert "the vendor's own" in reach("a", origin).what


@contextmanager
def self_signed(folder: Path) -> Iterator[str]:
    """A server whose certificate nobody has signed; its URL."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
    )
    now = datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
    certificate = (
        built.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1)).sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    (folder / "c.pem").write_bytes(
        key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(form)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "c.pem")

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, pytest.raises(OSError, match=r"."):
            context.wrap_socket(connection, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)


def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    with self_signed(tmp_path) as url:
        found = reach("a", url)
    assert "is not trusted" in found.what
    assert "SSL_CERT_FILE" in found.next


def examined(
    environment: Mapping[str, str],
    answer: httpx2.MockTransport,
    now: datetime = datetime.now(UTC),  # noqa: B008 - a default
) -> list[Finding]:
    """What is found of accounts whose vendors answer so."""

    async def look() -> list[Finding]:
        async with running(load(), answer) as runtime:
            return await accounts(runtime, lambda: now)

    with mock.patch.dict(os.environ, clean(environment), clear=True):
        return anyio.run(look)


@pytest.mark.parametrize(
    ("seconds", "severity", "words"),
    [
        (5, Severity.OK, "within"),
        (-90, Severity.WARNING, "behind"),
        (3600, Severity.ERROR, "3,600 s ahead of octanist"),
    ],
)
def test_the_clock_beside_the_vendors(seconds: int, severity: Severity, words: str) -> None:
    at = datetime(2026, 11, 27, 12, tzinfo=UTC)
    answer = httpx2.MockTransport(
        lambda request: httpx2.Response(401, headers={"Date": f"{at:%a, %d %b %Y %H:%M:%S} GMT"})
    )
    found = examined(OCTANIST, answer, at + timedelta(seconds=seconds))[-1]
    assert (found.about, found.severity) == ("clock", severity)
    assert words in found.what


def test_the_region_that_takes_the_credential_is_found() -> None:
    asked = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.host)
        right = request.url.host == "api-in21.leadsquared.com"
        return httpx2.Response(200, json={"ID": "1"}) if right else httpx2.Response(401, json={"Status": "Error"})

    keys = {"LEADSQUARED_ACCESS_KEY": "a" * 20, "LEADSQUARED_SECRET_KEY": "b" * 20}
    found = examined(keys, httpx2.MockTransport(answer))
    assert [one.next for one in found][1] == 'set base_url = "https://api-in21.leadsquared.com/v2"'
    asked.clear()
    examined({**keys, "LEADSQUARED_BASE_URL": "https://proxy.example.com/v2"}, httpx2.MockTransport(answer))
    assert set(asked) == {"proxy.example.com"}, "a credential goes to no host that was not configured or the vendor's"


# --- chat clients -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "entry", "parts"),
    [
        ("cursor", {"command": "/gone/bin/lead-mcp", "args": ["serve"]}, ["not there any more", "install cursor"]),
        ("cursor", {"command": "no-such-lead-mcp"}, ["no program 'no-such-lead-mcp'"]),
        ("zed", {"command": "lead-mcp"}, ["no absolute path"]),
        ("zed", {"command": "lead-mcp", "env": {"A": "${OCTANIST_API_KEY}"}}, ["A is a placeholder"]),
        ("cursor", {"command": "lead-mcp", "args": ["serve", "--config", "/gone.toml"]}, ["--config names /gone.toml"]),
        ("cursor", {"command": "lead-mcp", "env": {"OCTANIST_API_KEY": "your api key"}}, ["_KEY is a placeholder"]),
        ("cursor", {"command": "lead-mcp", "env": {"LEAD_MCP_CONFIG": "/gone/c.toml"}}, ["LEAD_MCP_CONFIG names /gone"]),
    ],
)  # fmt: skip
def test_an_entry_that_does_not_work(
    client: str, entry: Any, parts: list[str], command: Command, home: Path, own: dict[str, str]
) -> None:
    (home / "bin" / "lead-mcp").write_text("#!/bin/sh\n", "utf-8")
    (home / "bin" / "lead-mcp").chmod(0o755)
    put(home, client, entry)
    ended = command("doctor", "--json")
    assert one(json.loads(ended.stdout), *parts)["severity"] in ("error", "warning")


def test_placeholders_that_a_client_fills_in_are_none(command: Command, home: Path) -> None:
    put(home, "vscode", {"command": "/gone/lead-mcp", "env": {"OCTANIST_API_KEY": "${input:key}"}})
    assert not [row for row in looked(command, 1) if "is a placeholder" in row["what"]]


@posix
def test_two_versions_and_two_entries(command: Command, home: Path) -> None:
    for name, version in (("old", "0.0.9"), ("same", __version__)):
        program = home / name / "lead-mcp"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\necho {version}\n", "utf-8")
        program.chmod(0o755)
    put(
        home,
        "cursor",
        {"command": str(home / "old" / "lead-mcp"), "args": ["serve"]},
        leads={"command": str(home / "same" / "lead-mcp"), "args": ["serve"]},
        other={"command": "npx", "args": ["-y", "something"]},
    )
    rows = looked(command, 1)
    assert "starts version 0.0.9" in one(rows, "Cursor: lead-mcp")["what"]
    assert one(rows, "Cursor: leads")["severity"] == "ok"
    assert "lead-mcp, leads" in one(rows, "starts lead-mcp 2 times")["what"]


@posix
def test_credentials_in_a_clients_file(command: Command, home: Path) -> None:
    path = put(home, "zed", {"command": "/gone/lead-mcp", "env": {"OCTANIST_API_KEY": "s3cret"}})
    path.chmod(0o644)
    rows = looked(command, 1)
    assert one(rows, "others can read", "OCTANIST_API_KEY")["severity"] == "warning"
    assert "s3cret" not in json.dumps(rows)


def test_variables_that_a_client_with_a_window_does_not_have(command: Command, home: Path) -> None:
    file = home / "c.toml"
    file.write_text('[accounts.a]\nvendor = "octanist"\napi_key = "env:MY_KEY"\n', "utf-8")
    put(home, "claude-desktop", {"command": "/gone/lead-mcp", "env": {"LEAD_MCP_CONFIG": str(file)}})
    assert "keyring" in one(looked(command, 1), "takes MY_KEY from the environment")["next"]


def test_a_clients_file_that_is_broken(command: Command, home: Path) -> None:
    put(home, "cursor", {}).write_text("{", "utf-8")
    assert "not JSON" in one(looked(command, 1), "Cursor")["what"]


def test_every_extra_is_looked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(EXTRAS) == set(project["optional-dependencies"]) - {"dev", "docs"}
