"""``python -m tests.picture``: docs/terminal.svg, commands over the sandbox as a terminal of 100 columns shows them."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shlex
import struct
import subprocess
import termios
from typing import Final

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from tests.pages import ROOT
from tests.process.processes import PROGRAM, clean

PICTURE: Final = ROOT / "docs" / "terminal.svg"
COLUMNS: Final = 100
ZONE: Final = {"LEAD_MCP_TIMEZONE": "America/New_York"}
COMMANDS: Final = (
    "lead-mcp call search_leads --sandbox limit=4 since=-14d fields=name,city detail=uris "
    """'filters=[{"field":"city","op":"eq","value":"miami"}]'""",
    "lead-mcp call query_pings --sandbox direction=inbound period=yesterday limit=0 group_by=source",
)
FORMAT: Final = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""Without fonts from elsewhere: a picture loads nothing."""


def printed(command: str) -> str:
    """What a command prints at a terminal, colours and all."""
    person, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    environment = {key: value for key, value in clean(ZONE).items() if key not in ("COLUMNS", "NO_COLOR")}
    words = [*PROGRAM, *shlex.split(command)[1:]]
    with subprocess.Popen(
        words, env={**environment, "TERM": "xterm-256color"}, stdout=terminal, stderr=terminal
    ) as process:
        os.close(terminal)
        shown = b""
        while process.poll() is None or shown[-1:] != b"\n":
            try:
                shown += os.read(person, 65536)
            except OSError:  # the terminal is closed: the process has ended
                break
    os.close(person)
    return shown.decode().replace("\r", "")


def picture() -> str:
    """The SVG."""
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), force_terminal=True)
    for command in COMMANDS:
        console.print(Text(f"$ {command}", style="bold"))
        console.print(Text.from_ansi(printed(command)))
    return console.export_svg(title="lead-mcp", code_format=FORMAT, unique_id="terminal")


if __name__ == "__main__":
    PICTURE.write_text(picture(), "utf-8")
