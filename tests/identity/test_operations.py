"""What operations see: whether the server lives, what it stands on, and numbers without a secret or a person in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx2
import pytest

from lead_mcp.metrics import COUNTERS, GAUGES, TIMES, Metrics, outcome_of
from tests.identity.team import Team, team

SAMPLE = re.compile(r'^(\w+)(?:\{((?:\w+="[^"]*",?)*)\})? [0-9.]+$')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with team(tmp_path_factory.mktemp("operations")) as found:
        yield found


def get(server: Team, path: str, token: str | None = None, **headers: str) -> httpx2.Response:
    given = {**headers, **({"Authorization": f"Bearer {token}"} if token else {})}
    return httpx2.get(server.url.removesuffix("/mcp") + path, headers=given, trust_env=False, timeout=60)


def test_probes_need_no_token_and_name_nobody(server: Team) -> None:
    assert get(server, "/healthz").json() == {"status": "ok"}
    ready = get(server, "/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"status": "ok", "checks": {"accounts": "ok", "journal": "ok"}}


def test_metrics_count_calls_and_requests_and_hold_nothing_else(server: Team) -> None:
    everything = server.token("prometheus", "leads:read", "pii:read")
    limited = server.token("limited", "leads:read", accounts=["octanist"])
    person = server.call(everything, "search_leads", account="octanist", limit=1)
    assert server.call(everything, "search_leads", account="nowhere").is_error
    server.call(everything, "no_such_tool_at_all")
    assert get(server, "/metrics").status_code == 401
    assert get(server, "/metrics", limited).status_code == 403
    assert get(server, "/metrics", everything, Host="evil.example.com").status_code == 421
    found = get(server, "/metrics", everything)
    assert found.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = [line for line in found.text.splitlines() if not line.startswith("#")]
    assert all(SAMPLE.match(line) for line in samples)
    assert 'lead_mcp_tool_calls_total{tool="search_leads",outcome="ok"} 1' in samples
    assert 'lead_mcp_tool_calls_total{tool="search_leads",outcome="not_configured"} 1' in samples
    assert 'lead_mcp_tool_calls_total{tool="other",outcome="bad_argument"} 1' in samples
    assert 'lead_mcp_vendor_requests_total{account="octanist",outcome="2xx"} 1' in samples
    assert 'lead_mcp_account_resting{account="octanist"} 0' in samples
    assert person.structured_content is not None
    shown = [str(value) for value in person.structured_content["leads"]["rows"][0] if value]
    secrets = [everything, limited, *server.server.configured.accounts["octanist"].account.options.values()]
    assert not [text for text in (*shown, *secrets, "no_such_tool") if len(text) > 6 and text in found.text]


def test_every_number_is_described_and_outcomes_are_few() -> None:
    metrics = Metrics()
    for name in COUNTERS:
        metrics.count(name, account='a "quoted"\\ one')
    for seconds in (0.01, 0.2, 99):
        metrics.took("lead_mcp_tool_seconds", seconds, tool="x")
    text = metrics.text({})
    assert all(f"# HELP {name} " in text for name in (*COUNTERS, *GAUGES, *TIMES))
    assert 'account="a \\"quoted\\"\\\\ one"' in text
    assert 'lead_mcp_tool_seconds_bucket{tool="x",le="0.25"} 2' in text
    assert 'lead_mcp_tool_seconds_bucket{tool="x",le="+Inf"} 3' in text
    assert {outcome_of(status) for status in range(1200)} == {"1xx", "2xx", "3xx", "4xx", "429", "5xx"}
