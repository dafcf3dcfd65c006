"""An emulator of Sixth's API, version 3. The vendor is invented; this is its whole document.

Every call carries ``Authorization: Bearer TOKEN``. Success is ``{"data": ...}``, failure ``{"error": {"type", "detail"}}``
with HTTP 400 (``invalid_request``, ``invalid_filter``, ``invalid_page_token``), 401 (``unauthorized``), 404 (``not_found``),
422 (``unprocessable``) or 429 (``rate_limited``, with ``Retry-After`` in seconds).

Budget: so many calls in a window of so many seconds, for the whole organisation. Every reply says how it stands:
``X-RateLimit-Limit``, ``X-RateLimit-Remaining`` (calls left, this one counted) and ``X-RateLimit-Reset`` (whole seconds,
rounded up, until the next window). A call beyond the budget is refused with 429.

Lists are paged by token: ``page_size``, and ``page_token`` as the page before gave it in ``next_page`` (null on the last).
A token belongs to the question it was given for: everything but ``page_size`` must be repeated as it was.

- ``GET /leads``: ``filter[FIELD][OP]=VALUE``; ``sort=created``, ``-created``, ``updated`` or ``-updated`` (the default is
  ``-created``); ``page_size`` 1-100. Operators: ``eq`` and ``in`` (a comma list) for ``status`` and ``channel``; ``eq`` for
  ``person.email``, ``person.phone``, ``address.city`` and ``campaign``; ``eq gt gte lt lte`` for ``amount``; ``gt gte lt lte``
  for ``created`` and ``updated``; ``null`` (true or false) for ``amount``. Text is equal without regard to case (Unicode
  case folding); nothing is equal to null. Several filters must all hold.
- ``GET /leads/find``: ``q``, at least two characters, somewhere in first or last name, e-mail, phone or company; perhaps
  ``filter[created][gte]`` and ``filter[created][lt]``; ``page_size`` 1-50; in no promised order.
- ``GET /people``: the leads of one person: ``email`` or ``phone`` (E.164); ``page_size`` 1-5; oldest first.
- ``GET /leads/ID``. ``PATCH /leads/ID``: ``{"lead": {...}}``, a merge patch; answers the whole lead.
  ``DELETE /leads/ID``: 204.
- ``POST /leads``: ``{"lead": {...}}`` with an e-mail or a phone at least; answers 202 ``{"data": {"state": "queued"}}``,
  without an id: the lead can be seen a moment later. Nobody is told a duplicate.
- ``GET /leads/ID/calls``: ``started[gte]``, ``started[lt]``; ``page_size`` 1-10; newest first; each with its ``audio``.
- ``GET /attributes``: the organisation's own attributes of leads. ``GET /me``: whose token this is.

What the document leaves open: whether a page may hold fewer rows than asked for, or none, and yet have a next one (``pages``);
whether lists say a ``total`` (``totals``); whether unknown values are null or left out (``nulls``).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lead_mcp.sandbox.kit import Clock, tone
from lead_mcp.sandbox.world import World
from tests.sixth.emulator.asking import calls_asked, found_asked, leads_asked, person_asked
from tests.sixth.emulator.bodies import CHANGING, CREATING, lead_of
from tests.sixth.emulator.store import ATTRIBUTES, Cut, Lead, RefusedError, Store, Test, page

TOKEN: Final = "sandbox-sixth-token"
ID: Final = re.compile(r"LD-[0-9A-F]{6,}")

Handler = Callable[[Request], Awaitable[Response]]


@dataclass
class Budget:
    """Calls in fixed windows, which begin with the first call after the last one's end."""

    calls: int
    seconds: float
    used: int = 0
    ends: float = 0.0

    def take(self) -> bool:
        """Whether there was one left."""
        if anyio.current_time() >= self.ends:
            self.used, self.ends = 0, anyio.current_time() + self.seconds
        self.used += 1
        return self.used <= self.calls

    def headers(self) -> dict[str, str]:
        left = max(0.0, self.ends - anyio.current_time())
        return {
            "X-RateLimit-Limit": str(self.calls),
            "X-RateLimit-Remaining": str(max(0, self.calls - self.used)),
            "X-RateLimit-Reset": str(math.ceil(left)),
        }


