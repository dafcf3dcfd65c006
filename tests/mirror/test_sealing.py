"""The tables' files encrypted: whoever has no key reads nothing, and nobody is shown it."""

from __future__ import annotations

import json
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from lead_mcp.errors import NotConfigured
from lead_mcp.mirror.exporting import export_all
from lead_mcp.mirror.generation import current
from lead_mcp.mirror.sealing import NAME, sealing_of
from tests.driving import NOW
from tests.mirror.keeping import Keeping, keeping

pytestmark = pytest.mark.skipif(find_spec("duckdb_extension_httpfs") is None, reason="what encrypts is an extra")
SEALED = {"LEAD_MCP_MIRROR_KEY": "file"}
COUNT = {"sql": "SELECT count(*) FROM leads", "since": "2000-01-01", "source": "mirror"}


def counted(kept: Keeping) -> Any:
    return kept.bench.call("query_sql", **COUNT)["result"]["rows"]


def held(folder: Path) -> list[bytes]:
    """What stands in the tables' files."""
    return [path.read_bytes() for path in folder.rglob("*.duckdb*")]


def test_the_files_say_nothing_without_the_key_which_no_process_shows(tmp_path: Path) -> None:
    with keeping(tmp_path, 20, only=["octanist"], environment=SEALED) as kept:
        kept.sync()
        assert counted(kept) == [[20]]
        key, uri = tmp_path / NAME, next(iter(kept.bench.everything("octanist"))).uri
        assert (key.stat().st_mode & 0o777, len(key.read_text())) == (0o600, 64)
        assert not any(uri.encode() in one for one in held(tmp_path))
        child = kept.mirror.cage.child
        assert child is not None
        seen = [Path(f"/proc/{child.process.pid}/{name}") for name in ("cmdline", "environ")]
        assert not any(key.read_bytes() in path.read_bytes() for path in seen if path.exists())
        assert key.read_text() not in json.dumps(child.options) + repr(kept.mirror)
        lead = {"name": "Nova Example", "email": "nova@example.com"}
        kept.bench.call("insert_lead", account="octanist", lead=lead)
        kept.bench.runtime.common.clock = lambda: NOW + timedelta(minutes=2)
        kept.sync()
        found = current(kept.mirror.folder)
        assert found is not None
        assert found.delta
        assert counted(kept) == [[21]]
        manifest = kept.bench.portal.call(export_all, kept.mirror, tmp_path / "out")
        assert manifest["tables"]["leads"]["rows"] == 21


@pytest.mark.slow
def test_with_another_key_or_none_the_files_are_made_anew(tmp_path: Path) -> None:
    settings: list[dict[str, str]] = [{}, SEALED, {"LEAD_MCP_MIRROR_KEY": "file", "again": "yes"}, {}]
    files = set[str]()
    for environment in settings:
        if environment.pop("again", None):
            (tmp_path / NAME).unlink()
        with keeping(tmp_path, 20, only=["octanist"], environment=environment) as kept:
            if not files:
                kept.sync()
            assert counted(kept) == [[20]]
            found = current(kept.mirror.folder)
            assert found is not None
            files.add(found.base)
            assert bool(found.sealed) == bool(environment)
    assert len(files) == 4


def test_a_key_that_cannot_be_had_is_said(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("short")
    with pytest.raises(NotConfigured, match="damaged"):
        sealing_of("file", tmp_path)
    with pytest.raises(NotConfigured, match="a lake's files"):
        sealing_of("file", tmp_path, lake=True)
    assert sealing_of("off", tmp_path).mark == ""
