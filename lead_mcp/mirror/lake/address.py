"""``LEAD_MCP_MIRROR_URL=ducklake:postgres:CONNECTION;data=PLACE``, taken apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from lead_mcp.errors import NotConfigured
from lead_mcp.settings.object_storage import ObjectStorage
from lead_mcp.transport.redaction import Redactor, redactor

SCHEME: Final = "ducklake:"
CATALOG: Final = "ducklake:postgres:"
DATA: Final = ";data="
EXAMPLE: Final = "ducklake:postgres:host=db.example.com dbname=leads user=lead_mcp password=...;data=s3://bucket/path"
PACKAGES: Final = (
    "psycopg",
    "duckdb_extension_ducklake",
    "duckdb_extension_postgres_scanner",
    "duckdb_extension_httpfs",
)
CONNECTING: Final = {"connect_timeout": "5", "tcp_user_timeout": "20000"}
"""Seconds to connect; milliseconds after which a server that takes no more bytes counts as gone."""
STRANGE: Final = frozenset("\0\r\n")


@dataclass(frozen=True, slots=True)
class LakeAddress:
    """``catalog``: libpq's settings, password included; ``data``: a folder of this machine's, or ``s3://bucket/path``."""

    catalog: Mapping[str, str] = field(repr=False)
    data: str
    storage: ObjectStorage = field(default_factory=ObjectStorage)

    @classmethod
    def of(cls, text: str, storage: ObjectStorage) -> Self:
        """Raises NotConfigured, and never shows the text: it may hold a password."""
        head, separator, data = text.rpartition(DATA)
        if not separator or not head.startswith(CATALOG) or not data or STRANGE & set(text):
            raise NotConfigured(f"LEAD_MCP_MIRROR_URL: a lake is written {EXAMPLE}, or ;data=/shared/folder.")
        if missing := [name for name in PACKAGES if find_spec(name) is None]:
            raise NotConfigured(f"A mirror in a lake needs {', '.join(missing)}: pip install 'lead-mcp[lake]'.")
        return cls(_catalog(head.removeprefix(CATALOG)), _data(data, storage), storage)

    @property
    def is_folder(self) -> bool:
        return not self.data.startswith("s3://")

    @property
    def shown(self) -> str:
        """Where it is, for people: nothing secret."""
        place = ", ".join(self.catalog[name] for name in ("host", "dbname") if name in self.catalog)
        return f"catalog {place or 'by default'}; data {self.data}"

    @property
    def name(self) -> str:
        """A word that tells one lake from another."""
        known = sorted((name, text) for name, text in self.catalog.items() if name != "password")
        return hashlib.sha256(repr((known, self.data)).encode()).hexdigest()[:12]

    @property
    def redactor(self) -> Redactor:
        secrets = [self.catalog.get("password", ""), self.catalog.get("sslpassword", ""), *self.storage.secrets]
        return redactor([one for one in secrets if one])


def _catalog(text: str) -> dict[str, str]:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        found: dict[str, Any] = conninfo_to_dict(text)
    except ProgrammingError:
        raise NotConfigured(
            "LEAD_MCP_MIRROR_URL: what stands between ducklake:postgres: and ;data= is no connection string of "
            "PostgreSQL, such as host=db.example.com dbname=leads user=lead_mcp."
        ) from None
    return {**CONNECTING, **{name: str(value) for name, value in found.items()}}


def _data(text: str, storage: ObjectStorage) -> str:
    """The place without a slash at its end. Raises NotConfigured."""
    if text.startswith("s3://"):
        if not urlsplit(text).netloc:
            raise NotConfigured("LEAD_MCP_MIRROR_URL: data=s3://BUCKET/PATH needs the bucket.")
        if storage.endpoint and urlsplit(storage.endpoint).scheme not in ("http", "https"):
            raise NotConfigured("AWS_ENDPOINT_URL_S3: name the storage's URL, http:// or https://.")
        return text.rstrip("/")
    if "://" in text or not Path(text).is_absolute():
        raise NotConfigured(
            "LEAD_MCP_MIRROR_URL: data= takes s3://bucket/path, or an absolute folder that all replicas see."
        )
    return text.rstrip("/") or "/"
