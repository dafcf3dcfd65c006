"""A lake for tests: a database in a real PostgreSQL, files in a folder or on an S3 endpoint of this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from lead_mcp.mirror.lake.address import PACKAGES, LakeAddress
from lead_mcp.mirror.lake.lake import Lake
from lead_mcp.sandbox.app import Sandbox, sandbox
from lead_mcp.sandbox.world import World
from lead_mcp.settings.object_storage import ObjectStorage
from tests import facts
from tests.driving import UNTIL, now
from tests.mirror.keeping import Keeping, keeping

ONLY = ["octanist", "leadexec", "convoso"]
"""One of them has pings, one recordings."""


RECORDED = {"LEAD_MCP_MIRROR_RECORDINGS": "on"}


def vendors_of(leads: int) -> Sandbox:
    world = World(leads, seed="lead-mcp", until=UNTIL)
    return sandbox(facts.emulators(ONLY), world, clock=now, rated=False)


@dataclass
class LakeSite:
    """Where a lake lies, and the replicas of it."""

    database: str
    """Its URL."""
    data: str
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    box: Sandbox = field(default_factory=lambda: vendors_of(20))
    """The vendors of all replicas."""

    @property
    def url(self) -> str:
        parts = urlsplit(self.database)
        place = f"host={parts.hostname} port={parts.port} user={parts.username} dbname={parts.path[1:]}"
        return f"ducklake:postgres:{place} password=hunter2hunter2;data={self.data}"

    @contextmanager
    def replica(self, name: str, **environment: str) -> Iterator[Keeping]:
        """A server of its own, with its own state folder."""
        known = {"LEAD_MCP_MIRROR_URL": self.url, **RECORDED, **self.environment, **environment}
        with keeping(self.folder / name, box=self.box, environment=known) as found:
            yield found

    def started(self, name: str) -> subprocess.Popen[bytes]:
        """A process of its own that syncs, over vendors that are like ours were in the beginning."""
        words = [sys.executable, "-m", "tests.mirror.lakes", self.database, self.data, str(self.folder), name]
        return subprocess.Popen(words)

    def lake(self, name: str) -> Lake:
        """The lake as a process without vendors would hold it."""
        return Lake(LakeAddress.of(self.url, ObjectStorage.of(self.environment)), self.folder / name)

    def execute(self, sql: str) -> list[Any]:
        with psycopg.connect(self.database.replace("+psycopg", ""), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def catalog(self) -> str:
        """Everything that the catalog's database holds, as text."""
        names = self.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'lead_mcp_mirror'")
        return "\n".join(str(self.execute(f'TABLE lead_mcp_mirror."{name}"')) for (name,) in names)

    def files(self) -> dict[str, bytes]:
        """The lake's files, of a lake in a folder."""
        return {str(path): path.read_bytes() for path in Path(self.data).rglob("*") if path.is_file()}


def looking_anew(kept: Keeping) -> Keeping:
    """The replica, which would else hold what it saw of the lake within the last second for true."""
    if kept.mirror.lake is not None:
        kept.mirror.lake._looked = -1e9
    return kept


def needs_the_lake() -> None:
    for name in PACKAGES:
        pytest.importorskip(name, reason="a mirror in a lake needs the extra `lake`")


if __name__ == "__main__":
    database, data, folder, name = sys.argv[1:]
    with LakeSite(database, data, Path(folder)).replica(name) as replica:
        report = replica.sync()
    sys.exit(0 if report.whole else f"{report.errors} {report.unpublished}")
