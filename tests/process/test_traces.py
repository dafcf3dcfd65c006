"""Traces of a running server, as a collector gets them: joined to the caller's, and with nothing in them that was said."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.process.processes import ENVELOPE, Emulators, listening_server

pytestmark = pytest.mark.slow
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PLANTED = "planted.person@example.com"
HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28"}


@contextmanager
def collector(bodies: list[bytes]) -> Iterator[str]:
    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Into no output of tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/traces"
        finally:
            server.shutdown()
            thread.join()


def spans(bodies: list[bytes]) -> list[Any]:
    found = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    return [span for one in found for by in one.resource_spans for scope in by.scope_spans for span in scope.spans]


def test_spans_join_the_callers_trace_and_hold_no_value(emulators: Emulators, tmp_path: Path) -> None:
    bodies: list[bytes] = []
    meta = {**ENVELOPE, "traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": f"v={PLANTED.replace('@', '-')}"}

    def post(url: str, method: str, name: str, key: str = "name", **more: Any) -> None:
        body = {"jsonrpc": "2.0", "id": PLANTED, "method": method, "params": {key: name, "_meta": meta, **more}}
        headers = {**HEADERS, "Mcp-Method": method, "Mcp-Name": name}
        httpx2.post(url, json=body, headers=headers, trust_env=False, timeout=60)

    with collector(bodies) as address:
        own = {**emulators.environment, "LEAD_MCP_TRACES_URL": address, "LEAD_MCP_STATE_DIR": str(tmp_path / "s")}
        with listening_server(environment=own, folder=tmp_path) as (server, url):
            filters = [{"field": "email", "op": "eq", "value": PLANTED}]
            post(url, "tools/call", "search_leads", arguments={"account": "octanist", "filters": filters})
            emulators.fault("octanist", "status", status=401, body=PLANTED)
            post(url, "tools/call", "get_lead", arguments={"account": "octanist", "id": PLANTED})
            post(url, "tools/call", PLANTED, arguments={})
            post(url, "resources/read", f"lead://octanist/{PLANTED}", "uri")
            post(url, f"tools/{PLANTED}", PLANTED)
            server.end(signal.SIGTERM)
    found = spans(bodies)
    whole = b"".join(bodies)
    for secret in (PLANTED, PLANTED.replace("@", "-"), emulators.environment["OCTANIST_API_KEY"]):
        assert secret.encode() not in whole
    names = [span.name for span in found]
    assert {"tools/call search_leads", "tools/call", "GET octanist"} <= set(names), names
    (search,) = [span for span in found if span.name == "tools/call search_leads"]
    assert (search.trace_id.hex(), search.parent_span_id.hex()) == (TRACE, PARENT)
    requests = [span for span in found if span.parent_span_id == search.span_id]
    assert {span.trace_id.hex() for span in requests} == {TRACE}
    (request, *_) = requests
    attributes = {one.key: one.value.string_value or one.value.int_value for one in request.attributes}
    assert attributes == {
        "lead_mcp.account": "octanist",
        "lead_mcp.vendor": "octanist",
        "http.request.method": "GET",
        "http.response.status_code": 200,
    }
