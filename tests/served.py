"""``python -m tests.served serve``: the program itself, with the invented vendors in its registry."""

from __future__ import annotations

from lead_mcp.cli import main
from tests.facts import registered

if __name__ == "__main__":
    with registered():
        main()
