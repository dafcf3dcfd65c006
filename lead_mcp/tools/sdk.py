"""What we need of the SDK and it has no public way to. Nobody else touches what is private there.

``tests/test_sdk.py`` holds this against the SDK's version: what is here is looked at again with every new one.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

from mcp.server import MCPServer
from mcp.server.lowlevel import Server

T = TypeVar("T")

VERSION: Final = "2.3"
"""The SDK's versions for which this is true."""


def lowlevel(server: MCPServer[T]) -> Server[Any]:
    """The server beneath: the only one that runs over streams of our own making."""
    return server._lowlevel_server  # MCPServer runs over the streams it opens itself
