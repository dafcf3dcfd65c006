"""Nothing private of the SDK is touched, but in one module, which is held against the SDK's version here."""

from __future__ import annotations

import ast
import logging
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest
from mcp.server import MCPServer
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import server as making
from mcp.server.mcpserver.tools import Tool

import lead_mcp
from lead_mcp.server import build_server
from lead_mcp.settings import Settings, unusable
from lead_mcp.tools import sdk
from lead_mcp.tools.catalogue import LISTED

PACKAGE: Final = Path(lead_mcp.__file__).parent
THEIRS: Final = frozenset(
    name
    for base in (MCPServer, Server, Tool)
    for name in dir(base)
    if name.startswith("_") and not name.startswith("__")
)
SEAM: Final = Path(sdk.__file__)
USERS: Final = sorted(
    path for path in PACKAGE.rglob("*.py") if path != SEAM and "from mcp" in path.read_text(encoding="utf-8")
)


def settings() -> Settings:
    return unusable("nothing is configured")


def test_this_is_the_sdk_that_the_seam_was_written_for() -> None:
    """If this fails: look at every function of ``tools/sdk.py`` again, then name the new version there."""
    assert version("mcp").startswith(f"{sdk.VERSION}.")


def test_the_server_beneath_is_what_it_is_taken_for() -> None:
    server = build_server(settings())
    assert isinstance(sdk.lowlevel(server), Server)
    assert sdk.lowlevel(server).name == server.name


def test_a_server_leaves_the_loggers_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    before = list(logging.getLogger().handlers)
    theirs = vars(making)["configure_logging"]
    build_server(settings())
    assert caplog.handler in before
    assert logging.getLogger().handlers == before
    assert vars(making)["configure_logging"] is theirs


@pytest.mark.parametrize("path", USERS, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_nobody_else_touches_what_is_private_there(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    made_private_by_us = {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    touched = {one.attr for one in ast.walk(tree) if isinstance(one, ast.Attribute)} | made_private_by_us
    assert touched & (THEIRS | {"_lowlevel_server", "_tool_manager", "_tools"}) == set()


def test_no_argument_travels_in_a_header() -> None:
    """The SDK would look for a tool's schema among tools of its own, which has none of ours: nothing would be checked."""
    for one in LISTED:
        assert "x-mcp-header" not in str(one.make().parameters)
