"""The pages people read (README.md and docs/): their examples, commands, links and sentences.

An example is a ``console`` block: a line ``$ lead-mcp ...`` and what it prints. Those that call a tool over the sandbox are
run here over emulators whose clock stands still, so that their output is the same on every machine. Output is abridged:
cursors and the tails of UUIDs are left out, long lines are cut, and an example that ends with a line ``...`` shows only its
first lines. ``python -m tests.pages`` writes anew whatever programs know better than people.
"""

from __future__ import annotations

import json
import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any, Final

import typer.main

from lead_mcp import capabilities, vendors
from lead_mcp.cli.commands import app
from lead_mcp.sandbox.app import Sandbox, sandbox
from lead_mcp.sandbox.world import World
from tests.driving import UNTIL, Bench, bench, now
from tests.facts import emulators as emulators_of
from tests.installing.quick_start import conversation, sections
from tests.troubles import messages
from tests.vendor_pages import facts
from tests.writing.desk import on_loopback

ROOT: Final = Path(__file__).parent.parent
README: Final = ROOT / "README.md"
PAGES: Final = (README, *sorted((ROOT / "docs").rglob("*.md")))
COMMAND: Final[Any] = typer.main.get_command(app)
"""The command line as a program reads it."""
LEADS: Final = 2000
"""A vendor's leads in ``--sandbox``."""
BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE: Final = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
MARKED: Final = r"(<!-- {name}: begin -->\n)(.*?)(\n<!-- {name}: end -->)"
"""A part of a page that is written by a program."""
TROUBLE: Final = re.compile(r"^### `(?P<code>\w+)`\n\n```text\n(?P<text>.*?)```$", re.MULTILINE | re.DOTALL)
PROMPT: Final = "$ "
MORE: Final = "..."
WIDTH: Final = 130
UUID: Final = re.compile(r"([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CURSOR: Final = re.compile(r"(next_cursor: )\S+")


@dataclass(frozen=True)
class Example:
    """One command of a page and the output that the page shows below it."""

    page: str
    command: str
    shown: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        return shlex.split(self.command)

    @property
    def is_sandboxed_call(self) -> bool:
        return self.words[:2] == ["lead-mcp", "call"] and "--sandbox" in self.words

    @property
    def block(self) -> str:
        return "\n".join([PROMPT + self.command, *self.shown])


def text_of(page: Path | str) -> str:
    path = page if isinstance(page, Path) else ROOT / "docs" / page
    return path.read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The contents of the page's code blocks in that language."""
    return [found[2] for found in BLOCK.finditer(text) if found[1] == language]


def prose(text: str) -> str:
    """The page without its code blocks and its table of vendors."""
    return BLOCK.sub("", replaced(text, "capabilities", ""))


def marked(text: str, name: str) -> str:
    """The part of a page that is written by a program under that name."""
    found = re.search(MARKED.format(name=name), text, re.DOTALL)
    assert found is not None, name
    return found[2]


def replaced(text: str, name: str, new: str) -> str:
    """The page with that part written anew."""
    return re.sub(MARKED.format(name=name), lambda found: f"{found[1]}{new}{found[3]}", text, flags=re.DOTALL)


def examples(page: Path) -> Iterator[Example]:
    """Every command of the page's ``console`` blocks with its output."""
    for block in blocks(text_of(page), "console"):
        command, shown = "", list[str]()
        for line in [*block.splitlines(), PROMPT]:
            if not line.startswith(PROMPT):
                shown.append(line)
                continue
            if command:
                yield Example(page.name, command, tuple(shown))
            command, shown = line.removeprefix(PROMPT), []


def every_example() -> list[Example]:
    return [example for page in PAGES for example in examples(page)]


def commands(page: Path) -> Iterator[str]:
    """Every ``lead-mcp`` command line of the page: in examples, in shell blocks and between backticks."""
    text = text_of(page)
    shell = [line for block in blocks(text, "sh") for line in block.splitlines()]
    lines = [*(example.command for example in examples(page)), *shell, *INLINE.findall(prose(text))]
    yield from (line for line in lines if line.startswith("lead-mcp "))


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(prose(text_of(page))))
    return {heading.replace(" ", "-") for heading in headings}


