"""What commands print. Nothing here raises: a write that is done is not undone by a terminal that cannot show a name.

``guarded`` stands round every command but ``serve``: what the output's encoding has not is escaped, and a reader that has gone
away ends the output and not the command, so that the exit code still tells what happened.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast


def json_line(value: Any) -> str:
    """JSON on one line that no terminal takes for a command: what is not printable is escaped, C1 controls too."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)


class Quiet:
    """A stream whose failures are nobody's: what it cannot take is dropped from then on."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.broken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        if not self.broken:
            try:
                self._write(text)
            except (OSError, ValueError):
                self.broken = True
        return len(text)

    def _write(self, text: str) -> None:
        try:
            self.stream.write(text)
        except UnicodeError:
            encoding = self.stream.encoding or "ascii"
            self.stream.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if not self.broken:
            try:
                self.stream.flush()
            except (OSError, ValueError):
                self.broken = True

    def end(self) -> None:
        """Flush; what Python still wants to write to a broken stream when it ends goes nowhere."""
        self.flush()
        if self.broken:
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self.stream.fileno())
                os.close(nowhere)


@contextmanager
def guarded() -> Iterator[None]:
    """Output inside never raises."""
    before = sys.stdout, sys.stderr
    out, err = Quiet(sys.stdout), Quiet(sys.stderr)
    sys.stdout, sys.stderr = cast("TextIO", out), cast("TextIO", err)
    try:
        yield
    finally:
        out.end()
        err.end()
        sys.stdout, sys.stderr = before
