"""What holds of every answer, whatever was asked: the promised shape, a code of the list, no inner words, in bounded time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from mcp.types import CallToolResult, TextContent

CODES: Final = frozenset(
    "bad_argument unknown_field not_configured not_offered not_allowed unauthorized not_found rejected conflict "
    "rate_limited unavailable timeout garbled too_large unknown_outcome".split()
)
INNER: Final = re.compile(
    r"Traceback|failed inside this server|\b\w*(Error|Exception|Warning)\b(?! page)|<class|0x[0-9a-f]{8}"
)
"""Words of the machinery: nobody's business."""
SECONDS: Final = 10.0
"""Of processor time that one call may take."""


def assert_promised(found: CallToolResult, given: Any = None) -> None:
    """An answer, or an error with a code of the list, in words and as JSON; nothing of the machinery in its own words.

    What was given may be quoted: it is not looked at.
    """
    said = dict(found.structured_content or {})
    shown = json.dumps(said, allow_nan=False, ensure_ascii=False)
    texts = [one.text for one in found.content if isinstance(one, TextContent)]
    assert any(texts), said
    if not found.is_error:
        return
    assert said["error"]["code"] in CODES, said
    assert said["error"]["message"], said
    quoted = json.dumps(given, default=str, ensure_ascii=False)
    for place in (shown, *texts):
        inner = INNER.search(place)
        assert inner is None or inner[0] in quoted, place[:500]


@contextmanager
def bounded() -> Iterator[None]:
    """Work that takes little processor time."""
    started = time.process_time()
    yield
    took = time.process_time() - started
    assert took < SECONDS, f"{took:.1f} s"


def without(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key not in names}
