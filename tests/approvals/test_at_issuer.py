"""Signing in on the approvals page at an issuer: by a code that counts once, and in the browser alone that began."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from lead_mcp.approvals.pages import SIGNED_IN, TO_ISSUER
from tests.approvals.browser import Browser, Page
from tests.approvals.chromium import CHROMIUM, tab
from tests.identity.issuer import AUDIENCE, CLIENT, SECRET, TestIssuer, ec_key, issuing
from tests.identity.team import Team, team
from tests.ports import free_port
from tests.process.processes import listening_server


@pytest.fixture(scope="module")
def at_issuer() -> Iterator[TestIssuer]:
    with issuing(ec_key("one")) as found:
        yield found


@pytest.fixture
def issuer(at_issuer: TestIssuer) -> Iterator[TestIssuer]:
    yield at_issuer
    at_issuer.signs_in, at_issuer.said, at_issuer.identity, at_issuer.down = {}, {}, {}, False


def registered(issuer: TestIssuer, audience: str) -> dict[str, str]:
    return {
        "LEAD_MCP_OAUTH_ISSUER": issuer.origin,
        "LEAD_MCP_OAUTH_AUDIENCE": audience,
        "LEAD_MCP_OAUTH_CLIENT_ID": CLIENT,
        "LEAD_MCP_OAUTH_CLIENT_SECRET": SECRET,
    }


@pytest.fixture(scope="module")
def server(at_issuer: TestIssuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with team(tmp_path_factory.mktemp("issuer"), registered(at_issuer, AUDIENCE), stateless=True) as found:
        yield found


def away(browser: Browser, to: str = "") -> dict[str, str]:
    """Off to the issuer; what it answers. Its answer leads to our public address, which no test has."""
    leaves = browser.request("GET", f"/approvals/{TO_ISSUER}{to}", follow=False)
    assert leaves.status_code == 303, leaves.text
    signed_in = httpx2.get(leaves.headers["Location"], trust_env=False)
    assert signed_in.status_code == 302, signed_in.text
    back = urlsplit(signed_in.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == AUDIENCE.replace("/mcp", f"/approvals/{SIGNED_IN}")
    return {key: values[0] for key, values in parse_qs(back.query).items()}


def back(browser: Browser, answer: dict[str, str]) -> Page:
    return Page(browser.request("GET", f"/approvals/{SIGNED_IN}", params=answer))


def test_a_person_signs_in_at_the_issuer_and_out_again(server: Team, issuer: TestIssuer) -> None:
    browser = Browser.at(server.url)
    assert f"Sign in at {urlsplit(issuer.origin).netloc}" in browser.get("/approvals/w-0123456789abcdef").text
    answer = away(browser, "?to=w-0123456789abcdef")
    arrived = back(browser, answer)
    assert arrived.status == 200, arrived.text
    assert ("meta", {"http-equiv": "refresh", "content": "0; url=/approvals/w-0123456789abcdef"}) in arrived.tags
    listed = browser.get()
    assert f"You answer as {issuer.origin}#anna." in listed.text
    assert back(browser, answer).status == 401, "an answer counts once"
    form = listed.form("/approvals/sign-out")
    assert "Token" in browser.post(form.action, form.fields).text
    assert "Token" in browser.get().text


def test_the_way_there_tells_the_issuer_no_secret_and_the_browsers_cookie_tells_no_script(
    server: Team, issuer: TestIssuer
) -> None:
    leaves = Browser.at(server.url).request("GET", f"/approvals/{TO_ISSUER}?to=//elsewhere.example.com", follow=False)
    asked = {key: values[0] for key, values in parse_qs(urlsplit(leaves.headers["Location"]).query).items()}
    assert (asked["code_challenge_method"], asked["resource"], asked["scope"]) == (
        "S256",
        AUDIENCE,
        "openid leads:read leads:write pii:read",
    )
    assert SECRET not in leaves.headers["Location"]
    cookie = leaves.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Max-Age=600"))
    assert asked["state"] not in cookie
    assert "elsewhere" not in str(leaves.headers)


Change = dict[str, Any]


@pytest.mark.parametrize(
    ("answer", "issued", "why"),
    [
        ({"state": "another"}, {}, "not the sign-in that this browser began"),
        ({"state": "ünlike"}, {}, "not the sign-in that this browser began"),
        ({"iss": "https://other.example.com"}, {}, "another issuer"),
        ({"iss": None}, {}, "another issuer"),
        ({"code": None, "error": "access_denied"}, {}, "did not sign you in (access_denied)"),
        ({"code": None, "error": "<b>no</b>"}, {}, "did not sign you in."),
        ({"code": "invented"}, {}, "cannot be asked just now"),
        ({}, {"identity": {"nonce": "another"}}, "belongs to another sign-in"),
        ({}, {"identity": {"nonce": None}}, "belongs to another sign-in"),
        ({}, {"identity": {"aud": "another"}}, "audience"),
        ({}, {"identity": {"sub": "ben"}}, "another person's"),
        ({}, {"identity": {"iss": "https://other.example.com"}}, "issuer that does not count"),
        ({}, {"said": {"id_token": None}}, "did not say who"),
        ({}, {"said": {"access_token": None}}, "no access token"),
        ({}, {"said": {"access_token": "x" * 3000}}, "too long for a cookie"),
        ({}, {"signs_in": {"aud": "https://other.example.com"}}, "audience"),
        ({}, {"signs_in": {"scope": "email"}}, "nothing here was granted"),
    ],
)
def test_whatever_else_comes_back_signs_nobody_in(
    server: Team, issuer: TestIssuer, answer: Change, issued: Change, why: str
) -> None:
    browser = Browser.at(server.url)
    for name, value in issued.items():
        setattr(issuer, name, value)
    changed = {**away(browser), **answer}
    refused = back(browser, {key: value for key, value in changed.items() if value is not None})
    assert (refused.status in (401, 403, 503), why in refused.text) == (True, True), (refused.status, refused.text)
    assert "Token" in browser.get().text, "nobody is signed in"


def test_an_answer_counts_in_the_browser_alone_that_began(server: Team, issuer: TestIssuer) -> None:
    """Else somebody could sign another browser in as themselves, or take a stolen code to their own."""
    answer = away(Browser.at(server.url))
    other = Browser.at(server.url)
    assert "No sign-in is under way" in back(other, answer).text
    away(other)
    assert "not the sign-in that this browser began" in back(other, answer).text


def test_with_the_issuer_down_the_page_says_so_and_tokens_still_sign_in(server: Team, issuer: TestIssuer) -> None:
    browser = Browser.at(server.url)
    answer, token = away(browser), issuer.token(scope="leads:read leads:write")
    assert Browser.at(server.url).sign_in(token).status == 200
    issuer.down = True
    refused = back(browser, answer)
    assert (refused.status, "cannot be asked just now" in refused.text) == (503, True)
    assert "You answer as" in browser.sign_in(token).text


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_a_real_browser_goes_there_and_comes_back(issuer: TestIssuer, tmp_path: Path) -> None:
    """A cookie that is for this site alone is kept on the way back from another one."""
    port = free_port()
    page = f"http://127.0.0.1:{port}/approvals"
    own = {**registered(issuer, f"http://127.0.0.1:{port}/mcp"), "LEAD_MCP_STATE_DIR": str(tmp_path)}
    issuer.origin = issuer.origin.replace("127.0.0.1", "localhost")
    own["LEAD_MCP_OAUTH_ISSUER"] = issuer.origin
    with listening_server("--sandbox", "--port", str(port), environment=own, folder=tmp_path), tab() as browser:
        browser.open(page)
        browser.run("document.querySelector('a[href*=to-issuer]').click()")
        browser.wait_for(f"location.href == '{page}' && document.body.innerText.includes('You answer as')")
        assert f"{issuer.origin}#anna" in browser.text
        assert not [one for one in browser.said if re.search("Content Security Policy|cookie", one)]
        browser.press("Sign out")
        assert "Sign in at" in browser.text
    issuer.origin = issuer.origin.replace("localhost", "127.0.0.1")
