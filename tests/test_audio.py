"""Fetching a recording's audio: where from, where never, how much, and with nothing of ours in the request."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import httpx2
import pytest

from lead_mcp.errors import LeadMcpError, MalformedReply, NotAllowed, NotFound, TooLarge, Unavailable
from lead_mcp.hosts import is_public
from lead_mcp.transport.audio import MOST_BYTES, Audio, check_host, fetch_audio
from tests.loopback import Say, in_turn, listening

pytestmark = pytest.mark.anyio

BASE: Final = "https://api.acme.example/v1"
WAVE: Final = {"Content-Type": "audio/x-wav"}
SOUND: Final = Say(body=b"RIFF....WAVE", headers=WAVE)


def allowed(url: str, *, base: str = BASE, hosts: Sequence[str] = (), loopback: bool = False) -> bool:
    try:
        check_host(urlsplit(url), urlsplit(base), ("acme.example", "cdn.example"), hosts, loopback=loopback)
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize(
    ("url", "allows"),
    [
        ("https://api.acme.example/a.wav", True),
        ("https://API.Acme.Example/a.wav", True),
        ("https://acme.example:8443/a.wav", True),
        ("https://eu.media.cdn.example/a.wav", True),
        ("https://trusted.example/a.wav", True),
        ("https://TRUSTED.example/a.wav", True),
        ("https://sub.trusted.example/a.wav", False),
        ("https://evilacme.example/a.wav", False),
        ("https://acme.example.evil.example/a.wav", False),
        ("https://evil.example/acme.example", False),
        ("https://evil.example#@acme.example", False),
        ("https://evil.example?acme.example", False),
        ("https://acme.example@evil.example/a.wav", False),
        ("http://api.acme.example/a.wav", False),
        ("ftp://api.acme.example/a.wav", False),
        ("file:///etc/passwd", False),
        ("//api.acme.example/a.wav", False),
        ("https://127.0.0.1/a.wav", False),
        ("a.wav", False),
        ("", False),
    ],
)
def test_audio_comes_from_the_accounts_own_hosts_over_https(url: str, allows: bool) -> None:
    assert allowed(url, hosts=(" trusted.example ", "")) is allows


def test_plain_http_is_for_an_account_on_this_machine() -> None:
    base = "http://127.0.0.1:8700/acme"
    assert allowed("http://127.0.0.1:9/a.wav", base=base, loopback=True)
    assert not allowed("http://127.0.0.1:9/a.wav", base=base)
    assert not allowed("http://evil.example/a.wav", base=base, loopback=True)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("2002:808:808::", True),
        ("10.0.0.1", False),
        ("192.0.0.8", False),
        ("224.0.0.1", False),
        ("::", False),
        ("ff02::1", False),
        ("fec0::1", False),
        ("fe80::1%eth0", False),
        ("::127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b:1::808:808", False),
        ("2002:7f00:1::", False),
        ("2002:c0a8:1::1", False),
        ("2001:0:7f00:1::1", False),
        ("2606:4700::5efe:10.0.0.1", False),
        ("2606:4700::200:5efe:10.0.0.1", False),
    ],
)
def test_an_address_is_as_public_as_what_it_leads_to(address: str, public: bool) -> None:
    assert is_public(address) is public


async def fails(url: str, base_url: str = BASE, *, hosts: Sequence[str] = ()) -> LeadMcpError:
    with pytest.raises(LeadMcpError) as caught:
        await fetch_audio(url, base_url=base_url, domains=("acme.example",), hosts=hosts)
    return caught.value


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - a host to refuse
        "[::1]",
        "[fe80::1]",
        "[fc00::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[::ffff:0:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[2002:a00:1::1]",
        "localhost",
    ],
)
async def test_a_private_address_is_never_connected_to_even_from_a_trusted_name(host: str) -> None:
    async with listening(in_turn(SOUND)) as server:
        port = urlsplit(server.origin).port
        error = await fails(f"https://{host}:{port}/a.wav", hosts=(host.strip("[]"),))
        assert (type(error), server.heard) == (NotAllowed, [])
        assert "private address" in error.message


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("call-7.wav", MalformedReply),
        ("", MalformedReply),
        ("https://", MalformedReply),
        ("https://[bad/a.wav", MalformedReply),
        ("https://api.acme.example:port/a.wav", MalformedReply),
        ("https://user:word@api.acme.example/a.wav", MalformedReply),
        (f"https://{'x' * 64}.acme.example/a.wav", Unavailable),
        ("https://a..acme.example/a.wav", Unavailable),
    ],
)
async def test_a_nonsense_address_is_an_error_and_no_crash(url: str, kind: type[LeadMcpError]) -> None:
    assert type(await fails(url)) is kind


async def test_audio_is_fetched_with_nothing_of_ours_in_the_request() -> None:
    async with listening(in_turn(SOUND)) as server:
        url = f"{server.origin}/calls/7.wav?sig=a%2Fb"
        assert await fetch_audio(url, base_url=server.origin, domains=(), hosts=()) == Audio(
            b"RIFF....WAVE", "audio/x-wav"
        )
        (heard,) = server.heard
        assert (heard.method, heard.target, heard.body) == ("GET", "/calls/7.wav?sig=a%2Fb", b"")
        assert heard.headers["host"] == urlsplit(server.origin).netloc
        assert set(heard.headers) <= {"host", "accept", "accept-encoding", "connection", "user-agent"}


async def test_a_name_with_several_addresses_is_reached_at_any_of_them() -> None:
    async with listening(in_turn(SOUND)) as server:
        named = server.origin.replace("127.0.0.1", "localhost")
        found = await fetch_audio(f"{named}/7.wav", base_url=named, domains=(), hosts=())
        assert found.content == SOUND.body
        assert server.heard[0].headers["host"] == urlsplit(named).netloc


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Say(302, headers={"Location": "/else.wav", **WAVE}), Unavailable),
        (Say(307, headers={"Location": "http://169.254.169.254/", **WAVE}), Unavailable),
        (Say(404, headers=WAVE), NotFound),
        (Say(401, headers=WAVE), Unavailable),
        (Say(500, headers=WAVE), Unavailable),
        (Say(206, headers=WAVE), Unavailable),
        (Say(cut=True), Unavailable),
        (Say(body=b"<html>log in</html>", headers={"Content-Type": "text/html; charset=utf-8"}), MalformedReply),
        (Say(body=b'{"error": 1}'), MalformedReply),
        (Say(headers={"Content-Type": ""}), MalformedReply),
        (Say(body=b"plain", headers={**WAVE, "Content-Encoding": "gzip"}), Unavailable),
    ],
    ids=str,
)
async def test_anything_but_audio_is_an_error_and_is_asked_for_once(answer: Say, kind: type[LeadMcpError]) -> None:
    async with listening(in_turn(answer, SOUND)) as server:
        assert type(await fails(f"{server.origin}/7.wav", server.origin)) is kind
        assert server.paths() == ["/7.wav"]


@pytest.mark.parametrize("kind", ["audio/mpeg", "Audio/WAV; rate=8000", "video/mp4", "application/octet-stream"])
async def test_audio_goes_by_several_names(kind: str) -> None:
    async with listening(in_turn(Say(body=b"x", headers={"Content-Type": kind}))) as server:
        found = await fetch_audio(f"{server.origin}/7", base_url=server.origin, domains=(), hosts=())
        assert found == Audio(b"x", kind.partition(";")[0].lower())


@pytest.mark.parametrize(
    "answer",
    [
        Say(body=bytes(1024 * 1024), headers=WAVE, endless=True),
        Say(body=gzip.compress(bytes(MOST_BYTES + 1), 1), headers={**WAVE, "Content-Encoding": "gzip"}),
    ],
    ids=["endless", "compressed"],
)
async def test_a_recording_is_bounded_by_its_decoded_size(answer: Say) -> None:
    async with listening(in_turn(answer)) as server:
        error = await fails(f"{server.origin}/7.wav", server.origin)
        assert type(error) is TooLarge
        assert "50 MiB" in error.message
        assert server.sent < 3 * MOST_BYTES


async def test_a_network_given_is_used_in_place_of_the_real_one() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert str(request.url) == "https://media.acme.example/7.wav"
        return httpx2.Response(200, headers=WAVE, content=b"x")

    found = await fetch_audio(
        "https://media.acme.example/7.wav",
        base_url=BASE,
        domains=("acme.example",),
        hosts=(),
        transport=httpx2.MockTransport(answer),
    )
    assert found.content == b"x"
