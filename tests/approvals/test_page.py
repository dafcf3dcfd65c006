"""The approvals page over HTTP: who sees which writes, what a yes is bound to, and that no other page can give one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from lead_mcp.approvals.sessions import set_cookie
from lead_mcp.identity.tokens import Tokens
from tests.approvals.browser import Browser, Page
from tests.identity.team import Team, team
from tests.process.processes import ENVELOPE
from tests.writing.desk import insertion as taken_by

WRITER = ("leads:read", "leads:write", "pii:read")
COUNT = iter(range(1, 100_000))
LOOKERS: dict[str, str] = {}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with team(tmp_path_factory.mktemp("approvals"), stateless=True) as found:
        found.server.approvals = found.url.replace("/mcp", "/approvals")  # a test's server learns its port late
        yield found


@pytest.fixture(scope="module")
def assistant(server: Team) -> str:
    """Asks for writes by a client that can ask nobody."""
    return server.token("assistant", *WRITER, "leads:delete")


@pytest.fixture(scope="module")
def person(server: Team) -> str:
    return server.token("person", *WRITER, accounts=["octanist"])


@pytest.fixture
def browser(server: Team, person: str) -> Browser:
    found = Browser.at(server.url)
    found.sign_in(person)
    return found


def insertion(**lead: str) -> dict[str, Any]:
    number = next(COUNT)
    own = {"name": "Ann Archer", "email": f"ann{number}@example.com", "phone": f"+1213555{number % 100:04}", **lead}
    return {"account": "octanist", "lead": own, "on_duplicate": "allow", "idempotency_key": f"approval-{number}"}


def asked(server: Team, token: str, tool: str, **arguments: Any) -> str:
    """The id of a write that waits since this call; its refusal names the page."""
    found = server.call(token, tool, **arguments)
    assert found.is_error
    assert found.structured_content is not None
    name = str(found.structured_content["journal_id"])
    assert f"/approvals/{name}" in found.structured_content["error"]["message"]
    return name


def looker(server: Team) -> str:
    """The token of somebody who looks at the vendors; one client for all looks."""
    if server.url not in LOOKERS:
        LOOKERS[server.url] = server.token("looker", "leads:read", "pii:read")
    return LOOKERS[server.url]


def first_lead(server: Team, account: str) -> str:
    found = server.call(looker(server), "search_leads", account=account, limit=1)
    assert found.structured_content is not None
    return str(found.structured_content["leads"]["rows"][0][0])


def created(server: Team, email: str) -> int:
    """How many such leads the vendor has."""
    filters = [{"field": "email", "op": "eq", "value": email}]
    found = server.call(looker(server), "search_leads", account="octanist", filters=filters)
    assert found.structured_content is not None
    return len(found.structured_content["leads"]["rows"])


def test_a_yes_sends_once_and_the_same_call_replays_it(server: Team, assistant: str, browser: Browser) -> None:
    arguments = insertion()
    write = asked(server, assistant, "insert_lead", **arguments)
    listed = browser.get()
    assert write in listed.writes()
    assert arguments["lead"]["email"] in listed.text
    looked = browser.get(f"/approvals/{write}")
    assert "octanist (Octanist): insert a lead?" in looked.text
    sent = browser.answer(looked, write, "yes")
    assert (sent.status, "created lead://octanist/" in sent.text) == (200, True), sent.text
    again = browser.answer(looked, write, "yes")
    assert "Answered already" in again.text
    assert "created lead://octanist/" in again.text
    assert created(server, arguments["lead"]["email"]) == 1
    replayed = server.call(assistant, "insert_lead", **arguments)
    assert replayed.structured_content is not None
    assert replayed.structured_content["outcome"] == "created"
    assert replayed.structured_content["approved_by"] == "token:person at /approvals"
    assert write not in browser.get().writes()


def test_a_no_drops_it_and_frees_the_key(server: Team, assistant: str, browser: Browser) -> None:
    arguments = insertion()
    write = asked(server, assistant, "insert_lead", **arguments)
    declined = browser.answer(browser.get(), write, "no")
    assert "nothing was sent" in declined.text
    assert browser.get(f"/approvals/{write}").status == 409
    assert created(server, arguments["lead"]["email"]) == 0
    assert asked(server, assistant, "insert_lead", **arguments) != write
    assert server.server.runtime is not None
    story = server.do(server.server.runtime.in_journal, lambda journal: journal.events(write))
    assert story[-1].values == {"by": "token:person at /approvals"}


def test_a_double_click_sends_once_and_both_clicks_see_it(server: Team, assistant: str, browser: Browser) -> None:
    arguments = insertion()
    write = asked(server, assistant, "insert_lead", **arguments)
    looked = browser.get(f"/approvals/{write}")
    pages: list[Page] = []
    clicks = [threading.Thread(target=lambda: pages.append(browser.answer(looked, write, "yes"))) for _ in range(3)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join(60)
    assert created(server, arguments["lead"]["email"]) == 1
    assert ["created lead://octanist/" in one.text for one in pages] == [True] * 3, [one.text for one in pages]


def test_a_yes_is_bound_to_what_was_shown(server: Team, assistant: str, browser: Browser) -> None:
    uri = first_lead(server, "octanist")
    change = {"uri": uri, "changes": {"note": "Bea Baker"}, "idempotency_key": f"change-{next(COUNT)}"}
    write = asked(server, assistant, "update_lead", **change)
    looked = browser.get(f"/approvals/{write}")
    assert "-> Bea Baker" in looked.text
    other = asked(
        server, assistant, "update_lead", **{**change, "changes": {"note": "Cyd Cole"}, "idempotency_key": "o"}
    )
    assert browser.answer(browser.get(f"/approvals/{other}"), other, "yes").status == 200
    late = browser.answer(looked, write, "yes")
    assert late.status == 409
    assert "nothing was sent" in late.text


def test_several_at_once_are_one_question(server: Team, assistant: str, browser: Browser) -> None:
    leads = [insertion()["lead"] for _ in range(3)]
    arguments = {"account": "octanist", "leads": leads, "idempotency_key": f"batch-{next(COUNT)}"}
    write = asked(server, assistant, "insert_leads", **arguments)
    assert "octanist: insert 3 leads" in browser.get().text
    sent = browser.answer(browser.get(f"/approvals/{write}"), write, "yes")
    assert "3 created" in sent.text
    replayed = server.call(assistant, "insert_leads", **arguments).structured_content
    assert replayed is not None
    assert replayed["results"]["rows"][2][1] == "created"


# --- who ----------------------------------------------------------------------------------------------------------


def test_nobody_sees_or_answers_what_is_not_theirs(server: Team, assistant: str, browser: Browser) -> None:
    elsewhere = asked(server, assistant, "insert_lead", **taken_by("leadsquared"))
    uri = first_lead(server, "leadsquared")
    changed = asked(
        server, assistant, "update_leads", uris=[uri, first_lead(server, "octanist")], changes={"note": "x"}
    )
    own = asked(server, assistant, "insert_lead", **insertion())
    mark = browser.get().form(f"/approvals/{own}").fields["mark"]
    unknown = browser.get("/approvals/w-0123456789abcdef")
    for name in (elsewhere, changed):
        assert name not in browser.get().writes()
        hidden = browser.get(f"/approvals/{name}")
        assert (hidden.status, hidden.text) == (404, unknown.text)
        assert browser.post(f"/approvals/{name}", {"mark": mark, "answer": "no"}).status == 404
    reader = Browser.at(server.url)
    assert reader.sign_in(server.token("onlooker", "leads:read")).writes() == []
    assert reader.get(f"/approvals/{own}").status == 404


def test_a_session_ends_with_its_token(server: Team) -> None:
    token = server.token("leaver", *WRITER)
    browser = Browser.at(server.url)
    assert "You answer as token:leaver" in browser.sign_in(token).text
    Tokens(server.folder).revoke("leaver")
    assert browser.get().status == 401
    assert browser.sign_in("lmcp_00000000_nobody").status == 401


def test_signing_in_leads_back_to_the_write_and_out_again(server: Team, assistant: str, person: str) -> None:
    write, browser = asked(server, assistant, "insert_lead", **insertion()), Browser.at(server.url)
    assert "insert a lead?" in browser.sign_in(person, f"/approvals/{write}").text
    form = browser.get().form("/approvals/sign-out")
    assert browser.post(form.action, form.fields).form("/approvals/sign-in").fields["to"] == ""
    form = browser.get().form("/approvals/sign-in")
    fields, headers = {"token": person, "to": "//evil.example.com"}, {"Origin": browser.origin}
    away = browser.request("POST", form.action, data=fields, headers=headers, follow=False)
    assert away.headers["Location"] == "/approvals"


# --- no other page ------------------------------------------------------------------------------------------------


def test_the_cookie_is_sealed_short_lived_and_for_this_site_alone(server: Team, person: str) -> None:
    fields, origin = {"token": person, "to": ""}, server.url.removesuffix("/mcp")
    answer = httpx2.post(f"{origin}/approvals/sign-in", data=fields, headers={"Origin": origin}, trust_env=False)
    cookie = answer.headers["Set-Cookie"]
    assert person.split("_", 2)[2] not in cookie, "its secret, which may hold a _ itself"
    words = {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=1800"}
    assert set(cookie.split("; ")[1:]) == words
    beyond = set_cookie("leads.example.com", "x", 1800)
    assert beyond.startswith("__Host-")
    assert set(beyond.split("; ")[1:]) == words | {"Secure"}


@pytest.mark.parametrize(
    ("headers", "changes", "status"),
    [
        ({"Origin": "https://evil.example.com"}, {}, 403),
        ({"Origin": "null"}, {}, 403),
        ({"Origin": ""}, {}, 403),
        ({"Sec_Fetch_Site": "same-site"}, {}, 403),
        ({}, {"mark": ""}, 403),
        ({}, {"mark": "another"}, 403),
        ({}, {"question": "a-0123456789abcdef"}, 409),
        ({}, {"answer": "maybe"}, 400),
        ({"Content_Type": "text/plain"}, {}, 415),
        ({"Host": "evil.example.com"}, {}, 421),
    ],
)
def test_a_form_from_elsewhere_does_nothing(
    server: Team, assistant: str, browser: Browser, headers: dict[str, str], changes: dict[str, str], status: int
) -> None:
    arguments = insertion()
    write = asked(server, assistant, "insert_lead", **arguments)
    form = browser.get(f"/approvals/{write}").form(f"/approvals/{write}")
    found = browser.post(form.action, {**form.fields, "answer": "yes", **changes}, **headers)
    assert found.status == status
    assert created(server, arguments["lead"]["email"]) == 0
    assert write in browser.get().writes()


def test_a_question_put_to_one_session_is_not_answered_in_another(
    server: Team, assistant: str, browser: Browser, person: str
) -> None:
    write, other = asked(server, assistant, "insert_lead", **insertion()), Browser.at(server.url)
    other.sign_in(person)
    question = browser.get(f"/approvals/{write}").form(f"/approvals/{write}").fields["question"]
    own = other.get(f"/approvals/{write}").form(f"/approvals/{write}").fields
    assert other.post(f"/approvals/{write}", {**own, "question": question, "answer": "yes"}).status == 409


def test_pages_hold_no_script_and_may_be_framed_and_kept_by_nobody(server: Team, browser: Browser) -> None:
    for path in ("/approvals", "/approvals/w-0123456789abcdef", "/approvals/no/such"):
        for page in (browser.get(path), Browser.at(server.url).get(path)):
            headers = page.answer.headers
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert (headers["X-Frame-Options"], headers["Cache-Control"]) == ("DENY", "no-store")
            assert headers["Referrer-Policy"] == "same-origin"
            assert "script" not in {tag for tag, _ in page.tags}
    assert browser.request("PUT", "/approvals").status_code == 405


def test_values_are_text_whatever_they_hold_and_masked_for_whom_they_are_not(server: Team, assistant: str) -> None:
    evil = '<img src=x onerror=alert(1)>\u202e&amp; "quoted"'
    arguments = insertion(name=evil)
    write = asked(server, assistant, "insert_lead", **arguments)
    masked = Browser.at(server.url)
    masked.sign_in(server.token(f"masked-{next(COUNT)}", "leads:write"))
    clear = Browser.at(server.url)
    clear.sign_in(assistant)
    for path in ("/approvals", f"/approvals/{write}"):
        page = clear.get(path)
        assert "img" not in {tag for tag, _ in page.tags}
        assert "<img src=x" in page.text
        assert "\u202e" not in page.text
        assert arguments["lead"]["email"] not in masked.get(path).text
        assert "onerror" not in masked.get(path).text
    assert masked.answer(masked.get(f"/approvals/{write}"), write, "yes").status == 200
    assert created(server, arguments["lead"]["email"]) == 1


def test_the_page_reads_well_aloud(server: Team, assistant: str, browser: Browser) -> None:
    write = asked(server, assistant, "insert_lead", **insertion())
    pages = [Browser.at(server.url).get(), browser.get(), browser.get(f"/approvals/{write}")]
    for page in pages:
        tags = [tag for tag, _ in page.tags]
        assert dict(page.tags)["html"]["lang"] == "en"
        assert (tags.count("h1"), tags.count("main"), tags.count("title")) == (1, 1, 1)
        labelled = {given["for"] for tag, given in page.tags if tag == "label"}
        ids = [given["id"] for _, given in page.tags if "id" in given]
        assert len(ids) == len(set(ids))
        for tag, given in page.tags:
            if tag == "input" and given.get("type") != "hidden":
                assert given["id"] in labelled
            assert given.get("aria-describedby", ids[0] if ids else "") in [*ids, ""]


# --- clients that open pages --------------------------------------------------------------------------------------


def opening(server: Team, token: str, tool: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The result of a call by a client that can open pages and show no form. ``more``: answers of an earlier round."""
    able: dict[str, Any] = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {"url": {}}}}
    params = {"name": tool, "arguments": arguments, "_meta": {**ENVELOPE, **able}, **more}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/call", "Mcp_Name": tool}
    text = server.post(body, token, **headers).text
    found: dict[str, Any] = json.loads(text.partition("data: ")[2] or text)["result"]
    return found


