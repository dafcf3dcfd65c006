"""A batch's key: what it became is replayed without a question, and it is no other batch's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp.types import ElicitResult

from lead_mcp.sandbox.app import Sandbox
from tests.writing.desk import ERAS, Era, desk, somebody


def leads(number: int) -> list[dict[str, Any]]:
    """New people as Octanist takes them."""
    return [{"name": one["last_name"], "email": one["email"]} for one in (somebody("octanist") for _ in range(number))]


@pytest.mark.parametrize("era", ERAS)
def test_a_batch_that_is_done_asks_nobody_again(box: Sandbox, tmp_path: Path, era: Era) -> None:
    batch = {"account": "octanist", "leads": leads(2), "idempotency_key": "same"}
    with desk(tmp_path, box, era=era, only=["octanist"]) as hands:
        first = hands.call("insert_leads", **batch)
        assert hands.call("insert_leads", **batch) == first
        assert len(hands.clerk.asked) == 1
    with desk(tmp_path, box, era=era, asks=False, only=["octanist"]) as deaf:
        assert deaf.call("insert_leads", **batch) == first


@pytest.mark.parametrize("mode", ["confirm", "allow"])
def test_a_longer_or_a_shorter_batch_with_its_key_is_a_conflict(box: Sandbox, tmp_path: Path, mode: str) -> None:
    two = leads(2)
    with desk(tmp_path, box, environment={"LEAD_MCP_WRITES": mode}, only=["octanist"]) as hands:
        hands.call("insert_leads", account="octanist", leads=two, idempotency_key="one batch's")
        asked, writes = len(hands.clerk.asked), len(hands.box.stages["octanist"].heard)
        for other in (two[:1], [*two, *leads(1)], two[::-1], leads(1), [{"name": "no e-mail"}]):
            failed = hands.fails("insert_leads", account="octanist", leads=other, idempotency_key="one batch's")
            assert failed.code == "conflict"
        assert (len(hands.clerk.asked), len(hands.box.stages["octanist"].heard)) == (asked, writes)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("content", [{}, {"confirm": "perhaps"}, {"other": True}])
def test_a_yes_without_the_answer_that_was_asked_for_is_no_yes(
    box: Sandbox, tmp_path: Path, era: Era, content: dict[str, Any]
) -> None:
    async def vague(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content=content)

    with desk(tmp_path, box, era=era, clerk=vague, only=["octanist"]) as hands:  # type: ignore[arg-type]
        found = hands.call("insert_lead", account="octanist", lead=leads(1)[0])
    assert found["outcome"] == "declined"
