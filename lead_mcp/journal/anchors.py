"""The newest event's number and hash, kept in the state folder beside the journal: a chain that is wiped whole is missed."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from lead_mcp.errors import BadArgument
from lead_mcp.journal.chain import Anchor
from lead_mcp.state_dir import read_private, write_private


@dataclass(frozen=True)
class AnchorFile:
    """One journal's anchor. It is written after every step, without waiting for the disk: an older one serves as well."""

    path: Path

    def keep(self, anchor: Anchor) -> None:
        with suppress(OSError):  # the step is on disk already; the next one writes it again
            write_private(self.path, json.dumps(asdict(anchor)).encode(), durable=False)

    def read(self) -> Anchor | None:
        """The anchor; None where there is none, or none that can be read."""
        try:
            found = json.loads(read_private(self.path))
            return Anchor(int(found["seq"]), str(found["hash"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None


def parse_anchor(text: str) -> Anchor:
    """``12:5f3a...`` as ``lead-mcp journal verify`` prints it. Raises BadArgument."""
    seq, _, digest = text.strip().partition(":")
    if not (seq.isascii() and seq.isdigit()) or len(digest) != 64:
        raise BadArgument(f"--anchor: {text[:80]!r} is no anchor; `lead-mcp journal verify` prints one (12:5f3a...).")
    return Anchor(int(seq), digest)
