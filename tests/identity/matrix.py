"""Who may do what, as the code says it: a row for each tool, resource, prompt and completion, a column for each scope.

``python -m tests.identity.matrix`` writes the table into docs/team-server.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lead_mcp.identity.scopes import COMPLETIONS, RESOURCES, TOOLS, Needs, Scope, prompt_needs
from lead_mcp.tools import prompts, templates
from lead_mcp.tools.catalogue import LISTED

PAGE: Final = Path(__file__).parents[2] / "docs" / "team-server.md"
TABLE: Final = re.compile(r"(<!-- matrix -->\n)(.*?)(<!-- end -->)", re.DOTALL)
COLUMNS: Final = [scope for scope in Scope if scope is not Scope.PII_READ]


def tools() -> list[str]:
    return [one.name for one in LISTED]


def prompt_names() -> list[str]:
    return [one.__name__ for one in prompts.PROMPTS]


def schemes() -> list[str]:
    return [uri.partition("://")[0] for uri in (*templates.TEMPLATES, *templates.WITH_A_FOLDER, *templates.FIXED)]


def rows() -> Iterator[tuple[str, Needs]]:
    """Every thing that a caller may ask for, with what it needs."""
    yield from ((f"`{name}`", TOOLS[name]) for name in tools())
    yield from ((f"resource `{scheme}://`", RESOURCES[scheme]) for scheme in schemes())
    yield from ((f"prompt `{name}`", prompt_needs(name)) for name in prompt_names())
    yield from ((f"completion of `{name}`", needs) for name, needs in COMPLETIONS.items())
    yield "any other completion", frozenset()


def table() -> str:
    head = ["", *(f"`{scope}`" for scope in COLUMNS)]
    lines = [head, ["---"] * len(head)]
    lines += [[name, *("needed" if scope in needs else "" for scope in COLUMNS)] for name, needs in rows()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(TABLE.sub(lambda found: found[1] + table() + found[3], PAGE.read_text("utf-8")), "utf-8")