def sentences(page: Path) -> Iterator[str]:
    """The page's sentences, those in table cells too, white space joined."""
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*[-|\d])", prose(text_of(page))):
        for cell in paragraph.split("|"):
            yield from re.split(r"(?<=[.:;?!]) +", " ".join(cell.split()).lstrip("-*# "))


# --- examples -----------------------------------------------------------------------------------------------------


def emulators() -> Sandbox:
    """The emulators that examples are run over."""
    return sandbox(vendors.emulators(), World(LEADS, until=UNTIL), clock=now, rated=False)


def output(box: Sandbox, example: Example) -> list[str]:
    """What the example prints in a process of its own (one server, no token yet), abridged as the page shows it."""
    _, _, tool, *words = [word for word in example.words if word != "--sandbox"]
    with bench(box=box) as driven:
        result = driven.raw_call(tool, **_arguments(driven, tool, words))
    lines = "\n".join(block.text for block in result.content if block.type == "text").splitlines()
    return _abridged(lines, example.shown)


def _arguments(driven: Bench, tool: str, words: Sequence[str]) -> dict[str, Any]:
    listed = driven.portal.call(driven.client.list_tools).tools
    schema = next(one.input_schema for one in listed if one.name == tool)["properties"]
    pairs = (word.partition("=") for word in words)
    return {name: _typed(text, schema[name]) for name, _, text in pairs}


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    """The text as the command line reads it: a comma list where a list is wanted, JSON where no text is."""
    if schema.get("type") == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text.split(",") if schema.get("type") == "array" else text


def _abridged(lines: Sequence[str], shown: Sequence[str]) -> list[str]:
    plain = [_cut(CURSOR.sub(rf"\1{MORE}", UUID.sub(rf"\1-{MORE}", line))) for line in lines]
    if shown and shown[-1] == MORE and len(shown) <= len(plain):
        return [*plain[: len(shown) - 1], MORE]
    return plain


def _cut(line: str) -> str:
    """The line, cut behind a word or a cell where it is long."""
    if len(line) <= WIDTH:
        return line
    end = max(line.rfind(mark, 0, WIDTH) for mark in " |")
    return f"{line[: end + 1].rstrip()} {MORE}"


def troubles() -> dict[str, str]:
    """The message that docs/troubleshooting.md shows for each code, its lines joined."""
    return {found["code"]: " ".join(found["text"].split()) for found in TROUBLE.finditer(text_of("troubleshooting.md"))}


def refresh_troubles() -> None:
    """Write the messages of docs/troubleshooting.md anew."""
    texts = dict(messages())

    def anew(found: re.Match[str]) -> str:
        return f"### `{found['code']}`\n\n```text\n{fill(texts[found['code']], WIDTH - 20)}\n```"

    page = ROOT / "docs" / "troubleshooting.md"
    page.write_text(TROUBLE.sub(anew, text_of(page)), "utf-8")


def refresh_marked() -> None:
    """Write anew what programs know: the table of vendors, and the quick start."""
    with tempfile.TemporaryDirectory() as home, on_loopback(sandbox(emulators_of(["octanist"]), rated=False)) as origin:
        said = conversation(Path(home), origin)
    parts = {
        **{(f"vendors/{name}.md", "facts"): text for name, text in facts().items()},
        ("vendors.md", "capabilities"): capabilities.table(),
        ("quick-start.md", "init"): f"```console\n{said}\n```",
        ("quick-start.md", "clients"): sections(),
    }
    for (page, name), new in parts.items():
        (ROOT / "docs" / page).write_text(replaced(text_of(page), name, new), "utf-8")


def refresh() -> None:
    """Write anew whatever programs know better than people: answers, messages, tables, what is typed and shown."""
    refresh_marked()
    refresh_troubles()
    box = emulators()
    for page in PAGES:
        text = text_of(page)
        for example in filter(lambda one: one.is_sandboxed_call, examples(page)):
            text = text.replace(example.block, "\n".join([PROMPT + example.command, *output(box, example)]))
        page.write_text(text, "utf-8")
    from tests.llms import llms  # it reads the pages

    (ROOT / "docs" / "llms.txt").write_text(llms(), "utf-8")


if __name__ == "__main__":
    refresh()
