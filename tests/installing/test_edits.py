"""One entry is edited and nothing else: JSON, TOML and YAML of any shape."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp.clients.formats import FORMATS, CannotKeep, edited, table_of
from lead_mcp.clients.json_text import NoJson, load

ENTRY: Final = {"command": "/opt/lead mcp/bin/lead-mcp", "args": ["serve"], "env": {"LEAD_MCP_CONFIG": "/ü.toml"}}
PATH: Final = ("mcpServers", "lead-mcp")
TRIVIA: Final = ("", " ", "\n", "\n  ", "\r\n\t", ' // no } "\n', "/* , { */", "\n# not one\n"[:1])
KEYS: Final = st.sampled_from(["a", "mcpServers", "lead-mcp", 'ä"\\', "// no", "{"])
SCALARS: Final = st.sampled_from([None, True, 0, -1.5e9, "", "text", 'a "quoted" // }', "é\n"])
VALUES: Final = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@st.composite
def spelled(draw: st.DrawFn, value: Any) -> str:
    """A value as JSON with whatever may stand between its parts."""

    def gap() -> str:
        return draw(st.sampled_from(TRIVIA))

    if not isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=draw(st.booleans()))
    if isinstance(value, dict):
        parts = [f"{gap()}{json.dumps(key)}{gap()}:{gap()}{draw(spelled(one))}{gap()}" for key, one in value.items()]
    else:
        parts = [f"{gap()}{draw(spelled(one))}{gap()}" for one in value]
    trailing = bool(parts) and draw(st.booleans())
    inner = ",".join(parts) + "," * trailing
    open_, close = ("{", "}") if isinstance(value, dict) else ("[", "]")
    return f"{open_}{inner}{gap()}{close}"


DOCUMENTS: Final = st.dictionaries(KEYS, VALUES, max_size=4).filter(
    lambda data: isinstance(data.get("mcpServers", {}), dict)
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[Any, str]:
    data = draw(DOCUMENTS)
    return data, f"{draw(st.sampled_from(TRIVIA))}{draw(spelled(data))}{draw(st.sampled_from(TRIVIA))}"


def remarks(text: str) -> list[str]:
    """The comments of a JSON text, whatever else it holds."""
    return [found for found in re.findall(r'"(?:[^"\\]|\\.)*"|(//[^\r\n]*|/\*.*?\*/)', text, re.DOTALL) if found]


@given(documents())
def test_any_json_is_read_as_it_was_meant(made: tuple[Any, str]) -> None:
    data, text = made
    assert load(text) == data


@given(documents())
def test_an_entry_goes_in_and_everything_else_stays(made: tuple[Any, str]) -> None:
    data, text = made
    new = edited("json", text, PATH, ENTRY)
    assert load(new) == {**data, "mcpServers": {**data.get("mcpServers", {}), "lead-mcp": ENTRY}}
    if "lead-mcp" not in data.get("mcpServers", {}):
        assert remarks(new) == remarks(text)
    assert edited("json", new, PATH, ENTRY) == new


@given(documents())
def test_an_entry_comes_out_and_everything_else_stays(made: tuple[Any, str]) -> None:
    data, text = made
    new = edited("json", edited("json", text, PATH, ENTRY), PATH, None)
    assert load(new)["mcpServers"] == {k: v for k, v in data.get("mcpServers", {}).items() if k != "lead-mcp"}
    if data.get("mcpServers") and "lead-mcp" not in data["mcpServers"]:
        assert "".join(new.split()) == "".join(text.split()), "only white space may differ"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{\n  "mcpServers": {}\n}', '{\n  "mcpServers": {\n    "lead-mcp": 1\n  }\n}'),
        ('{"a":1}', '{"a":1, "mcpServers": {"lead-mcp": 1}}'),
        ('{\n\t"a": 1 // one\n}\n', '{\n\t"a": 1, // one\n\t"mcpServers": {\n\t\t"lead-mcp": 1\n\t}\n}\n'),
        ('{\n  "a": 1,\n}\n', '{\n  "a": 1,\n  "mcpServers": {\n    "lead-mcp": 1\n  },\n}\n'),
        ("", '{\n  "mcpServers": {\n    "lead-mcp": 1\n  }\n}\n'),
    ],
)
def test_it_is_written_as_its_neighbours_are(before: str, after: str) -> None:
    assert edited("json", before, PATH, 1) == after


@pytest.mark.parametrize(
    "text",
    ['{"a": 1', '{"a" 1}', "{'a': 1}", '{"a": 1} x', '{"a": 01}', '{"a": "\\x"}', "{,}", '{"a": [1 2]}', "[" * 9999],
)
def test_broken_json_says_where(text: str) -> None:
    with pytest.raises(NoJson, match=r"line 1, column \d+|nested"):
        load(text)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("json", '{"mcpServers": []}', "no table"),
        ("json", "[1]", "form"),
        ("toml", "mcpServers = 3", "no table"),
        ("toml", "= 3", "not TOML"),
        ("yaml", "mcpServers: [1]", "no table"),
        ("yaml", "a: [", "not YAML"),
        ("yaml", "- a", "form"),
    ],
)
def test_a_form_that_is_not_known_is_left(name: str, text: str, why: str) -> None:
    with pytest.raises(CannotKeep, match=why):
        table_of(name, text, "mcpServers")


@pytest.mark.parametrize("text", ["extensions: {a: {b: 1}}\n", "{extensions: {}}\n", "a: &x {b: 1}\nextensions: *x\n"])
def test_yaml_that_has_no_lines_to_edit_is_left(text: str) -> None:
    with pytest.raises(CannotKeep):
        edited("yaml", text, ("extensions", "lead-mcp"), ENTRY)


@pytest.mark.parametrize(
    "text",
    [
        "", "a: 1", "a: 1\n", "extensions: ~\n", "extensions: {}\n", "extensions:  # none\nb: 1\n",
        "extensions:\n    x:\n        y: 1\n    # last\n", "extensions:\n  x: |\n    text\n\n    more\nb: 2\n",
        "extensions:\n  lead-mcp:\n    cmd: old\n    args:\n    - serve\n\n  x: 1\n", "extensions:\n  lead-mcp: {}\n",
        "# only a remark\n", "---\na: yes\n",
    ],
)  # fmt: skip
def test_yaml_is_edited_by_lines(text: str) -> None:
    yaml = FORMATS["yaml"]
    path = ("extensions", "lead-mcp")
    new = edited("yaml", text, path, ENTRY)
    assert edited("yaml", new, path, ENTRY) == new
    assert [line for line in text.splitlines() if "#" in line] == [line for line in new.splitlines() if "#" in line]
    gone = edited("yaml", new, path, None)
    assert (yaml.load(gone).get("extensions") or {}) == {
        key: value for key, value in (yaml.load(text).get("extensions") or {}).items() if key != "lead-mcp"
    }


@pytest.mark.parametrize(
    "text",
    [
        "", "a = 1", "# remark\n[mcp_servers]\n", 'mcp_servers = {x = {command = "y"}}\n', "mcp_servers.x.command = 'y'\n",
        "[mcp_servers.x]\na = 1\n[other]\nb = 2\n[mcp_servers.y]\nc = 3 # three\n",
        "[mcp_servers.lead-mcp]\ncommand = 'old' # why\nextra = 1\n[mcp_servers.lead-mcp.env]\nA = '1'\n[z]\n",
    ],
)  # fmt: skip
def test_toml_keeps_its_remarks(text: str) -> None:
    path = ("mcp_servers", "lead-mcp")
    new = edited("toml", text, path, ENTRY)
    assert edited("toml", new, path, ENTRY) == new
    assert re.findall(r"#.*", text) == re.findall(r"#.*", new)
    edited("toml", new, path, None)
