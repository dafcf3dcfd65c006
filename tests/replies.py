"""Replies of vendors, made by hand."""

from __future__ import annotations

import json
from typing import Any

from lead_mcp.vendors.spec.http import Reply


def reply(body: Any, status: int = 200, **headers: str) -> Reply:
    """A reply with that body: bytes as they are, all else as JSON."""
    return Reply(status, body if isinstance(body, bytes) else json.dumps(body).encode(), headers)
