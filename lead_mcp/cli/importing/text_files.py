"""A file of text, line by line: UTF-8, or UTF-16 with a byte order mark, and no more of it in memory than one line."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lead_mcp.errors import BadArgument

MOST_BYTES: Final = 256 * 1024 * 1024
MOST_LINE: Final = 4_000_000
"""Characters that a line may have."""
CHUNK: Final = 1 << 16
UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def checked_size(path: Path) -> None:
    """Raises BadArgument for a file larger than is imported at once."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        message = f"{path.name} has {size:,} bytes; at most {MOST_BYTES:,} are imported at once. Split the file."
        raise BadArgument(message)


def digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def encoding_of(path: Path) -> str:
    """``utf-8-sig``, or ``utf-16`` where a byte order mark says so. Raises BadArgument for UTF-16 without one."""
    with path.open("rb") as file:
        start = file.read(CHUNK)
    if start.startswith(UTF_16):
        return "utf-16"
    if b"\0" in start:
        line = start.count(b"\n", 0, start.index(b"\0")) + 1
        raise BadArgument(f"{path.name}: line {line} holds a NUL character; save the file as UTF-8.")
    return "utf-8-sig"


def lines_of(path: Path) -> Iterator[str]:
    """The lines, each with its end. Raises BadArgument, naming the line, where one is no text or has no end."""
    encoding, number = encoding_of(path), 0
    with path.open(encoding=encoding, newline="") as file:
        try:
            while line := file.readline(MOST_LINE + 1):
                number += 1
                if len(line) > MOST_LINE:
                    message = f"{path.name}: line {number} has more than {MOST_LINE:,} characters."
                    raise BadArgument(message)
                yield line
        except UnicodeDecodeError:
            name = "UTF-16" if encoding == "utf-16" else "UTF-8"
            wrong = _undecodable_line(path, encoding)
            raise BadArgument(f"{path.name}: line {wrong} is not {name}; save the file as UTF-8.") from None


def _undecodable_line(path: Path, encoding: str) -> int:
    """The number of the line that cannot be decoded."""
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    with path.open("rb") as file:
        try:
            while chunk := file.read(CHUNK):
                line += decoder.decode(chunk).count("\n")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            good = error.object[: error.start].decode(encoding, errors="ignore")
            line += good.count("\n")
    return line
