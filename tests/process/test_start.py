"""What a desktop client waits for each time it opens: the start of ``serve``, and what it leaves for later."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import pytest
from pydantic import BaseModel
from typer.core import TyperGroup
from typer.main import get_command

from lead_mcp.cli.commands import app
from lead_mcp.cli.starting import models_built_when_used, read_plain
from tests.process.processes import pipe, request

LINES: Final = (
    "serve",
    "serve --sandbox",
    "serve --config a.toml",
    "serve --config a.toml --sandbox --transport stdio",
    "serve --sandbox --sandbox --config a.toml --config b.toml",
    "serve --transport http",
    "serve --port 1",
    "serve --config=a.toml",
    "serve --config -a.toml",
    "serve --config",
    "serve --help",
    "serve --sandbox -- x",
    "serve x",
    "--version serve",
    "demo",
    "",
)
SHORT: Final = 5
"""The first so many lines take the short way."""


@pytest.mark.parametrize("line", LINES)
def test_a_line_read_the_short_way_means_what_it_means_to_typer(line: str) -> None:
    options = read_plain(line.split())
    assert (options is not None) == (line in LINES[:SHORT])
    if options is not None:
        group = get_command(app)
        assert isinstance(group, TyperGroup)
        context = group.commands["serve"].make_context("serve", line.split()[1:])
        assert options._asdict() == context.params


def test_models_that_load_for_the_server_are_built_when_one_is_used() -> None:
    with models_built_when_used():

        class Late(BaseModel):
            number: int

    class Early(BaseModel):
        number: int

    assert Early.__pydantic_complete__
    assert not Late.__pydantic_complete__
    assert Late(number=1) == Late.model_validate({"number": "1"})
    assert Late.__pydantic_complete__


PROGRAM: Final = (sys.executable, "-X", "importtime", "-m", "lead_mcp")
LOADED: Final = re.compile(r"import time:\s+\d+ \|\s+\d+ \|\s*(\S+)")
NEEDLESS: Final = frozenset("typer rich difflib sqlite3 httpcore2 h11 duckdb numpy dateutil".split())
OURS: Final = 81
"""Modules of ours at most: each is a file to find, open and run."""


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_tools_are_listed_before_anything_loads_that_the_list_does_not_need(era: str, tmp_path: Path) -> None:
    environment = {"OCTANIST_API_KEY": "k", "LEAD_MCP_STATE_DIR": str(tmp_path)}
    with pipe(environment=environment, folder=tmp_path, program=PROGRAM) as server:
        server.greet(era)
        server.send(request(2, "tools/list", {}, era))
        assert len(server.answer(2)["result"]["tools"]) > 5
        loaded = LOADED.findall(server.to_dict())
    packages = {name.partition(".")[0] for name in loaded}
    assert NEEDLESS & packages == frozenset()
    assert len([name for name in loaded if name.startswith("lead_mcp")]) <= OURS
