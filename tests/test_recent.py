"""So many of something and no more: what was used longest ago goes first."""

from __future__ import annotations

from functools import partial

from lead_mcp.recent import Recent


def test_what_was_used_longest_ago_goes_first() -> None:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name.upper()

    recent: Recent[str, str] = Recent(2)
    found = [recent.used(name, partial(make, name)) for name in "abacab"]
    assert found == list("ABACAB")
    assert made == list("abcb"), "b went for c, since a had been used after it; and c for b"
    assert list(recent) == ["a", "b"]
    assert recent.keep("a", "another") == "another"
    assert list(recent.items()) == [("b", "B"), ("a", "another")]
