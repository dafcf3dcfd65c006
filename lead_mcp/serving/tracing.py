"""Traces by OpenTelemetry, where ``LEAD_MCP_TRACES_URL`` says where to: the SDK's span of each message, ours of each request.

What leaves is made anew from what is known here: a caller chooses the names of methods and tools, ids and trace states, and
the SDK puts the words of errors into spans. None of that goes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from lead_mcp import __version__
from lead_mcp.identity.scopes import PROMPTS, TOOLS
from lead_mcp.transport.spans import ACCOUNT, ERROR, METHOD, STATUS, TRACER, VENDOR

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import SpanContext

MESSAGE: Final = "mcp.method.name"
TOOL: Final = "gen_ai.tool.name"
PROMPT: Final = "gen_ai.prompt.name"
CHOSEN: Final[Mapping[str, frozenset[str]]] = {
    MESSAGE: frozenset(
        "initialize ping server/discover tools/list tools/call resources/list resources/templates/list resources/read "
        "prompts/list prompts/get completion/complete logging/setLevel subscriptions/listen elicitation/create "
        "notifications/initialized notifications/cancelled notifications/progress".split()
    ),
    TOOL: frozenset(TOOLS),
    PROMPT: frozenset(PROMPTS),
}
"""Attributes whose values callers choose, and the values that go out."""
OURS: Final = frozenset({ACCOUNT, VENDOR, METHOD, STATUS})
"""Attributes whose values come from here."""


@contextmanager
def traced(url: str | None) -> Iterator[None]:
    """Spans go to that OTLP collector while the block runs; without one nothing is loaded."""
    if url is None:
        yield
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": "lead-mcp", "service.version": __version__})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(bare_exporter(OTLPSpanExporter(endpoint=url, timeout=3))))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()


def bare_exporter(inner: SpanExporter) -> SpanExporter:
    """The exporter, given bare spans alone."""
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Bare(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            return inner.export([bare(one) for one in spans])

        def shutdown(self) -> None:
            inner.shutdown()

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return inner.force_flush(timeout_millis)

    return Bare()


def bare(span: ReadableSpan) -> ReadableSpan:
    """The span with what is known here alone: no event, no link, no word of an error."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Status

    attributes = bare_attributes(span.attributes or {})
    return ReadableSpan(
        name=_name(span, attributes),
        context=_context(span.context),
        parent=_context(span.parent),
        resource=span.resource,
        attributes=attributes,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def bare_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Those that go out."""
    own = {name: value for name, value in attributes.items() if name in OURS}
    own |= {name: attributes[name] for name, known in CHOSEN.items() if attributes.get(name) in known}
    kind = str(attributes.get(ERROR, ""))
    return own | ({ERROR: kind} if kind.lstrip("-").isidentifier() or kind.lstrip("-").isdecimal() else {})


def _name(span: ReadableSpan, attributes: Mapping[str, Any]) -> str:
    if span.instrumentation_scope is not None and span.instrumentation_scope.name == TRACER:
        return span.name
    words = [str(attributes.get(MESSAGE, "other")), attributes.get(TOOL) or attributes.get(PROMPT)]
    return " ".join(filter(None, words))


def _context(context: SpanContext | None) -> SpanContext | None:
    """Without the trace state, which is anybody's text."""
    from opentelemetry.trace import SpanContext

    if context is None:
        return None
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)
