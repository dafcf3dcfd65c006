"""The README's table of vendors is the one that the code gives; its settings and tools are those there are."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

from lead_mcp import __version__, capabilities
from lead_mcp.settings import PREFIX, Server, settings_of
from lead_mcp.tools.catalogue import TOOLS
from lead_mcp.vendors import every

ROOT: Final = Path(__file__).parent.parent
README: Final = (ROOT / "README.md").read_text("utf-8")
BETWEEN: Final = re.compile(r"<!-- capabilities: begin.*?-->\n(.*?)\n<!-- capabilities: end -->", re.DOTALL)


def test_the_table_of_vendors_is_what_the_code_gives() -> None:
    found = BETWEEN.search(README)
    assert found is not None
    assert found[1] == capabilities.table()


def test_the_table_has_a_column_for_every_vendor_and_no_empty_cell() -> None:
    lines = [line.strip("|").split("|") for line in capabilities.table().splitlines()]
    assert {len(line) for line in lines} == {1 + len(every())}
    assert all(cell.strip() for line in lines[1:] for cell in line)


@pytest.mark.parametrize("name", sorted(Server.model_fields))
def test_every_setting_of_the_server_is_in_the_readme(name: str) -> None:
    assert f"`{PREFIX}{name.upper()}`" in README


@pytest.mark.parametrize("vendor", sorted(every()))
def test_every_setting_of_a_vendor_is_in_the_readme(vendor: str) -> None:
    variables = {f"`{vendor.upper()}_{key.upper()}`" for key in settings_of(every()[vendor])}
    assert {variable for variable in variables if variable not in README} == set()


def test_every_tool_is_in_the_readme_and_in_its_own_page() -> None:
    page = (ROOT / "docs" / "tools.md").read_text("utf-8")
    names = [make().name for _, make in TOOLS]
    assert [name for name in names if f"`{name}`" not in README] == []
    assert [name for name in names if f"## {name}" not in page] == []


def test_every_argument_of_a_tool_is_on_the_tools_page() -> None:
    page = (ROOT / "docs" / "tools.md").read_text("utf-8")
    for _, make in TOOLS:
        tool = make()
        own = page.partition(f"## {tool.name}\n")[2].partition("\n## ")[0]
        assert [name for name in tool.parameters["properties"] if f"`{name}`" not in own] == [], tool.name


def test_every_link_to_a_file_leads_somewhere() -> None:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_toml_example_is_toml_and_the_json_examples_are_json() -> None:
    for text in re.findall(r"```toml\n(.*?)```", README, re.DOTALL):
        assert tomllib.loads(text)
    for text in re.findall(r"```json\n(.*?)```", README, re.DOTALL):
        assert json.loads(text)


def test_the_registry_entry_is_of_this_package_and_version() -> None:
    entry = json.loads((ROOT / "server.json").read_text("utf-8"))
    assert f"mcp-name: {entry['name']}" in README
    assert entry["version"] == __version__
    assert {package["version"] for package in entry["packages"]} == {__version__}
    names = {one["name"] for package in entry["packages"] for one in package["environmentVariables"]}
    known = {f"{name.upper()}_{key.upper()}" for name, vendor in every().items() for key in settings_of(vendor)}
    assert names <= known | {f"{PREFIX}{name.upper()}" for name in Server.model_fields}
