"""Tokens of an issuer at the door: those that count, every kind that does not, and an issuer that rotates or is gone."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256

import httpx2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lead_mcp.identity.grants import Grants
from lead_mcp.identity.keys import COOL_DOWN, FRESH, STALE, Keys
from lead_mcp.identity.refusals import BadToken, SignInDown
from lead_mcp.identity.signed import SKEW, SignedTokens
from lead_mcp.serving.listening import listening
from tests.identity.issuer import AUDIENCE, CLIENT, SECRET, TestIssuer, ec_key, issuing, rsa_key, segment
from tests.identity.team import HELLO, Team, team

GRANTS = """
[grants.sales]
group = "sales"
accounts = ["octanist", "convoso"]
scopes = ["leads:read", "leads:write", "pii:read"]

[grants.trainees]
claim = "department=training"
accounts = "*"
scopes = "leads:read,pii:read"
pii = "masked"

[grants.boss]
subject = "boss"
accounts = "*"
scopes = "*"
"""


@pytest.fixture(scope="module")
def issuer() -> Iterator[TestIssuer]:
    with issuing(rsa_key("one")) as found:
        yield found


@pytest.fixture(scope="module")
def server(issuer: TestIssuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    environment = {"LEAD_MCP_OAUTH_ISSUER": issuer.origin, "LEAD_MCP_OAUTH_AUDIENCE": AUDIENCE}
    with team(tmp_path_factory.mktemp("oauth"), environment, GRANTS) as found:
        yield found


# --- where to sign in -----------------------------------------------------------------------------------------------


def test_a_client_is_told_where_to_sign_in_and_for_what(server: Team, issuer: TestIssuer) -> None:
    answer = server.post(HELLO)
    assert answer.status_code == 401
    place = "https://leads.example.com/.well-known/oauth-protected-resource/mcp"
    assert f'resource_metadata="{place}"' in answer.headers["WWW-Authenticate"]
    for path in ("/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"):
        found = httpx2.get(server.url.removesuffix("/mcp") + path, trust_env=False).json()
        assert found["resource"] == AUDIENCE
        assert found["authorization_servers"] == [issuer.origin]
        assert "leads:read" in found["scopes_supported"]
    assert httpx2.get(server.url.replace("/mcp", "/.well-known/other"), trust_env=False).status_code == 404


# --- tokens that do not count ---------------------------------------------------------------------------------------


def unsigned(issuer: TestIssuer) -> str:
    return f"{segment({'alg': 'none', 'kid': 'one'})}.{segment(issuer.claims(groups=['sales']))}."


def signed_with_the_public_key(issuer: TestIssuer) -> str:
    """The oldest trick: the published key as the secret of a symmetric signature."""
    public = issuer.key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    body = f"{segment({'alg': 'HS256', 'kid': 'one'})}.{segment(issuer.claims(groups=['sales']))}"
    digest = hmac.new(public, body.encode(), sha256).digest()
    from base64 import urlsafe_b64encode

    return f"{body}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def twice(issuer: TestIssuer) -> str:
    """A claim that stands twice, rightly signed."""
    claims = json.dumps(issuer.claims(groups=["sales"])).replace("{", '{"aud": "https://other.example.com", ', 1)
    body = f"{segment({'alg': 'RS256', 'kid': 'one', 'typ': 'JWT'})}.{segment(claims)}"
    from base64 import urlsafe_b64encode

    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    signature = issuer.key.private.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{body}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


WRONG: dict[str, Callable[[TestIssuer], str]] = {
    "audience": lambda one: one.token(aud="https://other.example.com/mcp", groups=["sales"]),
    "audience of another path": lambda one: one.token(aud="https://leads.example.com/other", groups=["sales"]),
    "issuer": lambda one: one.token(iss="https://other.example.com", groups=["sales"]),
    "algorithm": lambda one: one.token(ec_key("one"), groups=["sales"]),
    "symmetric algorithm": signed_with_the_public_key,
    "none": unsigned,
    "expired": lambda one: one.token(exp=int(time.time()) - SKEW - 60, groups=["sales"]),
    "not yet valid": lambda one: one.token(nbf=int(time.time()) + SKEW + 60, groups=["sales"]),
    "issued in the future": lambda one: one.token(iat=int(time.time()) + SKEW + 60, groups=["sales"]),
    "another's key under our id": lambda one: one.token(rsa_key("one"), groups=["sales"]),
    "unknown key": lambda one: one.token(rsa_key("two"), groups=["sales"]),
    "no key id in the token": lambda one: one.token(header={"kid": "none such"}, groups=["sales"]),
    "an id token": lambda one: one.token(header={"typ": "id+jwt"}, groups=["sales"]),
    "critical extension": lambda one: one.token(header={"crit": ["exp2"], "exp2": 1}, groups=["sales"]),
    "expiry in words": lambda one: one.token(exp="soon", groups=["sales"]),
    "endless": lambda one: one.token(exp=float("inf"), groups=["sales"]),
    "no subject": lambda one: one.token(sub=None, groups=["sales"]),
    "no expiry": lambda one: one.token(exp=None, groups=["sales"]),
    "no audience": lambda one: one.token(aud=None, groups=["sales"]),
    "no issuer": lambda one: one.token(iss=None, groups=["sales"]),
    "empty subject": lambda one: one.token(sub="", groups=["sales"]),
    "subject with a hidden sign": lambda one: one.token(sub="bo\u200bss", groups=["sales"]),
    "a claim twice": twice,
    "cut": lambda one: one.token(groups=["sales"])[:-4],
    "no token": lambda one: "a.b.c",
    "too long": lambda one: one.token(groups=["sales"] * 4000),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_token_that_is_wrong_does_not_come_in(server: Team, issuer: TestIssuer, kind: str) -> None:
    right = server.post(HELLO, issuer.token(groups=["sales"]))
    assert right.status_code == 200, right.text
    answer = server.post(HELLO, WRONG[kind](issuer))
    assert answer.status_code == 401, (kind, answer.text)
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


# --- grants ---------------------------------------------------------------------------------------------------------


def test_nobody_without_a_grant_gets_further_and_they_learn_what_to_ask_for(server: Team, issuer: TestIssuer) -> None:
    answer = server.post(HELLO, issuer.token())
    assert answer.status_code == 403
    assert "[grants]" in answer.json()["error_description"]


def test_of_several_grants_each_takes_away(server: Team, issuer: TestIssuer) -> None:
    everything = "leads:read leads:write leads:delete recordings:read pii:read sql:query"
    sales = issuer.token(groups=["sales"], scope=everything)
    both = issuer.token(sub="ben", groups=["sales"], department="training", scope=everything)
    assert "insert_lead" in server.tools(sales)
    assert "delete_lead" not in server.tools(sales)
    assert "insert_lead" not in server.tools(both)

    def accounts_and_email(token: str) -> tuple[list[str], str]:
        found = server.call(token, "search_leads", account="octanist", limit=1).structured_content
        listed = server.call(token, "list_accounts").structured_content
        assert found is not None
        assert listed is not None
        return [row[0] for row in listed["accounts"]["rows"]], str(found["leads"]["rows"][0][2])

    names, email = accounts_and_email(sales)
    assert names == ["convoso", "octanist"]
    assert "@example." in email
    names, email = accounts_and_email(both)
    assert names == ["convoso", "octanist"]
    assert "@example." not in email


def test_the_tokens_own_scopes_narrow_the_grant(server: Team, issuer: TestIssuer) -> None:
    assert "insert_lead" not in server.tools(issuer.token(sub="boss"))
    assert "delete_lead" in server.tools(issuer.token(sub="boss", scope="leads:delete leads:read"))
    assert "delete_lead" in server.tools(issuer.token(sub="boss", scope=None)), "no scopes in it: the grant decides"
    assert server.post(HELLO, issuer.token(sub="boss", scope="openid profile")).status_code == 403


# --- the issuer's keys ----------------------------------------------------------------------------------------------


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def asking(issuer: TestIssuer) -> AsyncIterator[tuple[SignedTokens, Clock]]:
    clock = Clock()
    async with listening(issuer) as issuer.origin, httpx2.AsyncClient(trust_env=False) as client:
        keys = {issuer.origin: Keys(client, issuer.origin, clock=clock)}
        yield SignedTokens(keys, AUDIENCE, ["ES256"]), clock


@pytest.mark.anyio
async def test_a_new_key_is_looked_for_at_once_and_invented_ones_seldom() -> None:
    issuer = TestIssuer()
    async with asking(issuer) as (tokens, clock):
        await tokens.claims(issuer.token())
        for _ in range(3):
            with pytest.raises(BadToken):
                await tokens.claims(issuer.token(ec_key("invented")))
        assert issuer.asked["/keys"] == 1, "the issuer is left alone for a moment"
        issuer.key = ec_key("two")
        clock.now += COOL_DOWN
        await tokens.claims(issuer.token())
        assert issuer.asked["/keys"] == 2


@pytest.mark.anyio
async def test_keys_are_fetched_once_for_many_and_again_when_they_are_old() -> None:
    import anyio

    issuer = TestIssuer()
    async with asking(issuer) as (tokens, clock):
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(tokens.claims, issuer.token())
        assert issuer.asked["/keys"] == 1
        clock.now += FRESH + 1
        await tokens.claims(issuer.token())
        assert issuer.asked["/keys"] == 2


@pytest.mark.anyio
async def test_while_the_issuer_is_down_its_last_keys_count_for_a_day() -> None:
    issuer = TestIssuer()
    async with asking(issuer) as (tokens, clock):
        await tokens.claims(issuer.token())
        issuer.down = True
        clock.now += STALE - 1
        await tokens.claims(issuer.token())
        clock.now += COOL_DOWN + 2
        for _ in range(2):
            with pytest.raises(SignInDown):
                await tokens.claims(issuer.token())
        issuer.down = False
        clock.now += COOL_DOWN
        await tokens.claims(issuer.token())


@pytest.mark.anyio
@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
async def test_keys_of_another_kind_or_too_short_do_not_count() -> None:
    issuer = TestIssuer()
    async with asking(issuer) as (tokens, _):
        issuer.published = [{**issuer.key.public(), "use": "enc"}]
        with pytest.raises(BadToken):
            await tokens.claims(issuer.token())
    weak = TestIssuer(rsa_key("one", 1024))
    async with asking(weak) as (tokens, _):
        tokens.algorithms = ["RS256"]
        with pytest.raises(BadToken, match="too short"):
            await tokens.claims(weak.token())


# --- tokens that the issuer is asked about --------------------------------------------------------------------------


def test_opaque_tokens_are_asked_about_and_kept_shortly(
    issuer: TestIssuer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment = {
        "LEAD_MCP_OAUTH_ISSUER": issuer.origin,
        "LEAD_MCP_OAUTH_AUDIENCE": AUDIENCE,
        "LEAD_MCP_OAUTH_INTROSPECTION_URL": f"{issuer.origin}/introspect",
        "LEAD_MCP_OAUTH_INTROSPECTION_CLIENT_ID": CLIENT,
        "LEAD_MCP_OAUTH_INTROSPECTION_CLIENT_SECRET": SECRET,
    }
    with team(tmp_path_factory.mktemp("opaque"), environment) as server:
        usual = issuer.claims()
        issuer.worth = {
            "good": {**usual, "active": True},
            "ended": {**usual, "active": False},
            "late": {**usual, "active": True, "exp": int(time.time()) - SKEW - 5},
            "other": {**usual, "active": True, "aud": "https://other.example.com"},
            "foreign": {**usual, "active": True, "iss": "https://other.example.com"},
            "nobody": {**usual, "active": True, "sub": None},
        }
        assert server.tools("good") == {
            "list_accounts",
            "search_leads",
            "get_lead",
            "summarize_leads",
            "trace_lead",
            "query_pings",
        }
        asked = issuer.asked["/introspect"]
        assert server.post(HELLO, "good").status_code == 200
        assert issuer.asked["/introspect"] == asked
        for token in ("ended", "late", "other", "foreign", "nobody", "unknown"):
            assert server.post(HELLO, token).status_code == 401, token
        issuer.down = True
        try:
            assert server.post(HELLO, "not asked before").status_code == 503
        finally:
            issuer.down = False


@pytest.mark.parametrize("scopes", [[{}], [["leads:read"]], {"leads:read": 1}, 7, None, "email", [""]])
def test_scopes_of_another_shape_open_nothing(scopes: object) -> None:
    claims = {"iss": "https://id.example.com", "sub": "anna", "scp": scopes}
    assert Grants().principal(claims).scopes == frozenset()
