"""``python -m soak.emulators LEADS UNTIL``: the emulators over a world that others can draw as well, without their rates."""

from __future__ import annotations

import sys
from datetime import datetime

import anyio

from lead_mcp.sandbox.app import sandbox
from lead_mcp.sandbox.world import World
from lead_mcp.serving.listening import bound, serve_until_signalled
from lead_mcp.vendors import emulators


def main(leads: int, until: datetime) -> None:
    """Serve until a signal; where it listens is said on stderr."""
    box = sandbox(emulators(), World(leads, until=until), rated=False)
    anyio.run(serve_until_signalled, box.app, bound("127.0.0.1", 0), "127.0.0.1")


if __name__ == "__main__":
    main(int(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))
