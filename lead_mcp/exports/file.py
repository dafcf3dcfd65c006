"""The file on its way: ``FILE.part`` grows page by page, and becomes ``FILE`` in one step, with its manifest beside it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from lead_mcp import __version__
from lead_mcp.errors import BadArgument, Conflict
from lead_mcp.exports.checkpoint import Checkpoint
from lead_mcp.exports.formats import Format
from lead_mcp.exports.page import ExportPage, entry_to_read, reasons
from lead_mcp.state_dir import private_file, write_private

VERSION: Final = 1
"""Of the manifest's form, and of the file's on its way."""
BLOCK: Final = 1 << 20
Manifest = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """What is exported. ``masked``: the arguments as the manifest has them; ``facts``: whatever else the answer depends on."""

    tool: str
    arguments: Mapping[str, Any]
    masked: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def digest(self, form: Format) -> str:
        """The same for the same question in the same format, whoever asks it."""
        facts = [VERSION, self.tool, self.arguments, self.facts, form.name, form.lines.header(())]
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


@dataclass
class ExportFile:
    """One file in the making. Made by ``opened``; used by one process at a time, which holds a lock."""

    path: Path
    form: Format
    question: Question
    zone: str
    force: bool = False
    at: Checkpoint = field(default_factory=lambda: Checkpoint("", ""))
    _lock: FileLock | None = None
    _part: int | None = None

    @property
    def part(self) -> Path:
        return self._beside("part")

    @property
    def sidecar(self) -> Path:
        return self._beside("part.json")

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{ending}")

    # --- open and close ---------------------------------------------------------------------------------------------

    def open(self, now: str, start: str | None = None) -> None:
        """Begin the file (behind the cursor ``start``), or go on with it where an earlier run was cut off.

        Raises BadArgument where that run had another question or the file is there already, Conflict where another process
        is at it, OSError where it cannot be written.
        """
        self.check_free()
        self._hold()
        digest, before = self.question.digest(self.form), Checkpoint.load(self.sidecar)
        begun = before is not None and self.part.exists() and self.part.stat().st_size >= before.bytes
        if begun and before is not None and before.question != digest and not self.force:
            raise BadArgument(
                f"{self.part.name} is there, of an export that was cut off and asked another question or another format. Ask "
                "the same to go on with it; --force, or removing it, begins anew."
            )
        same = begun and before is not None and before.question == digest
        self.at = before if same and before is not None else Checkpoint(digest, now, start)
        self._part = private_file(self.part)
        os.ftruncate(self._part, self.at.bytes)
        os.lseek(self._part, 0, os.SEEK_END)

    def check_free(self) -> None:
        """Raises BadArgument where there is a file of that name, and nobody said that it may go."""
        if self.path.is_dir() or not self.path.parent.is_dir():
            raise BadArgument(f"{self.path}: name a file in a folder that there is.")
        if not self.force and (self.path.exists() or self.path.is_symlink()):
            raise BadArgument(f"{self.path} is there already. Name another file; --force overwrites it.")

    def _hold(self) -> None:
        lock = FileLock(self._beside("part.lock"), mode=0o600, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise Conflict(f"{self.path.name}: another process is writing it.") from None
        self._lock = lock

    def close(self, *, forget: bool = False) -> None:
        """Let go of it. ``forget``: remove what is there of it, so that nobody goes on."""
        if self._part is not None:
            os.close(self._part)
            self._part = None
        if forget:
            for one in (self.part, self.sidecar, self._beside("made"), self._beside("part.json.new")):
                one.unlink(missing_ok=True)
        if self._lock is not None:
            self._beside("part.lock").unlink(missing_ok=True)
            self._lock.release()
            self._lock = None

    # --- pages ------------------------------------------------------------------------------------------------------

    def add(self, page: ExportPage) -> None:
        """Write a page, then that it is written. Raises OSError."""
        header = "" if self.at.pages else self.form.lines.header(page.columns)
        text, defused = self.form.lines.written(page.columns, page.rows)
        found = (header + text).encode("utf-8", "replace")
        self._write(found)
        self.at.add(page, len(found), defused)
        self.at.save(self.sidecar)

    def _write(self, found: bytes) -> None:
        if self._part is None:
            raise TypeError("a file is opened before it is written")
        left = memoryview(found)
        while left:
            left = left[os.write(self._part, left) :]
        os.fsync(self._part)

    # --- the end ----------------------------------------------------------------------------------------------------

    def finish(self, now: str) -> Manifest:
        """Make the file of what was written; its manifest. Raises OSError, BadArgument."""
        made = self.part
        if self.form.make is not None:
            made = self._beside("made")
            os.close(private_file(made))
            self.form.make(self.part, made, self.zone)
        manifest = self._manifest(made, now)
        self.check_free()
        text = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
        write_private(self._beside("manifest.json"), text.encode("utf-8", "replace"), alone=True)
        made.replace(self.path)
        self.close(forget=True)
        return manifest

    def _manifest(self, made: Path, now: str) -> Manifest:
        at = self.at
        why = [*reasons(at.accounts), *at.left_out]
        return {
            "format_version": VERSION,
            "file": self.path.name,
            "format": self.form.name,
            "bytes": made.stat().st_size,
            "sha256": digest_of(made),
            "question": {"tool": self.question.tool, "arguments": dict(self.question.masked)},
            **self.question.facts,
            "columns": at.columns,
            "rows": at.rows,
            "pages": at.pages,
            "total": at.total,
            "complete": not why,
            **({"why": why} if why else {}),
            "next_cursor": at.cursor,
            **({"missing": at.missing} if at.missing else {}),
            **({"notes": at.notes} if at.notes else {}),
            "window": at.window,
            "zone": self.zone,
            "accounts": [entry_to_read(one) for one in at.accounts.values()],
            "defused_cells": at.defused,
            "started": at.started,
            "finished": now,
            "made_by": f"lead-mcp {__version__}",
        }


def digest_of(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()


def stamped(moment: datetime) -> str:
    """A moment as a manifest has it."""
    return moment.isoformat(timespec="seconds")
