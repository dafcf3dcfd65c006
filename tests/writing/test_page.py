"""docs/writes.md: its commands, one after the other over the emulators, print what the page shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from lead_mcp.sandbox.app import Sandbox
from tests.pages import ROOT, Example, examples
from tests.process.processes import here
from tests.writing.desk import emulators, on_loopback

LEADS: Final = 300
WRITE: Final = re.compile(r"w-[0-9a-f]{16}")
VARIES: Final = (
    (WRITE, "w-"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
    (re.compile(r"anchor \d+:.*"), "anchor"),
    (re.compile(r"([0-9a-f]{8})-(\.\.\.|[0-9a-f-]{27})"), r"\1-"),
)
"""What differs from run to run."""
FILE: Final = """First name,Last name,Contact
Cleo,Fox,cleo.fox@example.com
Ann,Lee,ann.lee@example.com
Ray,Moss,ray.moss@example.com
"""
MOVED: Final = ("update_lead", "leadsquared", '{"status":"Contacted","city":"Tampa"}')
WON: Final = ("update_lead", "octanist", '{"status":"won"}')


@dataclass
class Reader:
    """Somebody who follows the page. ``ids``: the page's ids of writes, and what they are here."""

    box: Sandbox
    own: Mapping[str, str]
    folder: Path
    ids: dict[str, str] = field(default_factory=dict)

    def says(self, *words: str, **more: str) -> list[str]:
        """What a command prints, questions and mistakes first."""
        ended = here(*words, environment={**self.own, **more})
        return [*ended.stderr.splitlines(), *ended.stdout.splitlines()]

    def follow(self, example: Example) -> None:
        words = [self.ids.get(word, word) for word in example.words[1:]]
        words = [str(self.folder / word) if word.endswith(".csv") else word for word in words]
        answered = ["--yes"] if words[:1] == ["approve"] or words[:2] == ["journal", "undo"] else []
        printed = [line.replace(f"{self.folder}/", "") for line in self.says(*words, *answered)]
        assert list(unlike(example.shown, printed)) == [], (example.command, printed)
        ids = [WRITE.findall("\n".join(lines)) for lines in (example.shown, printed)]
        self.ids.update(zip(*ids, strict=False))

    def change(self, name: str, change: Sequence[str]) -> None:
        """Make a write that the page tells of by that id."""
        tool, account, changes = change
        found = self.says("call", "search_leads", f"account={account}", "limit=1", "detail=uris", "fields=status")
        uri = next(line for line in found if line.startswith("lead://")).partition("|")[0]
        said = "\n".join(self.says("call", tool, f"uri={uri}", f"changes={changes}", LEAD_MCP_WRITES="allow"))
        self.ids[name] = WRITE.findall(said)[-1]


def unlike(shown: Sequence[str], printed: Sequence[str]) -> Iterator[str]:
    """Lines of the page that were not printed in their order; ``...`` is any line, or a line's further words."""
    left = iter([plain(line) for line in printed])
    for line in map(plain, shown):
        begin = line.removesuffix("...").strip()
        if begin and not any(one.strip().startswith(begin) for one in left):
            yield line


def plain(line: str) -> str:
    for pattern, word in VARIES:
        line = pattern.sub(word, line)
    return line


@pytest.mark.slow
def test_the_commands_of_the_page_print_what_it_shows(tmp_path: Path) -> None:
    box = emulators(LEADS)
    (tmp_path / "leads.csv").write_text(FILE, "utf-8")
    before: dict[str, Callable[[Reader], Any]] = {
        "w-a3abed7f5cf8ef9c": lambda reader: reader.change("w-a3abed7f5cf8ef9c", MOVED),
        "w-253cd25f824aadb4": lambda reader: reader.change("w-253cd25f824aadb4", WON),
        "idempotency_key=web-42": lambda reader: box.fault("octanist", "cut_after", path="leads", method="POST"),
    }
    with on_loopback(box) as origin:
        state = {"LEAD_MCP_STATE_DIR": str(tmp_path / "state"), "LEAD_MCP_TIMEZONE": "UTC", "HOME": str(tmp_path)}
        reader = Reader(box, {**box.environment(origin), **state}, tmp_path)
        for example in examples(ROOT / "docs" / "writes.md"):
            for word in [word for word in before if word in example.words]:
                before.pop(word)(reader)
            lost = {"LEAD_MCP_WRITES": "allow"} if "web-42" in example.command else {}
            reader.own = {**reader.own, "LEAD_MCP_WRITES": "confirm", **lost}
            reader.follow(example)
    assert before == {}
