"""Links to exports, over a real HTTP server: whoever has one gets that one file, for a while; all else is the same 404."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ResourceLink

from lead_mcp.exports.downloads import BLOCK
from lead_mcp.exports.links import Links
from lead_mcp.exports.ranges import wanted
from lead_mcp.identity.tokens import Tokens
from lead_mcp.serving.downloads import links_of
from lead_mcp.settings import Settings, SignIn
from lead_mcp.settings.server import server_settings
from tests.identity.team import Team, team

OLD, NEW = "an old key of thirty-two characters", "a new key of thirty-two characters"
SCOPES = ("leads:read", "pii:read")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("links")


@pytest.fixture(scope="module")
def served(place: Path) -> Iterator[Team]:
    (place / "files").mkdir()
    with team(place, environment(place, NEW, OLD)) as found:
        yield found


@pytest.fixture(scope="module")
def anna(served: Team) -> str:
    return served.token("anna", *SCOPES)


@pytest.fixture(scope="module")
def url(served: Team, anna: str) -> str:
    return exported(served, anna)


def environment(place: Path, *keys: str) -> dict[str, str]:
    return {"LEAD_MCP_EXPORT_DIR": str(place / "files"), "LEAD_MCP_STATE_KEYS": ",".join(keys)}


def exported(served: Team, token: str, **asked: str) -> str:
    """The address that an export is answered with."""
    answer = served.call(token, "export_leads", **{"account": "octanist", "since": "2026-10-01", **asked})
    assert not answer.is_error, answer
    (link,) = [block for block in answer.content if isinstance(block, ResourceLink)]
    found = answer.structured_content or {}
    assert str(link.uri) == found["url"]
    assert found["uri"] == f"export://{found['file']}", "as a resource it has its old name"
    assert "path" not in found
    assert found["url"] in answer.content[0].text  # type: ignore[union-attr]
    return str(link.uri)


@cache
def http() -> httpx2.Client:
    return httpx2.Client(timeout=60, trust_env=False)


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    http().close()
    http.cache_clear()


def get(url: str, method: str = "GET", **headers: str) -> httpx2.Response:
    return http().request(method, url, headers=headers)


def with_query(url: str, **changed: str | None) -> str:
    """The address with parameters changed; None takes one away."""
    parts = urlsplit(url)
    given: Mapping[str, Any] = {**{key: one[0] for key, one in parse_qs(parts.query).items()}, **changed}
    return parts._replace(query=urlencode({key: one for key, one in given.items() if one is not None})).geturl()


def signed(served: Team, name: str, owner: str, now: datetime) -> str:
    """An address by this server's own keys."""
    links = served.server.links
    assert links is not None
    link = links.link(name, owner, now, served.url.removesuffix("/mcp"))
    assert link is not None
    return link.url


