"""``python -m lead_mcp.view.build``: leads.html out of the sources beside it.

The sources are put together as they are, without comments and indentation. The page's own policy names script and style by
their hashes, so that nothing else in it can run.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
SCRIPTS: Final = ("host", "elements", "answer", "table", "charts", "story", "view")
"""In the order in which they use each other."""


def built() -> str:
    """The whole page."""
    style = _squeezed(_source("style.css"))
    script = f"(() => {{\n{''.join(_squeezed(_source(f'{name}.js')) for name in SCRIPTS)}}})();\n"
    page = _source("page.html")
    for name, text in (("style", style), ("script", script)):
        page = page.replace(f"{{{name}_hash}}", _hash(text)).replace(f"{{{name}}}", text)
    return page


def _source(name: str) -> str:
    return (HERE / "src" / name).read_text(encoding="utf-8")


def _squeezed(source: str) -> str:
    """Without indentation, empty lines and lines of comment. No source has a text over several lines."""
    lines = [line.strip() for line in source.splitlines()]
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def main() -> None:
    (HERE / "leads.html").write_text(built(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
