"""The part of a file that a request wants (RFC 9110, section 14): one range of bytes, as a download that goes on asks for."""

from __future__ import annotations

import re
from typing import Final

ONE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.ASCII)


def wanted(header: str, size: int) -> range | None:
    """The bytes of a ``Range`` header, empty where the file has none of them; None where it is no single range."""
    found = ONE.fullmatch(header.strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return range(max(0, size - int(found[2])), size)
    first, last = int(found[1]), int(found[2]) if found[2] else None
    if last is None:
        return range(min(first, size), size)
    return None if last < first else range(min(first, size), min(last + 1, size))
