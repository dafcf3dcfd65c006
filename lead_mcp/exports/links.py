"""Links to files over HTTP: signed, each for one file of one maker, good for a while. No replica keeps anything.

Whoever has a link may read the file: it is opened by a browser, which has no token. So it is short-lived, is made only for
whoever made the file, and the signature covers their name, which is not in the link: the manifest beside the file has it.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

PATH: Final = "/exports"
PURPOSE: Final = b"lead-mcp export links 1"
ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+", re.ASCII)
SECONDS: Final = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Link:
    """An address, and until when it leads anywhere."""

    url: str = field(repr=False)
    until: datetime


@dataclass(frozen=True, slots=True)
class Links:
    """Signs with the newest of the keys; what any of them has signed holds.

    ``keys``: newest first; ``seconds``: how long a link is good; ``origin``: where this server is known to be reached, or "".
    """

    keys: Sequence[bytes] = field(repr=False)
    seconds: int
    origin: str = ""

    def link(self, name: str, owner: str, now: datetime, origin: str) -> Link | None:
        """A link to that file of theirs. ``origin``: where the request has reached this server, if nothing better is known.

        None where neither is an address.
        """
        base, until = self.origin or origin, int(now.timestamp()) + self.seconds
        if ORIGIN.fullmatch(base) is None:
            return None
        query = urlencode({"expires": until, "signature": _signature(self.keys[0], name, owner, until)})
        return Link(f"{base}{PATH}/{name}?{query}", datetime.fromtimestamp(until, UTC))

    def hold(self, name: str, owner: str, expires: str, signature: str, now: datetime) -> bool:
        """Whether a link with this end and this signature leads to that file of that owner now."""
        if SECONDS.fullmatch(expires) is None:
            return False
        until, given = int(expires), signature.encode()
        same = [hmac.compare_digest(_signature(key, name, owner, until).encode(), given) for key in self.keys]
        return any(same) and now.timestamp() < until


def _signature(key: bytes, name: str, owner: str, until: int) -> str:
    own = hmac.digest(key, PURPOSE, "sha256")
    found = hmac.digest(own, json.dumps([name, owner, until]).encode(), "sha256")
    return urlsafe_b64encode(found).decode().rstrip("=")
