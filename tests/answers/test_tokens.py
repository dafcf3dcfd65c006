"""The estimate beside a real tokenizer's counts: never more than a tenth too few, whatever the text is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.tokens import INPUT_SIDE, LEADS, UNDER, Item, NoTokenizer, compact, counted, items
from lead_mcp.outgoing.tokens import estimate
from tests.driving import bench

TEXTS = (
    "Ana García|ana.garcia.12@example.com|+12135550101|open|2026-11-21T08:17:26Z",
    "美咲 佐藤 様よりお問い合わせがありました。屋根の見積もりを希望。",
    "Nguyễn Thị Ngọc muốn được gọi lại sau 5 giờ chiều",
    "Клиент просит перезвонить завтра утром, пожалуйста",
    "يريد العميل عرض أسعار للألواح الشمسية",
    "고객이 견적을 원합니다 내일 전화해 주세요",
    "לקוח מבקש הצעת מחיר",
    "ลูกค้าต้องการใบเสนอราคา",
    "🙂🏠☀️📞🔥👨‍👩‍👧",
    "7ff94259-2566-4e3e-a088-ae088f23fbbd " * 20,
    "QipCSoSf20ze4VoXPaCU_Go_LbvLdU0GwuuEdcaiQ70gtzvwwgbmvkAJ8688CK59bIMVfJ6zuK",
    "EAIaIQobChMI8pHo7Nqk_wIVj5BoCR3XyQ0mEAAYASAAEgKq1vD_BwE",
    "fb.1.1554763741205.AbCdEfGhIjKlMnOpQrStUvWxYz1234567890",
    "https://roofing.example.com/quote?step=2&utm_source=google&utm_medium=cpc&gclid=Cj0KCQ",
    "The consumer agreed to be contacted by telephone, e-mail and text message, also by automated means.",
    '{"a":[1,2.5,-3e10,null,true,""],"b":{"c":"d"}}',
    "|||||----====####****....",
    "12345678901234567890 9999.99 0.001",
    "\n\n\n   \t\t  x\n",
    "aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ",
)


@pytest.fixture(scope="module")
def measured() -> list[tuple[Item, int]]:
    """Definitions and answers with their real counts."""
    found = [*items(), *(Item(text[:40], text) for text in TEXTS)]
    try:
        return list(zip(found, counted([one.text for one in found]), strict=True))
    except NoTokenizer as missing:
        pytest.skip(str(missing))


def test_the_estimate_is_never_more_than_a_tenth_too_few(measured: list[tuple[Item, int]]) -> None:
    few = [(one.name, estimate(one.text), real) for one, real in measured if estimate(one.text) < UNDER * real]
    assert not few


def test_the_goals_are_met(measured: list[tuple[Item, int]]) -> None:
    sizes = {one.name: real for one, real in measured}
    definitions = {name: real for name, real in sizes.items() if name.startswith("input side of ")}
    assert sum(definitions.values()) <= 3_000
    assert max(definitions.values()) <= 420
    assert all(real <= 8_000 for real in sizes.values())
    assert LEADS == 1000


def test_the_definitions_keep_their_goals_where_answers_may_come_from_a_mirror(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    with bench(5, environment={"LEAD_MCP_MIRROR": "on", "LEAD_MCP_STATE_DIR": str(tmp_path)}) as driven:
        tools = driven.portal.call(driven.client.list_tools).tools
    said = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in tools]
    assert sum("source" in one["inputSchema"]["properties"] for one in said) == 6
    try:
        sizes = counted([compact({key: one[key] for key in INPUT_SIDE}) for one in said])
    except NoTokenizer as missing:
        pytest.skip(str(missing))
    assert sum(sizes) <= 3_000
    assert max(sizes) <= 420


BUDGETS: list[tuple[int, str, dict[str, Any]]] = [
    (500, "search_leads", {"account": "octanist"}),
    (500, "search_leads", {"account": "convoso", "detail": "uris"}),
    (1000, "search_leads", {"account": "leadexec"}),
    (1000, "search_leads", {"account": "leadsquared", "sort": "name:asc"}),
    (1000, "search_leads", {}),
    (2000, "search_leads", {"detail": "detailed"}),
    (2000, "search_leads", {"filters": [{"field": "email", "op": "contains", "value": "example"}]}),
    (3000, "query_pings", {"direction": "inbound"}),
    (3000, "query_pings", {"direction": "outbound"}),
]


def test_a_budget_is_used_by_more_than_85_in_100_and_never_passed() -> None:
    with bench(200, environment={"LEAD_MCP_TIMEZONE": "America/New_York"}) as driven:
        found = [
            driven.raw_call(tool, **asked, max_tokens=most, limit=200, since="2026-09-01")
            for most, tool, asked in BUDGETS
        ]
    halves = [(str(getattr(one.content[0], "text", "")), compact(one.structured_content)) for one in found]
    try:
        sizes = counted([half for pair in halves for half in pair])
    except NoTokenizer as missing:
        pytest.skip(str(missing))
    for (most, tool, asked), text, structure in zip(BUDGETS, sizes[::2], sizes[1::2], strict=True):
        least = 0.85 if most >= 1000 else 0.8  # a row is a tenth of 500
        assert least * most <= max(text, structure) <= most, (tool, asked, most, text, structure)


def test_a_concise_lead_costs_under_48_tokens(measured: list[tuple[Item, int]]) -> None:
    sizes = {one.name: real for one, real in measured}
    each = {name: size / 20 for name, size in sizes.items() if name.startswith("20 concise leads of")}
    texts = [size for name, size in each.items() if name.endswith("text") and "leadsquared" not in name]
    assert len(texts) == 4
    assert max(texts) < 48, each


def test_an_answer_costs_less_than_what_the_vendor_sent(measured: list[tuple[Item, int]]) -> None:
    pages = [one for one, _ in measured if one.raw]
    raw = counted([one.raw for one in pages])
    sizes = {one.name: real for one, real in measured}
    assert len(pages) == 20
    assert all(sizes[one.name] < beside for one, beside in zip(pages, raw, strict=True))
