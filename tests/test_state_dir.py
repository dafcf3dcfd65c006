"""The state folder: made for its owner alone, and refused where somebody else could have a hand in it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lead_mcp.errors import NotAllowed
from lead_mcp.journal.store import Journal
from lead_mcp.outgoing.mask_key import read_key
from lead_mcp.state_dir import private_file, private_folder, read_private, write_private

pytestmark = pytest.mark.skipif(os.name != "posix", reason="owners, modes and links are POSIX here")

STRANGER = 54321
Use = Callable[[Path], object]
USES: dict[str, Use] = {
    "the journal": lambda folder: Journal(None, folder).open().close(),
    "the masks": read_key,
}
FILES = {"the journal": "journal.sqlite", "the masks": "mask.key"}


def refused(use: Use, folder: Path) -> str:
    with pytest.raises(NotAllowed) as caught:
        use(folder)
    return caught.value.message


@pytest.fixture(params=sorted(USES))
def what(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


def test_a_new_folder_and_what_is_in_it_are_for_the_owner_alone(what: str, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"
    USES[what](folder)
    assert folder.stat().st_mode & 0o777 == folder.parent.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in folder.rglob("*") if path.is_file()} <= {0}
    USES[what](folder)


def test_a_folder_everybody_can_write_to_is_refused(what: str, state: Path) -> None:
    for mode in (0o777, 0o1777, 0o702):
        state.chmod(mode)
        assert f"{state}: everybody can write to it: chmod o-w it" in refused(USES[what], state)
    assert list(state.iterdir()) == []


def test_a_folder_its_group_can_write_to_earns_a_warning(
    what: str, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state.chmod(0o770)
    with caplog.at_level(logging.WARNING, logger="lead_mcp"):
        USES[what](state)
    assert "its group can write to it" in caplog.text


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_a_folder_of_somebody_elses_is_refused(what: str, state: Path, tmp_path: Path) -> None:
    os.chown(state, STRANGER, STRANGER)
    assert f"belongs to user {STRANGER}" in refused(USES[what], state)
    mine, link = tmp_path / "mine", tmp_path / "link"
    mine.mkdir(mode=0o700)
    link.symlink_to(mine)
    os.chown(link, STRANGER, STRANGER, follow_symlinks=False)
    assert f"belongs to user {STRANGER}" in refused(USES[what], link)


def test_a_link_of_ones_own_to_a_folder_of_ones_own_is_fine(what: str, state: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(state)
    USES[what](link)
    assert (state / FILES[what]).is_file()


def test_a_file_that_is_a_link_is_refused_and_its_target_left_alone(what: str, state: Path, tmp_path: Path) -> None:
    target = tmp_path / "somebodys.txt"
    target.write_text("as it was")
    target.chmod(0o644)
    (state / FILES[what]).symlink_to(target)
    assert "it is a link" in refused(USES[what], state)
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("as it was", 0o644)


def test_a_link_to_nothing_makes_nothing(what: str, state: Path, tmp_path: Path) -> None:
    (state / FILES[what]).symlink_to(tmp_path / "new.txt")
    refused(USES[what], state)
    assert not (tmp_path / "new.txt").exists()


def test_a_file_with_a_second_name_is_refused(what: str, state: Path, tmp_path: Path) -> None:
    target = tmp_path / "somebodys.txt"
    target.write_bytes(bytes(32))
    os.link(target, state / FILES[what])
    assert "hard link" in refused(USES[what], state)


def test_what_is_no_file_is_refused(state: Path) -> None:
    os.mkfifo(state / "pipe")
    with pytest.raises(OSError, match="it is no file"):
        private_file(state / "pipe")
    with pytest.raises(OSError, match="it is no file"):
        read_private(state / "pipe")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        private_folder(state / "pipe")


def test_a_file_is_made_private_and_read_back(state: Path) -> None:
    path = private_folder(state) / "key"
    os.close(private_file(path, new=True))
    with pytest.raises(FileExistsError):
        private_file(path, new=True)
    path.chmod(0o666)
    os.close(private_file(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_private(path) == b""


def test_a_file_is_written_whole_or_not_at_all(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A draft of a killed process is in nobody's way; where the disk fails, the file is as it was and no draft stays."""
    path = state / "file.json"
    path.with_name("file.json.new").write_bytes(b"half of")
    write_private(path, b"old", alone=True)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for alone in (True, False):
        with pytest.raises(OSError, match="No space left"):
            write_private(path, b"new", alone=alone)
    assert [one.name for one in state.iterdir()] == [path.name]
    assert (read_private(path), path.stat().st_mode & 0o777) == (b"old", 0o600)
