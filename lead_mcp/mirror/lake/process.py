"""The server's side of the process that speaks to the lake: started when it is first asked, signed in by a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import anyio

from lead_mcp.errors import Conflict, NotConfigured, Unavailable
from lead_mcp.mirror.lake.address import LakeAddress
from lead_mcp.mirror.lake.lease import SCHEMA
from lead_mcp.sql.cage import CageError, Child, EngineError, Message
from lead_mcp.state_dir import private_folder

START: Final = (
    "import sys; sys.path.append(sys.argv[2]); from lead_mcp.mirror.lake.engine import main; main(sys.argv[1])"
)
SHORT: Final = 60.0
LONG: Final = 6 * 3600.0
"""Seconds that a question may take, and the copying of everything."""
EXTENSIONS: Final = ("postgres_scanner", "ducklake")
STORAGE: Final = "httpfs"
"""The extension for object storage."""
ROLES: Final = "aws"
"""The one that finds the role that a machine has, asked for where no key is set."""
WRITTEN: Final = ("another replica has written", "Transaction conflict")
"""What the engine says where a change of somebody else's came first."""


@dataclass
class LakeProcess:
    """One at a time. ``folder``: where it makes files."""

    address: LakeAddress
    folder: Path
    _child: Child | None = None
    _turn: anyio.Lock = field(default_factory=anyio.Lock)

    async def ask(self, op: str, blobs: Sequence[bytes] = (), seconds: float = SHORT, **asked: Any) -> Message:
        """One request. Raises Conflict where another replica has written meanwhile, else Unavailable.

        After a failure a new process is started: a connection to the catalog may be broken.
        """
        async with self._turn:
            try:
                with anyio.fail_after(seconds):
                    return await (await self._alive()).ask({"op": op, **asked}, blobs)
            except EngineError as error:
                await self._end()
                raise self._failure(str(error)) from None
            except (CageError, OSError, TimeoutError) as error:
                await self._end()
                raise Unavailable(f"The lake ({self.address.shown}) does not answer: {error or 'too slow'}.") from None
            except BaseException:
                await self._end()
                raise

    def _failure(self, text: str) -> Conflict | Unavailable:
        if any(one in text for one in WRITTEN):
            return Conflict("Another replica has written the lake meanwhile; nothing was changed. Try again.")
        why = self.address.redactor.text(" ".join(text.split()))[:300]
        return Unavailable(f"The lake ({self.address.shown}) cannot be used: {why}")

    async def _alive(self) -> Child:
        if self._child is not None and not self._child.serves:
            await self._end()
        if self._child is None:
            private_folder(self.folder)
            self._child = Child({"folder": str(self.folder)}, START)
            await self._child.greet()
            await self._child.ask({"op": "attach", **attachment(self.address)})
        return self._child

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.end()

    async def aclose(self) -> None:
        """End it, if there is one."""
        await self._end()


def attachment(address: LakeAddress) -> dict[str, Any]:
    """What it is told first. Raises NotConfigured where an extension is missing."""
    from psycopg.conninfo import make_conninfo

    storage = [] if address.is_folder else [STORAGE] if address.storage.key else [STORAGE, ROLES]
    return {
        "extensions": [str(_extension(name)) for name in (*EXTENSIONS, *storage)],
        "secret": {} if address.is_folder else _secret(address),
        "environment": dict(address.storage.role) if ROLES in storage else {},
        "catalog": make_conninfo("", **address.catalog),
        "data": f"{address.data}/",
        "schema": SCHEMA,
    }


def _secret(address: LakeAddress) -> Mapping[str, str]:
    """How to sign in to object storage, in DuckDB's words."""
    storage = address.storage
    found = {"KEY_ID": storage.key, "SECRET": storage.secret, "SESSION_TOKEN": storage.token, "REGION": storage.region}
    if storage.endpoint:
        scheme, _, host = storage.endpoint.partition("://")
        found |= {"ENDPOINT": host.rstrip("/"), "USE_SSL": str(scheme == "https").lower(), "URL_STYLE": "path"}
    if not storage.key:
        found |= {"PROVIDER": "credential_chain", "REFRESH": "auto"}
    return {name: text for name, text in found.items() if text}


def _extension(name: str) -> Path:
    """The extension's file, as its package brings it. Raises NotConfigured."""
    spec = find_spec(f"duckdb_extension_{name}")
    places = list(spec.submodule_search_locations or ()) if spec else []
    found = [path for place in places for path in Path(place).glob("extensions/*/*.duckdb_extension")]
    if not found:
        raise NotConfigured(f"DuckDB's extension {name} is missing: pip install 'lead-mcp[lake]'.")
    return found[0]
