"""Where object storage is and how to sign in to it, by the variables that every tool for S3 reads (``AWS_...``).

Source: AWS SDKs and Tools Reference Guide, "Environment variables" and "Service-specific endpoints" (read 2026-11-27).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

ROLE: Final = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_REGION",
)
"""By which a container, a pod or a machine finds the role that it has."""


@dataclass(frozen=True, slots=True)
class ObjectStorage:
    """An empty text: not set. ``endpoint``: the URL of a storage that is not Amazon's own.

    ``role``: the variables by which a role is found, where there is no key.
    """

    key: str = ""
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    region: str = ""
    endpoint: str = ""
    role: Mapping[str, str] = field(default_factory=dict, repr=False)

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
            role={name: environment[name] for name in ROLE if environment.get(name)},
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log may show, in clear."""
        return tuple(filter(None, (self.secret, self.token, self.role.get("AWS_CONTAINER_AUTHORIZATION_TOKEN"))))
