"""docs/llms.txt: the pages in the order of the site's menu, each with one line. Source of the form: llmstxt.org."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Final

from tests.pages import README, ROOT, text_of

ENTRY: Final = re.compile(r"^ +- (?:(?P<heading>[\w ]+):|(?P<page>\S+\.md))$", re.MULTILINE)
ROW: Final = re.compile(r"^\| \[docs/(.*?)\]\(.*?\) \| (.*) \|$", re.MULTILINE)
UNLISTED: Final = {
    "vendors": "what is sent, limits, quirks, writing, fields, what is unverified",
    "sources.md": "the documents behind what the code says of a vendor",
}
"""Pages that the README does not list."""


def llms() -> str:
    """The whole file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return "\n".join([f"# {project['name']}", "", f"> {project['description']}", *_lines()]) + "\n"


def _lines() -> Iterator[str]:
    about = dict(ROW.findall(text_of(README)))
    for found in ENTRY.finditer(text_of(ROOT / "mkdocs.yml").partition("\nnav:\n")[2]):
        if found["heading"]:
            yield from ("", f"## {found['heading']}", "")
        elif (page := found["page"]) != "index.md":
            yield f"- [{title(page)}]({page}): {about.get(page) or UNLISTED[page.partition('/')[0]]}"


def title(page: str) -> str:
    return text_of(page).partition("\n")[0].removeprefix("# ")
