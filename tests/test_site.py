"""The docs site: it builds strictly, and what its links lead to is there."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

from channels import site
from tests.llms import llms
from tests.pages import ROOT, text_of

NAV: Final = re.compile(r"^ +- (?:[\w ]+: )?(\S+\.md)$", re.MULTILINE)


def test_every_page_is_in_the_menu_once() -> None:
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]
    assert sorted(NAV.findall(text_of(ROOT / "mkdocs.yml"))) == sorted(pages)


def test_every_page_is_in_the_list_for_models() -> None:
    assert (ROOT / "docs" / "llms.txt").read_text("utf-8") == llms(), "python -m tests.pages writes it anew"


@pytest.mark.slow
@pytest.mark.skipif(find_spec("zensical") is None, reason="needs zensical, which `make docs` and `make check` install")
def test_the_site_builds_strictly_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    site.build(tmp_path / "site")
    assert list(site.broken(tmp_path / "site")) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "index.html").write_text(
        '<p id="here"><a href="#here"><a href="sub/#there"><a href="https://example.com">'
    )
    (tmp_path / "sub" / "index.html").write_text(
        '<p id="there"><a href="../#gone"><img src="../no.png"><a href="../../up">'
    )
    (tmp_path / "llms.txt").write_text("[one](sub/index.html) [two](page.md)")
    found = set(site.broken(tmp_path.resolve()))
    assert found == {
        "sub/index.html: ../#gone",
        "sub/index.html: ../no.png",
        "sub/index.html: ../../up",
        "llms.txt: page.md",
    }


def test_a_picture_of_a_terminal_is_small_and_loads_nothing() -> None:
    text = (ROOT / "docs" / "terminal.svg").read_text("utf-8")
    assert len(text) < 60_000
    assert set(re.findall(r"https?://[^\s\"<]+", text)) <= {"http://www.w3.org/2000/svg", "https://www.textualize.io"}
    assert "lead://" in text
