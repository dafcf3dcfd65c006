"""The docs site: ``python -m channels.site [FOLDER]`` builds it by mkdocs.yml into that folder, else into ``site``.

Zensical is strict about links between pages. What it does not look at (files, pictures, places in built pages) is looked at
here, in the HTML as a browser would follow it. The pages' Markdown goes beside them, for ``llms.txt``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import unquote

ROOT: Final = Path(__file__).parent.parent
ELSEWHERE: Final = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
MARKDOWN_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")


class Reading(HTMLParser):
    """The places of a page, and what it leads to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("id"):
            self.places.add(str(found["id"]))
        self.targets += [str(found[key]) for key in ("href", "src") if found.get(key)]


def build(site: Path) -> None:
    """Make the site anew in that folder. Raises CalledProcessError where Zensical finds a fault, which is on stderr then."""
    with TemporaryDirectory(prefix="lead-mcp-docs-") as own:
        project = Path(own)
        shutil.copytree(ROOT / "docs", project / "docs")
        shutil.copyfile(ROOT / "mkdocs.yml", project / "mkdocs.yml")
        words = [sys.executable, "-m", "zensical", "build", "--strict"]
        subprocess.run(words, cwd=project, check=True)
        shutil.rmtree(site, ignore_errors=True)
        shutil.move(project / "site", site)
    for page in (ROOT / "docs").rglob("*.md"):
        shutil.copyfile(page, site / page.relative_to(ROOT / "docs"))


def broken(site: Path) -> Iterator[str]:
    """Every link of the site that leads nowhere, as ``PAGE: TARGET``."""
    pages = {path: Reading(path.read_text("utf-8")) for path in site.rglob("*.html")}
    links = [(path, target) for path, page in pages.items() for target in page.targets]
    links += [
        (path, target) for path in site.glob("*.txt") for target in MARKDOWN_LINK.findall(path.read_text("utf-8"))
    ]
    for path, target in links:
        if not ELSEWHERE.match(target) and not _is_there(site, pages, path, unquote(target)):
            yield f"{path.relative_to(site)}: {target}"


def _is_there(site: Path, pages: dict[Path, Reading], page: Path, target: str) -> bool:
    name, _, place = target.partition("#")
    base = site if name.startswith("/") else page.parent
    path = (base / name.lstrip("/")).resolve() if name else page
    path = path / "index.html" if path.is_dir() else path
    inside = path.is_relative_to(site) and path.is_file()
    return inside and (not place or path not in pages or place in pages[path].places)


def main(words: list[str]) -> int:
    """Build and look; the exit code."""
    site = Path(words[0] if words else ROOT / "site").resolve()
    try:
        build(site)
    except subprocess.CalledProcessError as error:
        return error.returncode
    wrong = sorted(broken(site))
    sys.stderr.writelines(f"leads nowhere: {line}\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