def name_of(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


# --- what holds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "kind"), [("csv", "text/csv"), ("jsonl", "application/jsonl")])
def test_whoever_has_the_link_downloads_the_file(served: Team, anna: str, place: Path, form: str, kind: str) -> None:
    url = exported(served, anna, format=form)
    found = get(url)
    assert found.content == (place / "files" / name_of(url)).read_bytes()
    assert (found.status_code, found.headers["Content-Type"]) == (200, kind)
    assert found.headers["Content-Disposition"] == f'attachment; filename="{name_of(url)}"'
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in found.headers["Cache-Control"]
    assert found.headers["Referrer-Policy"] == "no-referrer", "the address is the credential"
    head = get(url, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(found.content))


def test_it_ends_after_a_quarter_of_an_hour_unless_the_operator_says_otherwise(url: str) -> None:
    left = int(parse_qs(urlsplit(url).query)["expires"][0]) - datetime.now(UTC).timestamp()
    assert 800 < left <= 900
    settings = Settings(server_settings({"export_dir": "x", "export_link_seconds": 60}), {})
    links = links_of(settings, [b"k" * 32])
    assert links is not None
    assert links.seconds == 60


def test_a_download_that_was_cut_off_goes_on(url: str) -> None:
    whole = get(url)
    rest = get(url, **{"Range": "bytes=100-", "If-Range": whole.headers["ETag"]})
    assert (rest.status_code, rest.content) == (206, whole.content[100:])
    assert rest.headers["Content-Range"] == f"bytes 100-{len(whole.content) - 1}/{len(whole.content)}"
    assert get(url, **{"Range": "bytes=100-", "If-Range": '"another file"'}).content == whole.content
    assert get(url, Range="bytes=900000000-").status_code == 416


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=5-", range(5, 10)),
        ("bytes=5-99", range(5, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-99", range(10)),
        ("bytes=10-", range(10, 10)),
        ("bytes=99-", range(10, 10)),
        ("bytes=99-100", range(10, 10)),
        ("bytes=-0", range(10, 10)),
        *((text, None) for text in ("bytes=5-2", "bytes=-", "bytes=0-1,3-4", "lines=0-1", "bytes= 1-2", "bytes=٣-")),
    ],
)
def test_one_range_of_bytes_is_understood(header: str, found: range | None) -> None:
    assert wanted(header, 10) == found


def test_it_is_made_for_where_this_server_is_known_to_be(served: Team) -> None:
    sign_in = SignIn(["https://id.example.com"], "https://leads.example.com/mcp", ["RS256"])
    links = links_of(Settings(server_settings({"export_dir": "x"}), {}, sign_in=sign_in), [b"k" * 32])
    assert links is not None
    now = datetime.now(UTC)
    link = links.link("leads.csv", "me", now, "http://10.0.0.7:8000")
    assert link is not None
    assert link.url.startswith("https://leads.example.com/exports/leads.csv?")
    assert Links([b"k"], 60).link("leads.csv", "me", now, "http://a b\n") is None, "no address, no link"
    assert signed(served, "leads.csv", "me", now).startswith(served.url.removesuffix("/mcp"))


def test_a_proxy_that_speaks_tls_is_where_the_link_leads(served: Team, anna: str) -> None:
    """By the header of a proxy on this machine; the host is the one that the request names."""
    headers = {"Authorization": f"Bearer {anna}", "X-Forwarded-Proto": "https"}
    client = httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60)

    async def asked() -> str:
        async with client, Client(streamable_http_client(served.url, http_client=client)) as mcp:
            answer = await mcp.call_tool("export_leads", {"account": "octanist", "limit": 1})
            return str((answer.structured_content or {})["url"])

    assert served.do(asked).startswith(f"https://{urlsplit(served.url).netloc}/exports/leads-")


def test_a_file_is_sent_in_blocks_and_let_go_where_nobody_reads_on(served: Team, url: str, place: Path) -> None:
    """256 MB of holes: a client that leaves after the first bytes has not made the server read them all."""
    name, large = name_of(url), "leads-20261121T120100-00000000000000aa.csv"
    folder = place / "files"
    manifest = json.loads((folder / f"{name}.manifest.json").read_text())
    (folder / f"{large}.manifest.json").write_text(json.dumps({**manifest, "file": large}))
    (folder / large).touch()
    os.truncate(folder / large, 1024 * BLOCK)
    with http().stream("GET", signed(served, large, "token:anna", datetime.now(UTC))) as answer:
        assert answer.headers["Content-Length"] == str(1024 * BLOCK)
        read = answer.iter_raw()  # without a name it would be closed at once, and the connection with it
        assert next(read)
        assert is_open(folder / large)
    ends = time.monotonic() + 20
    while is_open(folder / large):
        assert time.monotonic() < ends
        time.sleep(0.02)
    (folder / large).unlink()


def is_open(path: Path) -> bool:
    """Whether this process, which is the server's too, has the file open."""
    own = Path("/proc/self/fd")
    if not own.exists():
        pytest.skip("no /proc here")
    return any(os.path.realpath(one) == os.path.realpath(path) for one in own.iterdir())


# --- what does not ------------------------------------------------------------------------------------------------


def refused(found: httpx2.Response) -> bool:
    """Whether it is the one answer that everything gets that is not valid."""
    return (found.status_code, found.text) == (404, get_nothing(found))


def get_nothing(found: httpx2.Response) -> str:
    base = f"{found.url.scheme}://{found.url.host}:{found.url.port}"
    return get(f"{base}/exports/leads-20261121T120100-ffffffffffffffff.csv?expires=1&signature=x").text


