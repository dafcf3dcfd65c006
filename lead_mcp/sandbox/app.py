"""Emulators as one ASGI application: ``/{vendor}/...``, with faults and a request log at the root.

Which ones there are is the caller's to say: the sandbox knows no vendor.

``POST /_faults`` ``{"vendor": "convoso", "kind": "cut_after", "path": "insert", "times": 1, ...}`` plans a fault (see
``kit.Fault``); ``DELETE /_faults`` forgets them all. ``GET /_requests?vendor=convoso`` lists what arrived (method, path,
query; no headers, no bodies).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from lead_mcp.sandbox.kit import Clock, Fault, Stage
from lead_mcp.sandbox.world import World


class Emulator(Protocol):
    """What a vendor's emulator package offers.

    ``RATE``: (calls, seconds) that the vendor documents and its emulator enforces, or None. ``build``: an ASGI app over the
    seeded world, with keywords of its own. ``busy``: the vendor's own 429. ``environment``: the settings that point
    lead-mcp at an emulator mounted at an origin.
    """

    RATE: tuple[int, float] | None

    def build(self, world: World, *, clock: Clock, **options: Any) -> ASGIApp: ...
    def busy(self) -> Response: ...
    def environment(self, origin: str) -> dict[str, str]: ...


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Sandbox:
    """Emulators over one world. ``stages`` by vendor; ``app`` serves them; ``environment`` points lead-mcp at them."""

    world: World
    emulators: Mapping[str, Emulator]
    stages: Mapping[str, Stage]
    app: Starlette

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def environment(self, origin: str) -> dict[str, str]:
        """The environment variables for an origin such as ``http://127.0.0.1:8700``."""
        found: dict[str, str] = {}
        for vendor, emulator in self.emulators.items():
            found |= emulator.environment(f"{origin.rstrip('/')}/{vendor}")
        return found

    def fault(self, vendor: str, kind: Any, **options: Any) -> None:
        """Plan a fault at one vendor."""
        self.stages[vendor].faults.append(Fault(kind, **options))

    def mend(self, *vendors: str) -> None:
        """Forget the faults planned at these vendors; at all of them where none is named."""
        for vendor in vendors or self.stages:
            self.stages[vendor].faults.clear()


def sandbox(
    emulators: Mapping[str, Emulator],
    world: World | None = None,
    *,
    clock: Clock = utc_now,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    rated: bool = True,
) -> Sandbox:
    """The emulators over one world.

    ``options``: keywords for a vendor's ``build``, by vendor. ``rated``: whether documented rates are enforced.
    """
    world = world or World()
    stages = {}
    for vendor, emulator in emulators.items():
        app = emulator.build(world, clock=clock, **(options or {}).get(vendor, {}))
        stages[vendor] = Stage(app, emulator.busy, emulator.RATE if rated else None)
    routes = [
        Route("/_faults", _faults(stages), methods=["POST", "DELETE"]),
        Route("/_requests", _requests(stages), methods=["GET"]),
        *(Mount(f"/{vendor}", stage) for vendor, stage in stages.items()),
    ]
    return Sandbox(world, emulators, stages, Starlette(routes=routes))


def _faults(stages: Mapping[str, Stage]) -> Callable[[Request], Any]:
    known = {field.name for field in fields(Fault)}

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            for stage in stages.values():
                stage.faults.clear()
            return Response(status_code=204)
        body = await request.json()
        vendor = body.pop("vendor", None)
        unknown = sorted(set(body) - known)
        if vendor not in stages or unknown or "kind" not in body:
            hint = {"vendors": sorted(stages), "keys": sorted(known), "unknown": unknown}
            return JSONResponse(hint, 400)
        stages[vendor].faults.append(Fault(**body))
        return Response(status_code=204)

    return faults


def _requests(stages: Mapping[str, Stage]) -> Callable[[Request], Any]:
    async def requests(request: Request) -> Response:
        wanted = request.query_params.get("vendor")
        heard = [
            {"vendor": vendor, "method": seen.method, "path": seen.path, "query": seen.query, "at": seen.at}
            for vendor, stage in stages.items()
            if wanted in (None, vendor)
            for seen in stage.heard
        ]
        return JSONResponse(heard)

    return requests