@dataclass
class Organisation:
    """Answers the calls of one organisation."""

    store: Store
    budget: Budget
    short: bool
    totals: bool
    sparse: bool
    handlers: Mapping[str, Handler] = field(default_factory=dict)

    def guarded(self, handler: Handler) -> Handler:
        """``handler`` behind the budget and the token."""

        async def guard(request: Request) -> Response:
            within = self.budget.take()
            told = self.budget.headers()
            if not within:
                response: Response = busy()
                response.headers["Retry-After"] = told["X-RateLimit-Reset"]
            elif request.headers.get("authorization") != f"Bearer {TOKEN}":
                response = refusal(RefusedError(401, "unauthorized", "no such token"))
            else:
                response = await self._answered(handler, request)
            response.headers.update(told)
            return response

        return guard

    async def _answered(self, handler: Handler, request: Request) -> Response:
        try:
            return await handler(request)
        except RefusedError as error:
            return refusal(error)

    # --- lists ---

    async def leads(self, request: Request) -> Response:
        asked = leads_asked(request.query_params.multi_items())
        name = asked.sort.lstrip("-")
        return self._listed(
            asked.cut(short=self.short),
            lambda lead: (lead[name], lead["id"]),
            asked.test,
            descending=asked.sort.startswith("-"),
        )

    async def find(self, request: Request) -> Response:
        """In no promised order: by the id read backwards."""
        asked = found_asked(request.query_params.multi_items())
        return self._listed(asked.cut(short=self.short), lambda lead: (lead["id"][::-1],), asked.test)

    async def people(self, request: Request) -> Response:
        asked = person_asked(request.query_params.multi_items())
        return self._listed(asked.cut(short=False), lambda lead: (lead["created"], lead["id"]), asked.test)

    def _listed(
        self, cut: Cut, order: Callable[[Lead], tuple[Any, ...]], test: Test, *, descending: bool = False
    ) -> Response:
        seen = self.store.seen()
        rows, token = page(seen, order, test, cut, descending=descending)
        total = {"total": sum(map(test, seen))} if self.totals else {}
        return JSONResponse({"data": [self._shown(row) for row in rows], "next_page": token, **total})

    async def calls(self, request: Request) -> Response:
        lead = self.store.one(request.path_params["id"])
        asked = calls_asked(request.query_params.multi_items())
        rows, token = page(
            self.store.calls[lead["id"]],
            lambda call: (call["started"], call["id"]),
            asked.test,
            asked.cut(short=False),
            descending=True,
        )
        audio = str(request.base_url).rstrip("/") + "/v3/audio"
        return JSONResponse(
            {"data": [{**row, "audio": f"{audio}/{row['id']}.wav"} for row in rows], "next_page": token}
        )

    async def attributes(self, request: Request) -> Response:
        nothing_asked(request)
        return JSONResponse({"data": [{"name": name, "type": kind} for name, kind in ATTRIBUTES.items()]})

    # --- one lead ---

    async def one(self, request: Request) -> Response:
        nothing_asked(request)
        return JSONResponse({"data": self._shown(self.store.one(request.path_params["id"]))})

    async def create(self, request: Request) -> Response:
        nothing_asked(request)
        values = lead_of(await body_of(request), CREATING)
        person = values.get("person", {})
        if not person.get("email") and not person.get("phone"):
            raise RefusedError(422, "unprocessable", "an e-mail or a phone is needed")
        self.store.put(values)
        return JSONResponse({"data": {"state": "queued"}}, 202)

    async def change(self, request: Request) -> Response:
        nothing_asked(request)
        values = lead_of(await body_of(request), CHANGING)
        if not values:
            raise RefusedError(422, "unprocessable", "nothing to change")
        return JSONResponse({"data": self._shown(self.store.change(request.path_params["id"], values))})

    async def delete(self, request: Request) -> Response:
        nothing_asked(request)
        self.store.delete(request.path_params["id"])
        return Response(status_code=204)

    async def me(self, request: Request) -> Response:
        nothing_asked(request)
        return JSONResponse({"data": {"organisation": "sandbox"}})

    def _shown(self, lead: Lead) -> Lead:
        return without_nulls(lead) if self.sparse else lead


def without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(one) for key, one in value.items() if one is not None}


def nothing_asked(request: Request) -> None:
    if request.query_params:
        raise RefusedError(400, "invalid_request", "this call takes no parameters")


async def body_of(request: Request) -> Any:
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise RefusedError(400, "invalid_request", "the body must be JSON")
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError):
        raise RefusedError(400, "invalid_request", "the body must be JSON") from None


def refusal(error: RefusedError) -> Response:
    return JSONResponse({"error": {"type": error.kind, "detail": error.detail}}, error.status)


async def nowhere(request: Request, error: Exception) -> Response:
    return refusal(RefusedError(404, "not_found", "no such path"))


async def audio(request: Request) -> Response:
    return Response(tone(0.2), media_type="audio/wav")


def build(
    world: World,
    *,
    clock: Clock,
    pages: Literal["full", "short"] = "full",
    totals: bool = False,
    nulls: Literal["sent", "left out"] = "sent",
    settles: float = 0.3,
    budget: tuple[int, float] = (100_000, 60.0),
) -> Starlette:
    """The app, routes under ``/v3``. ``settles``: seconds that a new lead waits in the queue; ``budget``: calls, seconds."""
    office = Organisation(Store(world, clock, settles), Budget(*budget), pages == "short", totals, nulls == "left out")
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/leads", office.leads),
        ("POST", "/leads", office.create),
        ("GET", "/leads/find", office.find),
        ("GET", "/people", office.people),
        ("GET", "/leads/{id}", office.one),
        ("PATCH", "/leads/{id}", office.change),
        ("DELETE", "/leads/{id}", office.delete),
        ("GET", "/leads/{id}/calls", office.calls),
        ("GET", "/attributes", office.attributes),
        ("GET", "/me", office.me),
    ]
    routes = [Route(f"/v3{path}", office.guarded(handler), methods=[method]) for method, path, handler in table]
    routes.append(Route("/v3/audio/{name}", audio, methods=["GET"]))
    app = Starlette(routes=routes, exception_handlers={404: nowhere, 405: nowhere})
    app.router.redirect_slashes = False
    app.state.store = office.store  # for tests that hurry the queue
    return app


def environment(origin: str) -> dict[str, str]:
    """The settings that point lead-mcp at the emulator mounted at ``origin``."""
    return {"SIXTH_TOKEN": TOKEN, "SIXTH_BASE_URL": f"{origin}/v3"}


def busy() -> Response:
    response = refusal(RefusedError(429, "rate_limited", "the budget of this window is used up"))
    response.headers["Retry-After"] = "1"
    return response