@pytest.mark.parametrize("several", [False, True])
def test_a_client_that_opens_pages_is_led_to_this_one(
    server: Team, assistant: str, browser: Browser, several: bool
) -> None:
    """Without a key too, the write that was approved is the one that its call learns of."""
    lead = insertion()["lead"]
    tool, own = ("insert_leads", {"leads": [lead]}) if several else ("insert_lead", {"lead": lead})
    arguments = {"account": "octanist", **own}
    first = opening(server, assistant, tool, arguments)
    asked = first["inputRequests"]["open"]
    assert asked["params"]["mode"] == "url"
    write = asked["params"]["url"].rpartition("/")[2]
    assert asked["params"]["url"] == f"{browser.origin}/approvals/{write}"
    back = {"requestState": first["requestState"], "inputResponses": {"open": {"action": "accept"}}}
    early = opening(server, assistant, tool, arguments, **back)
    assert early["structuredContent"]["journal_id"] == write, "it is opened once, and still waits"
    assert "created" in browser.answer(browser.get(f"/approvals/{write}"), write, "yes").text
    done = opening(server, assistant, tool, arguments, **back)
    assert "created" in str(done["structuredContent"].get("outcome") or done["structuredContent"]["results"])
    assert created(server, lead["email"]) == 1


def test_a_page_that_was_opened_and_answered_with_no_sends_nothing(
    server: Team, assistant: str, browser: Browser
) -> None:
    arguments = insertion()
    first = opening(server, assistant, "insert_lead", arguments)
    write = first["inputRequests"]["open"]["params"]["url"].rpartition("/")[2]
    browser.answer(browser.get(), write, "no")
    back = {"requestState": first["requestState"], "inputResponses": {"open": {"action": "accept"}}}
    assert opening(server, assistant, "insert_lead", arguments, **back)["structuredContent"]["outcome"] == "declined"
    assert created(server, arguments["lead"]["email"]) == 0
