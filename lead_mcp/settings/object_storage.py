"""Where object storage is and how to sign in to it, by the variables that every tool for S3 reads (``AWS_...``).

Source: AWS SDKs and Tools Reference Guide, "Environment variables" and "Service-specific endpoints" (read 2026-11-27).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class ObjectStorage:
    """An empty text: not set. ``endpoint``: the URL of a storage that is not Amazon's own."""

    key: str = ""
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    region: str = ""
    endpoint: str = ""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        def first(*names: str) -> str:
            return next((environment[name] for name in names if environment.get(name)), "")

        return cls(
            key=first("AWS_ACCESS_KEY_ID"),
            secret=first("AWS_SECRET_ACCESS_KEY"),
            token=first("AWS_SESSION_TOKEN"),
            region=first("AWS_REGION", "AWS_DEFAULT_REGION"),
            endpoint=first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log may show, in clear."""
        return tuple(filter(None, (self.secret, self.token)))
