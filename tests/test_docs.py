"""What the pages say of settings, tools, fields, words, codes, layers and sources is what the code has, and vice versa."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic_core import PydanticUndefined

from lead_mcp import __version__, capabilities, errors, settings
from lead_mcp.dates import WORDS
from lead_mcp.filters import Op
from lead_mcp.settings import PREFIX, Server, settings_of
from lead_mcp.tools.catalogue import LISTED, Listing
from lead_mcp.vendors import every
from lead_mcp.vendors.spec.fields import CANONICAL, PING_FIELDS
from lead_mcp.vendors.spec.vendor import Setting
from tests.pages import COMMAND, INLINE, PAGES, README, ROOT, blocks, marked, prose, text_of, troubles
from tests.test_layers import LAYERS
from tests.troubles import messages
from tests.vendor_pages import facts

SERVER: Final = {f"{PREFIX}{name.upper()}": field for name, field in Server.model_fields.items()}
VENDORS: Final[dict[str, Setting]] = {
    f"{name.upper()}_{key.upper()}": setting
    for name, vendor in every().items()
    for key, setting in settings_of(vendor).items()
}
NAMED: Final = re.compile(
    rf"(?<!env:)\b(?:{'|'.join((PREFIX[:-1], *(name.upper() for name in every())))})_[A-Z_]+[A-Z]\b"
)
TAG: Final = re.compile(r"\b[HSCP]\d{1,2}\b")


def section(page: str, heading: str) -> str:
    """What stands under a heading of the second level."""
    return text_of(page).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(text: str) -> dict[str, list[str]]:
    """The tables of a text: the first cell to the others."""
    found = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines() if line[:1] == "|"
    ]
    return {cells[0]: cells[1:] for cells in found}


# --- vendors ------------------------------------------------------------------------------------------------------


def test_the_table_of_vendors_is_what_the_code_gives() -> None:
    assert marked(text_of("vendors.md"), "capabilities") == capabilities.table(), "python -m tests.pages writes it anew"


def test_the_table_has_a_column_for_every_vendor_and_no_empty_cell() -> None:
    lines = [line.strip("|").split("|") for line in capabilities.table().splitlines()]
    assert {len(line) for line in lines} == {1 + len(every())}
    assert all(cell.strip() for line in lines[1:] for cell in line)


@pytest.mark.parametrize("vendor", sorted(every()))
def test_every_vendor_has_its_page_and_its_sources(vendor: str) -> None:
    title = every()[vendor].title
    assert text_of(f"vendors/{vendor}.md").startswith(f"# {title}\n")
    assert section(f"vendors/{vendor}.md", "Unverified").strip()
    assert f"(vendors/{vendor}.md)" in text_of("vendors.md")
    assert "`seed`" in section("sources.md", title)


@pytest.mark.slow
def test_the_pages_of_vendors_have_what_the_code_says_of_them() -> None:
    shown = {vendor: marked(text_of(f"vendors/{vendor}.md"), "facts") for vendor in every()}
    assert shown == facts(), "python -m tests.pages writes it anew"


@pytest.mark.parametrize("vendor", sorted(every()))
def test_every_source_that_the_code_names_by_a_tag_is_listed(vendor: str) -> None:
    files = (ROOT / "lead_mcp" / "vendors" / vendor).rglob("*.py")
    used = {tag for file in files for tag in TAG.findall(_remarks(file))}
    assert used - set(TAG.findall(section("sources.md", every()[vendor].title))) == set()


def _remarks(file: Path) -> str:
    """Comments and the lines of docstrings, near enough: tags do not stand in code."""
    lines = file.read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if re.search(r"#|\"\"\"|[Ss]ource|unverified|\([HSCP]\d", line))


# --- settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(SERVER))
def test_a_setting_of_the_server_has_its_row_and_default(name: str) -> None:
    default, means = rows(section("settings.md", "The whole server"))[f"`{name}`"]
    declared = SERVER[name].default
    assert means
    if declared in (None, ()) and name != f"{PREFIX}JOURNAL_URL":
        assert default == "none"
    elif declared not in (None, (), PydanticUndefined):
        assert default == f"`{declared}`"


@pytest.mark.parametrize("vendor", sorted(every()))
def test_every_setting_of_a_vendor_is_in_its_row_with_its_default(vendor: str) -> None:
    required, optional = rows(section("settings.md", "Accounts"))[every()[vendor].title]
    for key, setting in settings_of(every()[vendor]).items():
        name = f"`{vendor.upper()}_{key.upper()}`"
        assert name in (required if setting.groups else optional)
        assert not setting.default or f"{name} (`{setting.default}`" in optional


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "Dockerfile", ROOT / "claude_desktop_config.example.json"], ids=lambda p: p.name
)
def test_every_setting_that_a_page_names_exists(page: Path) -> None:
    text = re.sub(r"^.*env:.*$", "", text_of(page), flags=re.MULTILINE)
    assert set(NAMED.findall(text)) - SERVER.keys() - VENDORS.keys() == set()


def test_the_example_file_of_accounts_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks(text_of("settings.md"), "toml")
    for name in re.findall(r"env:(\w+)", example):
        monkeypatch.setenv(name, "0" * 24)
    (tmp_path / "accounts.toml").write_text(example, "utf-8")
    found = settings.load(tmp_path / "accounts.toml")
    assert len(found.accounts) == example.count("vendor =")
    assert found.warnings == ()


def _client_entries() -> Iterator[dict[str, Any]]:
    texts = [*blocks(text_of(README), "json"), text_of(ROOT / "claude_desktop_config.example.json")]
    for found in map(json.loads, texts):
        yield from found["mcpServers"].values()


def test_the_clients_configurations_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for entry in _client_entries():
        command, *words = entry["args"]
        COMMAND.commands[command].make_context(command, [*words])
        with monkeypatch.context() as patch:
            for name, value in entry.get("env", {}).items():
                patch.setenv(name, value)
            assert settings.load(None).accounts or "--sandbox" in words


def test_the_registry_entry_is_of_this_package_and_version() -> None:
    entry = json.loads((ROOT / "server.json").read_text("utf-8"))
    assert f"mcp-name: {entry['name']}" in text_of(README)
    assert len(entry["description"]) <= 100
    assert {entry["version"], *(package["version"] for package in entry["packages"])} == {__version__}
    for one in (one for package in entry["packages"] for one in package["environmentVariables"]):
        name = one["name"]
        assert name in SERVER or one["isSecret"] == VENDORS[name].secret
        default = SERVER[name].default if name in SERVER else VENDORS[name].default
        assert one.get("default", "") == (default if isinstance(default, str) else "")


# --- tools and language -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listing", LISTED, ids=lambda one: one.name)
def test_a_tool_is_in_the_readme_and_has_its_section_with_every_argument_and_key(listing: Listing) -> None:
    tool = listing.make()
    assert f"`{tool.name}`" in text_of(README)
    own = section("tools.md", tool.name)
    assert [name for name in tool.parameters["properties"] if f"`{name}`" not in own] == []


def test_every_code_of_an_error_has_its_section_and_its_example() -> None:
    declared = {getattr(one, "code", "") for one in vars(errors).values() if isinstance(one, type)}
    shown = troubles()
    assert shown.keys() == {code for code in declared if isinstance(code, str) and code}
    assert all(text.startswith(f"{code}: ") for code, text in shown.items()), "python -m tests.pages writes them"


@pytest.mark.slow
def test_the_errors_shown_are_those_that_come() -> None:
    assert troubles() == dict(messages()), "python -m tests.pages writes them anew"


def test_the_operators_are_those_there_are() -> None:
    listed = [op for cell in rows(section("filters.md", "Filters")) for op in INLINE.findall(cell)]
    assert sorted(listed) == sorted(Op)


def test_the_words_for_dates_are_those_there_are() -> None:
    cells = [INLINE.findall(cell) for cell in rows(section("filters.md", "Dates"))]
    assert list(WORDS) in cells


def test_the_fields_are_those_there_are() -> None:
    named = INLINE.findall(prose(section("filters.md", "Fields")))
    assert named[: len(CANONICAL)] == list(CANONICAL)
    assert set(PING_FIELDS) <= set(named)


def test_the_resources_are_those_there_are() -> None:
    from lead_mcp.tools.templates import TEMPLATES

    assert {f"`{template}`" for template in TEMPLATES} == rows(section("tools.md", "Resources")).keys() - {"URI", "---"}


# --- layers -------------------------------------------------------------------------------------------------------


def test_the_design_page_has_every_layer_in_order() -> None:
    listed = [
        name.removesuffix(".py").strip("/")
        for cell in rows(section("design.md", "Folders").partition("A vendor's folder:")[0])
        for name in INLINE.findall(cell)
    ]
    height = {name: nth for nth, names in enumerate(LAYERS) for name in names}
    assert set(listed) == height.keys() - {"__main__"} | {"sandbox"}
    heights = [height[name] for name in listed if name != "sandbox"]
    assert heights == sorted(heights)


def test_the_image_runs_a_command_that_there_is() -> None:
    (line,) = re.findall(r"^CMD (.*)$", text_of(ROOT / "Dockerfile"), re.MULTILINE)
    program, command, *words = json.loads(line)
    assert program == "lead-mcp"
    COMMAND.commands[command].make_context(command, words)
