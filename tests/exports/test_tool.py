"""``export_leads``: a file in the operator's folder, and nowhere else, for whoever asked for it."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mcp import MCPError
from mcp.types import BlobResourceContents, ResourceLink, TextResourceContents

from lead_mcp.errors import NotFound, TooLarge
from lead_mcp.exports import folder as folders
from lead_mcp.exports.folder import NAME, ExportAccess, new_path, read_export, refused
from tests.driving import Bench, CallFailed, bench, uris

EVERY = frozenset({"convoso", "leadexec", "leadsquared", "leadtrackr", "octanist"})
ME = ExportAccess("me", anyone=False, pii="full", accounts=EVERY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="module")
def driven(folder: Path) -> Iterator[Bench]:
    with bench(60, environment={"LEAD_MCP_EXPORT_DIR": str(folder)}) as found:
        yield found


def read(driven: Bench, uri: str) -> str | bytes:
    (content,) = driven.portal.call(driven.client.read_resource, uri).contents
    if isinstance(content, BlobResourceContents):
        import base64

        return base64.b64decode(content.blob)
    assert isinstance(content, TextResourceContents)
    return content.text


@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx", "parquet"])
def test_it_writes_everything_and_answers_with_a_link_that_can_be_read(form: str, driven: Bench, folder: Path) -> None:
    answer = driven.raw_call("export_leads", since="2026-10-01", format=form)
    found = answer.structured_content or {}
    (link,) = [block for block in answer.content if isinstance(block, ResourceLink)]
    assert (str(link.uri), link.size) == (found["uri"], found["bytes"])
    path = folder / found["file"]
    assert found["path"] == str(path), "whoever is at the machine is told where"
    assert path.stat().st_mode & 0o777 == 0o600
    content = read(driven, found["uri"])
    assert (content.encode() if isinstance(content, str) else content) == path.read_bytes()
    assert found["rows"] == len(uris(driven.pages(since="2026-10-01", limit=200)))
    assert found["complete"]
    assert found["columns"][0] == "uri"
    assert {entry["account"] for entry in found["accounts"]} == EVERY


def test_a_later_call_goes_on_behind_the_first(driven: Bench, folder: Path) -> None:
    whole = driven.call("export_leads", since="2026-10-01")
    first = driven.call("export_leads", since="2026-10-01", limit=70)
    second = driven.call("export_leads", since="2026-10-01", limit=70, cursor=first["next_cursor"])
    lines = [(folder / one["file"]).read_text().splitlines()[1:] for one in (whole, first, second)]
    assert lines[0][:140] == [*lines[1], *lines[2]]
    assert not [path for path in folder.iterdir() if ".part" in path.name]


def test_nothing_is_a_file_too(driven: Bench) -> None:
    found = driven.call("export_leads", text="nobody of this name", since="2026-11-20")
    assert (found["rows"], found["complete"]) == (0, True)
    assert read(driven, found["uri"]) == "uri,name,email,phone,status,created_at\n"


def test_an_account_that_fails_is_in_the_answer(driven: Bench) -> None:
    driven.box.fault("octanist", "status", status=403, times=-1)
    try:
        found = driven.call("export_leads", since="2026-10-01")
    finally:
        driven.box.mend("octanist")
    assert not found["complete"]
    assert found["why"][0].startswith("octanist: unauthorized")


def test_it_is_there_only_with_a_folder() -> None:
    with bench(1, only=["octanist"]) as plain:
        tools = plain.portal.call(plain.client.list_tools).tools
        assert "export_leads" not in {tool.name for tool in tools}
        with pytest.raises(CallFailed, match="LEAD_MCP_EXPORT_DIR"):
            plain.call("export_leads")
        templates = plain.portal.call(plain.client.list_resource_templates).resource_templates
        assert "export://{name}" not in {one.uri_template for one in templates}


def test_it_says_that_it_writes_and_reads_the_vendors_alone(driven: Bench) -> None:
    tools = {tool.name: tool for tool in driven.portal.call(driven.client.list_tools).tools}
    hints = tools["export_leads"].annotations
    assert hints is not None
    assert (hints.read_only_hint, hints.destructive_hint) == (False, False)
    asked = {name: {*tools[name].input_schema["properties"]} for name in ("search_leads", "export_leads")}
    assert asked["export_leads"] == asked["search_leads"] | {"format"}


# --- the folder ---------------------------------------------------------------------------------------------------


def test_a_folder_that_is_gone_is_said_and_not_made(driven: Bench, folder: Path, tmp_path: Path) -> None:
    shutil.move(folder, tmp_path / "elsewhere")
    try:
        with pytest.raises(CallFailed, match="LEAD_MCP_EXPORT_DIR: the folder for exports is not there"):
            driven.call("export_leads", since="2026-10-01")
        assert not folder.exists()
    finally:
        shutil.move(tmp_path / "elsewhere", folder)


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (errno.ENOSPC, "unavailable", "is full"),
        (errno.EDQUOT, "unavailable", "is full"),
        (errno.EROFS, "not_configured", "cannot be used"),
        (errno.EACCES, "not_configured", "cannot be used"),
    ],
)
def test_why_the_folder_did_not_take_it(number: int, code: str, said: str) -> None:
    error = refused(OSError(number, os.strerror(number), "/secret/place"))
    assert error.code == code
    assert said in error.message
    assert "/secret" not in error.message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_leaves_nothing_behind(driven: Bench, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(folder.iterdir())
    with Path("/dev/full").open("wb") as full:
        write = os.write
        monkeypatch.setattr(os, "write", lambda number, data: write(full.fileno(), data) if len(data) > 500 else 1)
        with pytest.raises(CallFailed, match="is full"):
            driven.call("export_leads", since="2026-10-01")
        monkeypatch.undo()
    assert sorted(folder.iterdir()) == before


def test_a_new_name_is_ours_and_never_the_same(tmp_path: Path, driven: Bench) -> None:
    names = {new_path(tmp_path, "csv", driven.runtime.now()).name for _ in range(50)}
    assert len(names) == 50
    assert all(map(NAME.fullmatch, names))


# --- whose file it is ---------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Path, str]:
    """A file of "me", with values in clear."""
    name = "leads-20261121T120100-0123456789abcdef.csv"
    (tmp_path / name).write_text("uri\n")
    facts = {"owner": "me", "pii": "full", "among": sorted(EVERY), "bytes": 4, "format": "csv"}
    (tmp_path / f"{name}.manifest.json").write_text(json.dumps(facts))
    for path in tmp_path.iterdir():
        path.chmod(0o600)
    return tmp_path, name


@pytest.mark.parametrize(
    ("access", "may"),
    [
        (ME, True),
        (replace(ME, name="other"), False),
        (replace(ME, name="other", anyone=True), True),
        (replace(ME, pii="masked"), False),
        (replace(ME, anyone=True, pii="masked"), False),
        (replace(ME, accounts=EVERY - {"convoso"}), False),
    ],
)
def test_a_file_is_for_whoever_made_it_while_they_may_see_what_it_holds(
    access: ExportAccess, may: bool, kept: tuple[Path, str]
) -> None:
    if may:
        assert read_export(*kept, access)[1] == b"uri\n"
    else:
        with pytest.raises(NotFound):
            read_export(*kept, access)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "leads.csv", "..", "%2e%2e", ""])
def test_a_name_that_is_not_ours_names_nothing(name: str, driven: Bench, kept: tuple[Path, str]) -> None:
    with pytest.raises(NotFound):
        read_export(kept[0], name, ME)
    with pytest.raises(MCPError):
        read(driven, f"export://{name}")


def test_a_link_in_the_folder_is_not_followed(kept: tuple[Path, str], tmp_path: Path) -> None:
    place, name = kept
    (tmp_path / "secret").write_text("secret")
    (place / name).unlink()
    (place / name).symlink_to(tmp_path / "secret")
    with pytest.raises(NotFound):
        read_export(place, name, ME)


def test_a_file_too_large_for_a_message_is_not_read(kept: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MOST_BYTES", 3)
    with pytest.raises(TooLarge):
        read_export(*kept, ME)
