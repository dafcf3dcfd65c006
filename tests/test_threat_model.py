"""The threat model holds what it says: every row names its tests, every test is there, and it says what is left."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = (ROOT / "docs" / "security.md").read_text("utf-8")
TEST: Final = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
ROW: Final = re.compile(r"^\|(?! ---| \w+ tr(?:y|ies) \|)(.*)\|(.*)\|(.*)\|$", re.MULTILINE)
ATTACKERS: Final = re.findall(r"^## (.*)\n(?=(?:(?!^## ).*\n)*?\| )", PAGE, re.MULTILINE)


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].partition("\n## ")[0]


@cache
def names_in(path: str) -> frozenset[str]:
    found = ast.walk(ast.parse((ROOT / path).read_text("utf-8")))
    return frozenset(one.name for one in found if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("place", sorted(set(TEST.findall(PAGE))), ids="::".join)
def test_a_test_that_is_named_is_there(place: tuple[str, str]) -> None:
    path, name = place
    assert (ROOT / path).exists()
    assert not name or name in names_in(path)


@pytest.mark.parametrize("title", ATTACKERS)
def test_each_row_has_its_test_and_each_attacker_what_is_left(title: str) -> None:
    rows = ROW.findall(section(title))
    assert rows
    assert [tried for tried, _, shown in rows if TEST.search(shown) is None] == []
    assert "\n**Left.** " in section(title)


def test_all_who_may_attack_are_there() -> None:
    assert len(ATTACKERS) == 6
    assert len(set(TEST.findall(PAGE))) > 60


def test_whoever_finds_a_weakness_learns_what_to_do() -> None:
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    assert "Report a vulnerability" in text
    assert "@" not in text, "no address that nobody reads"
    assert (ROOT / re.findall(r"\]\((docs/[\w.]+)\)", text)[0]).exists()
