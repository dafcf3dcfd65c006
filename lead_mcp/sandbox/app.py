"""All five emulators as one ASGI application: ``/{vendor}/...``, with faults and a request log at the root.

``POST /_faults`` ``{"vendor": "convoso", "kind": "cut_after", "path": "insert", "times": 1, ...}`` plans a fault (see
``kit.Fault``); ``DELETE /_faults`` forgets them all. ``GET /_requests?vendor=convoso`` lists what arrived (method, path,
query; no headers, no bodies).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from lead_mcp.sandbox.kit import Clock, Fault, Stage
from lead_mcp.sandbox.world import VENDORS, World

RATES: Mapping[str, tuple[int, float]] = {"leadsquared": (25, 5.0)}
"""Rates that a vendor documents and its emulator enforces."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Sandbox:
    """The five emulators. ``stages`` by vendor; ``app`` serves them; ``environment`` points lead-mcp at them."""

    world: World
    stages: Mapping[str, Stage]
    app: Starlette

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def environment(self, origin: str) -> dict[str, str]:
        """The environment variables for an origin such as ``http://127.0.0.1:8700``."""
        found: dict[str, str] = {}
        for vendor in self.stages:
            found |= emulator(vendor).environment(f"{origin.rstrip('/')}/{vendor}")
        return found

    def fault(self, vendor: str, kind: Any, **options: Any) -> None:
        """Plan a fault at one vendor."""
        self.stages[vendor].faults.append(Fault(kind, **options))


def emulator(vendor: str) -> Any:
    """The module of a vendor's emulator."""
    return import_module(f"lead_mcp.vendors.{vendor}.emulator")


def sandbox(
    world: World | None = None,
    *,
    clock: Clock = utc_now,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    rates: Mapping[str, tuple[int, float] | None] | None = None,
) -> Sandbox:
    """The five emulators over one world. ``options``: keywords for a vendor's ``build``, by vendor."""
    world = world or World()
    limits = {**RATES, **(rates or {})}
    stages = {}
    for vendor in VENDORS:
        module = emulator(vendor)
        app = module.build(world, clock=clock, **(options or {}).get(vendor, {}))
        stages[vendor] = Stage(app, module.busy, limits.get(vendor))
    routes = [
        Route("/_faults", _faults(stages), methods=["POST", "DELETE"]),
        Route("/_requests", _requests(stages), methods=["GET"]),
        *(Mount(f"/{vendor}", stage) for vendor, stage in stages.items()),
    ]
    return Sandbox(world, stages, Starlette(routes=routes))


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
