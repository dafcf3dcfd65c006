"""The pages are a newcomer's way in: README short, links whole, commands real, examples as they really come out, no echo."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import pytest

from lead_mcp.sandbox.app import Sandbox
from tests.pages import (
    COMMAND,
    LINK,
    PAGES,
    README,
    ROOT,
    Example,
    anchors,
    blocks,
    commands,
    emulators,
    every_example,
    output,
    sentences,
    text_of,
)

MOST_LINES: Final = 150
ECHO: Final = 60
"""Characters from which a sentence that stands in two pages is a repetition."""
SANDBOXED: Final = [
    pytest.param(
        one, id=f"{one.page}: {one.command[:60]}", marks=[pytest.mark.slow] if one.page == "recipes.md" else []
    )
    for one in every_example()
    if one.is_sandboxed_call
]
PATH: Final = re.compile(
    r"(?<![\w/.-])(?:lead_mcp|tests|docs|benchmarks|evals|channels|soak)/[\w/.-]*\w\.(?:py|md|txt|json)"
)
"""A file of this repository."""
EVERY_COMMAND: Final = sorted({(page.name, line) for page in PAGES for line in commands(page)})


def page_id(path: Any) -> str:
    return str(path.name)


# --- README -------------------------------------------------------------------------------------------------------


def test_the_readme_is_a_page() -> None:
    assert len(text_of(README).splitlines()) <= MOST_LINES


def test_the_readme_begins_with_title_sentence_and_the_two_commands() -> None:
    title, sentence, commands_ = text_of(README).split("\n\n")[:3]
    assert title == "# lead-mcp"
    assert sentence.startswith("lead-mcp is ")
    assert sentence.count(". ") == 0
    assert re.findall(r"^make \w+", commands_, re.MULTILINE) == ["make demo", "make test"]


def test_the_readme_shows_a_real_answer_and_links_every_page() -> None:
    assert any(example.is_sandboxed_call for example in every_example() if example.page == README.name)
    linked = {target.partition("#")[0] for target in LINK.findall(text_of(README))}
    own = {f"docs/{page.name}" for page in PAGES[1:] if page.parent == ROOT / "docs"}
    assert own - linked <= {"docs/index.md", "docs/sources.md"}


# --- links and repetitions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_relative_link_leads_somewhere(page: Any) -> None:
    for target in LINK.findall(text_of(page)):
        file, _, heading = target.partition("#")
        if ":" in file:
            continue
        path = page if not file else (page.parent / file).resolve()
        assert path.exists(), target
        assert page == README or path.is_relative_to(ROOT / "docs"), f"{target} is not on the docs site"
        assert not heading or heading in anchors(path), target


def test_no_sentence_stands_in_two_pages() -> None:
    where: dict[str, set[str]] = defaultdict(set)
    for page in PAGES:
        for sentence in sentences(page):
            where[sentence].add(page.name)
    repeated = {sentence: names for sentence, names in where.items() if len(names) > 1 and len(sentence) > ECHO}
    assert repeated == {}


# --- commands -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "line"), EVERY_COMMAND)
def test_every_command_line_is_one_that_the_program_takes(page: str, line: str) -> None:
    words = shlex.split(line.partition("  #")[0].replace("\\|", "|"))[1:]
    command: Any = COMMAND
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    command.make_context(command.name, [word for word in words if word != "..."], resilient_parsing=_is_cut(line))


def _is_cut(line: str) -> bool:
    """A command named without what it needs, such as ``lead-mcp approve``, or one that only prints."""
    return "--" not in line or "--version" in line or "--help" in line


def test_every_make_target_of_the_pages_exists() -> None:
    named = {target for page in PAGES for target in re.findall(r"\bmake ([a-z]+)\b", "\n".join(_code(page)))}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_every_path_and_module_of_the_pages_exists() -> None:
    text = "\n".join(map(text_of, PAGES))
    paths = {path for path in PATH.findall(text) if "acme" not in path}  # which is invented
    modules = {
        name.replace(".", "/") for name in re.findall(r"python -m ((?:lead_mcp|tests|evals|benchmarks)[\w.]*)", text)
    }
    assert {"tests/test_layers.py", "docs/settings.md"} <= paths
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    assert [
        name for name in sorted(modules) if not list(ROOT.glob(f"{name}.py")) + list(ROOT.glob(f"{name}/__main__.py"))
    ] == []


def _code(page: Any) -> Iterator[str]:
    text = text_of(page)
    yield from blocks(text, "sh")
    yield from re.findall(r"`(make [a-z]+)`", text)


def test_the_commands_page_has_every_command_and_every_option() -> None:
    page = text_of("commands.md")
    rows = dict(re.findall(r"^\| `(lead-mcp [a-z ]*[a-z])(.*)$", page, re.MULTILINE))
    for name, command in _leaves(COMMAND, "lead-mcp"):
        options = {option for one in command.params for option in one.opts if option.startswith("--")} - {"--help"}
        assert options == set(re.findall(r"(--[a-z-]+)", rows[name])), name


def _leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something; ``journal`` by itself stands for ``journal list``."""
    for word, one in command.commands.items():
        if name == "lead-mcp journal" and word == "list":
            continue
        group = hasattr(one, "commands")
        if not group or one.invoke_without_command:
            yield f"{name} {word}", one
        if group:
            yield from _leaves(one, f"{name} {word}")


# --- examples -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def box() -> Sandbox:
    return emulators()


@pytest.mark.parametrize("example", SANDBOXED)
def test_an_example_prints_what_the_page_shows(box: Sandbox, example: Example) -> None:
    assert output(box, example) == list(example.shown), "python -m tests.pages writes the examples anew"


def test_the_toml_examples_are_toml() -> None:
    found = [text for page in PAGES for text in blocks(text_of(page), "toml")]
    assert found
    assert all(map(tomllib.loads, found))
