"""Files as people damage them: a configuration, a table to import, lines of JSON. What is wrong is said in words."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final
from unittest import mock

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from lead_mcp import settings
from lead_mcp.cli.importing.rows import read_file
from lead_mcp.errors import BadArgument, SettingsError
from tests.fuzz.drawing import JUNK, TEXTS, damaged
from tests.fuzz.promised import INNER, bounded
from tests.process.processes import clean
from tests.profiles import examples

CONFIG: Final = """
[server]
timezone = "America/New_York"
writes = "confirm"
deadline = 30
pii = "full"
http_origins = ["https://example.com"]

[accounts.west]
vendor = "convoso"
auth_token = "env:WEST_TOKEN"
rate = "3/1s"

[accounts.west.stages]
SALE = "won"

[accounts.le]
vendor = "leadexec"
client_id = "id-of-a-client"
client_secret = "secret-of-a-client"
lead_type_uids = "3471,3508"

[accounts.le.fields]
email = "Email"

[grants.ann]
accounts = ["west"]
scopes = ["leads:read"]
"""
CSV: Final = 'name,email,phone,note\nAnn,ann@example.com,+12135550101,"a, ""b""\nc"\nBo,bo@example.com,,\n'
JSONL: Final = """{"name": "Ann", "email": "ann@example.com", "custom": {"a": [1, 2.5, null]}}
{"name": "Bo", "phone": "+12135550102"}
"""


def told(error: BaseException, given: str) -> None:
    inner = INNER.search(str(error))
    assert inner is None or inner[0] in given, str(error)[:400]


def loaded(path: Path, text: str) -> None:
    """The settings of that file, or what is wrong with it, named."""
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    path.chmod(0o600)
    environment = clean({"LEAD_MCP_CONFIG": str(path), "WEST_TOKEN": "a-token-of-west"})
    with bounded(), mock.patch.dict(os.environ, environment, clear=True):
        try:
            settings.load()
        except SettingsError as error:
            told(error, text)


@given(text=damaged(CONFIG) | TEXTS)
@examples(40)
def test_a_damaged_configuration_loads_or_says_what_is_wrong(tmp_path: Path, text: str) -> None:
    loaded(tmp_path / "lead-mcp.toml", text)


@given(data=st.data())
@examples(40)
def test_any_value_at_any_place_of_a_configuration_is_taken_or_named(tmp_path: Path, data: st.DataObject) -> None:
    document: Any = tomlkit.parse(CONFIG).unwrap()
    holder = document
    for _ in range(data.draw(st.integers(0, 2))):
        tables = [key for key, value in holder.items() if isinstance(value, dict)]
        if tables:
            holder = holder[data.draw(st.sampled_from(sorted(tables)))]
    place = data.draw(st.one_of(st.sampled_from(sorted(holder)), TEXTS))
    value = data.draw(JUNK)
    try:
        text = tomlkit.dumps({**document} if holder is document else document)
        holder[place] = value
        text = tomlkit.dumps(document)
    except (ValueError, TypeError, AttributeError):  # TOML has no such value
        return
    loaded(tmp_path / "lead-mcp.toml", text)


@pytest.mark.parametrize(("name", "good"), [("leads.csv", CSV), ("leads.jsonl", JSONL)])
@given(data=st.data())
@examples(40)
def test_a_damaged_file_of_leads_is_read_or_refused(tmp_path: Path, name: str, good: str, data: st.DataObject) -> None:
    text = data.draw(damaged(good) | TEXTS | JUNK.map(json.dumps))
    coded = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"]))
    path = tmp_path / name
    path.write_bytes(text.encode(coded, "replace"))
    with bounded():
        try:
            for line in read_file(path).problems.texts():
                assert line
        except BadArgument as error:
            told(error, text)
