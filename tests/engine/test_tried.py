"""What a document leaves open is tried once an account: sent, checked here all the same, and not sent again once refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.driving import DAWN, Bench, bench, entry, uris

EVER: dict[str, Any] = {"since": DAWN.isoformat(), "limit": 200}


def clicked(driven: Bench) -> tuple[str, set[str], set[str]]:
    """A click id, who has it, and who has any."""
    records = driven.everything("octanist")
    value = next(str(one.get("gclid")) for one in records if one.get("gclid"))
    same = {one.uri for one in records if str(one.get("gclid")).casefold() == value.casefold()}
    return value, same, {one.uri for one in records if one.get("gclid")}


@pytest.mark.parametrize("clicks", ["refused", "compared", "ignored"])
def test_a_click_id_is_asked_for_until_that_is_refused(clicks: str) -> None:
    with bench(150, only=["octanist"], options={"octanist": {"clicks": clicks}}) as driven:
        value, same, having = clicked(driven)
        asked = {"account": "octanist", "filters": [{"field": "gclid", "op": "eq", "value": value}], **EVER}
        first, again = driven.page(**asked), driven.page(**asked)
        for page in (first, again):
            said = entry(page, "octanist")
            assert set(uris([page])) == same
            assert f"gclid eq {value}" in said["checked_here"]
            assert (f"gclid eq {value}" in said["pushed"]) is (clicks != "refused")
            assert ("gclid exists true" in said["pushed"]) is (clicks == "refused")
            assert said["complete"] is True
        scanned = {"refused": len(having), "compared": len(same), "ignored": 150}[clicks]
        assert entry(again, "octanist")["scanned"] == scanned
        refused = [seen for seen in driven.heard("octanist") if f"gclid={value}" in seen.query]
        assert clicks != "refused" or len(refused) == 1
        assert ("refused to filter by gclid" in entry(first, "octanist").get("note", "")) is (clicks == "refused")
        assert "refused" not in entry(again, "octanist").get("note", "")