@pytest.mark.parametrize(
    "changed",
    [
        {"signature": None},
        {"signature": ""},
        {"signature": "A" * 43},
        {"signature": "é"},
        {"expires": None},
        {"expires": "99999999999"},
        {"expires": "9" * 30},
        {"expires": "0"},
        {"expires": "1e12"},
        {"expires": "-1"},
    ],
)
def test_a_link_that_was_changed_leads_nowhere(url: str, changed: dict[str, str | None]) -> None:
    assert get(url).status_code == 200
    assert refused(get(with_query(url, **changed)))


def test_a_link_leads_nowhere_once_it_has_ended(served: Team, url: str) -> None:
    now = datetime.now(UTC)
    assert refused(get(signed(served, name_of(url), "token:anna", now - timedelta(seconds=900))))
    assert get(signed(served, name_of(url), "token:anna", now - timedelta(seconds=890))).status_code == 200


def test_it_is_for_one_file_of_one_maker(served: Team, anna: str, url: str, place: Path) -> None:
    other = exported(served, anna)
    assert refused(get(url.replace(name_of(url), name_of(other))))
    assert refused(get(signed(served, name_of(url), "token:bert", datetime.now(UTC))))
    manifest = place / "files" / f"{name_of(other)}.manifest.json"
    found = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**found, "owner": "token:bert"}))
    assert refused(get(other)), "the name in the manifest is what was signed"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/..",
        "/%2e%2e/tokens.json",
        "/..%2ftokens.json",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/NAME.manifest.json",
        "/./NAME",
        "/NAME/",
        "/NAME%00",
        "/NAME%0a",
        "/../files/NAME",
    ],
)
def test_no_path_leads_out_of_the_folder_or_lists_it(served: Team, url: str, path: str) -> None:
    """Sent as they are: a client would tidy them."""
    parts = urlsplit(url)
    request = http().build_request("GET", url)
    target = f"/exports{path.replace('NAME', name_of(url))}?{parts.query}".encode()
    request.extensions = {**request.extensions, "target": target}
    found = http().send(request)
    assert found.status_code == 404
    assert "Not found" in found.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
def test_it_is_only_read(url: str, method: str) -> None:
    assert refused(get(url, method))


def test_another_hosts_name_is_not_answered_on_loopback(url: str) -> None:
    assert get(url, Host="evil.example.com").status_code == 421


def test_a_link_in_the_folder_is_not_followed(served: Team, anna: str, place: Path) -> None:
    url = exported(served, anna)
    file = place / "files" / name_of(url)
    file.unlink()
    file.symlink_to(place / "tokens.json")
    assert refused(get(url))


@pytest.mark.parametrize("kept", ["[]", "{", '{"owner": "token:anna"}', '{"owner": "token:anna", "pii": "masked"}'])
def test_a_manifest_that_is_none_of_ours_names_no_file(served: Team, anna: str, place: Path, kept: str) -> None:
    url = exported(served, anna)
    (place / "files" / f"{name_of(url)}.manifest.json").write_text(kept)
    assert refused(get(url))


# --- keys, replicas, grants ---------------------------------------------------------------------------------------


def test_keys_rotate_and_any_replica_answers(served: Team, anna: str, url: str, place: Path) -> None:
    with team(place, environment(place, OLD, NEW), stateless=True) as other:
        by_old = exported(other, anna)
        for link in (url, by_old):
            for one in (served, other):
                assert get(with_netloc(link, one)).status_code == 200
    with team(place, environment(place, "quite another key of this server")) as stranger:
        assert refused(get(with_netloc(url, stranger)))


def with_netloc(url: str, served: Team) -> str:
    return urlsplit(url)._replace(netloc=urlsplit(served.url).netloc).geturl()


def test_it_holds_no_longer_than_what_its_maker_may_see(served: Team, anna: str, place: Path) -> None:
    token = served.token("carl", *SCOPES, accounts=["octanist"])
    url = exported(served, token)
    assert get(url).status_code == 200
    with team(place, {**environment(place, NEW), "LEAD_MCP_PII": "masked"}) as masked:
        assert refused(get(with_netloc(url, masked))), "values in clear are nobody's there any more"
    Tokens(place).revoke("carl")
    assert refused(get(url))
