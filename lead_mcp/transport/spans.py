"""A span for each request to a vendor, where traces are kept: which account, and how it ended; nothing of a lead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

Answered = Callable[[int], object]
"""Told the reply's status."""
Spans = Callable[[str, str, str], AbstractContextManager[Answered]]
"""Opens the span of a request: account, vendor, method."""
TRACER: Final = "lead-mcp"
ACCOUNT: Final = "lead_mcp.account"
VENDOR: Final = "lead_mcp.vendor"
METHOD: Final = "http.request.method"
STATUS: Final = "http.response.status_code"
ERROR: Final = "error.type"


@contextmanager
def no_span(account: str, vendor: str, method: str) -> Iterator[Answered]:
    """Where no traces are kept."""
    yield lambda status: None


@contextmanager
def vendor_span(account: str, vendor: str, method: str) -> Iterator[Answered]:
    """Below the span of the tool call that asks. Of an error its kind alone is kept: its words may quote a lead."""
    from opentelemetry.trace import SpanKind, StatusCode, get_tracer

    attributes = {ACCOUNT: account, VENDOR: vendor, METHOD: method}
    with get_tracer(TRACER).start_as_current_span(
        f"{method} {vendor}",
        kind=SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield lambda status: span.set_attribute(STATUS, status)
        except BaseException as error:
            span.set_attribute(ERROR, type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise
