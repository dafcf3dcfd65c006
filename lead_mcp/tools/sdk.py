"""What we need of the SDK and it has no public way to. Nobody else touches what is private there.

``tests/test_sdk.py`` holds this against the SDK's version: what is here is looked at again with every new one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from mcp.server import MCPServer
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import server as making

T = TypeVar("T")

VERSION: Final = "2.3"
"""The SDK's versions for which this is true."""


def lowlevel(server: MCPServer[T]) -> Server[Any]:
    """The server beneath: the only one that runs over streams of our own making."""
    return server._lowlevel_server  # MCPServer runs over the streams it opens itself


@contextmanager
def logging_left_alone() -> Iterator[None]:
    """A server that is made inside does not load rich for a handler of its own, where there is one already.

    ``logging.basicConfig`` would drop that handler again.
    """
    names = vars(making)
    theirs = names["configure_logging"]
    if logging.getLogger().handlers:
        names["configure_logging"] = lambda level: None
    try:
        yield
    finally:
        names["configure_logging"] = theirs
