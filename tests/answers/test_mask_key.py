"""The key of the masks: whole or not at all, the same for every process, never replaced once pseudonyms were made with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lead_mcp.errors import NotAllowed
from lead_mcp.outgoing import mask_key
from lead_mcp.outgoing.mask_key import NAME, SIZE, USED, read_key
from tests.driving import Bench, CallFailed, bench

DAMAGED = [b"", b"half a key", bytes(SIZE + 1)]


def test_many_starts_at_once_agree_on_one_whole_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: read_key(tmp_path), range(64)))
    assert keys == {(tmp_path / NAME).read_bytes()}
    assert len(keys.pop()) == SIZE
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0
    assert {one.name for one in tmp_path.iterdir()} <= {NAME, USED, mask_key.LOCK}


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_key_that_masked_nothing_is_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    assert len(read_key(tmp_path)) == SIZE
    assert read_key(tmp_path) == (tmp_path / NAME).read_bytes()


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_key_that_was_in_use_is_an_error_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    read_key(tmp_path)
    (tmp_path / NAME).write_bytes(content)
    for _ in range(2):
        with pytest.raises(NotAllowed, match="is damaged"):
            read_key(tmp_path)
    assert (tmp_path / NAME).read_bytes() == content


def test_a_key_from_before_is_in_use_from_its_first_reading(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(bytes(SIZE))
    assert read_key(tmp_path) == bytes(SIZE)
    assert (tmp_path / USED).exists()


def test_deleting_the_key_begins_anew(tmp_path: Path) -> None:
    first = read_key(tmp_path)
    (tmp_path / NAME).unlink()
    assert read_key(tmp_path) != first


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nobody stops root from writing")
def test_a_key_in_a_folder_that_cannot_be_written_serves(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(bytes(SIZE))
    tmp_path.chmod(0o500)
    assert read_key(tmp_path) == bytes(SIZE)
    tmp_path.chmod(0o700)


@pytest.fixture
def damaged(tmp_path: Path) -> Iterator[Bench]:
    read_key(tmp_path)
    (tmp_path / NAME).write_bytes(b"")
    with bench(8, environment={"LEAD_MCP_PII": "masked", "LEAD_MCP_STATE_DIR": str(tmp_path)}) as found:
        yield found


def test_a_server_whose_key_is_damaged_says_so_in_every_answer_and_shows_nothing(damaged: Bench) -> None:
    for tool, asked in (("search_leads", {}), ("list_accounts", {}), ("summarize_leads", {"group_by": ["email"]})):
        with pytest.raises(CallFailed) as failed:
            damaged.call(tool, **asked)
        assert failed.value.code == "not_allowed"
        assert "is damaged" in failed.value.message
        assert str(NAME) in failed.value.message
    with pytest.raises(Exception, match="is damaged"):
        damaged.portal.call(damaged.client.read_resource, "account://octanist")
