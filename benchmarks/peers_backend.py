"""A local back end for the peers: the same leads as Salesforce, HubSpot and Jira would spell them, newest first.

``python -m benchmarks.peers_backend LEADS.json [CERTIFICATE.pem]`` prints its port. ``GET /_count`` answers how many requests
came before it. It knows the few paths that a list of records needs, and nothing of queries: every list is the newest leads.
"""

from __future__ import annotations

import json
import ssl
import sys
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

Lead = Mapping[str, Any]
ROWS: Final = 20


def salesforce(leads: list[Lead], query: Mapping[str, list[str]]) -> Any:
    records = [
        {
            "attributes": {"type": "Lead", "url": f"/services/data/v59.0/sobjects/Lead/{one['id']}"},
            "Id": one["id"],
            "Name": one["name"],
            "Email": one["email"],
            "Phone": one["phone"],
            "Status": one["status"],
            "CreatedDate": one["createdAt"],
        }
        for one in leads[:ROWS]
    ]
    return {"totalSize": len(records), "done": True, "records": records}


def hubspot(leads: list[Lead], query: Mapping[str, list[str]]) -> Any:
    results = [
        {
            "id": one["id"],
            "properties": {
                "createdate": one["createdAt"],
                "email": one["email"],
                "firstname": one["name"],
                "hs_lead_status": one["status"],
                "hs_object_id": one["id"],
                "phone": one["phone"],
            },
            "createdAt": one["createdAt"],
            "updatedAt": one["createdAt"],
            "archived": False,
        }
        for one in leads[: int(query.get("limit", [str(ROWS)])[0])]
    ]
    return {"results": results, "paging": {"next": {"after": str(len(results)), "link": ""}}}


def jira(leads: list[Lead], query: Mapping[str, list[str]]) -> Any:
    issues = [
        {
            "id": str(number),
            "key": f"LEAD-{number}",
            "self": "",
            "fields": {
                "summary": one["name"],
                "description": f"{one['email']} {one['phone']}",
                "status": {"name": one["status"], "statusCategory": {"key": "new", "name": "To Do"}},
                "created": one["createdAt"],
            },
        }
        for number, one in enumerate(leads[:ROWS], 1)
    ]
    return {"startAt": 0, "maxResults": ROWS, "total": len(leads), "issues": issues}


Answer = Callable[[list[Lead], Mapping[str, list[str]]], Any]
PATHS: Final[Mapping[str, Answer]] = {
    "/services/data/": salesforce,
    "/crm/v3/objects/": hubspot,
    "/rest/api/2/search": jira,
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    leads: ClassVar[list[Lead]] = []
    count: ClassVar[int] = 0

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        if parts.path == "/_count":
            self._send(200, Handler.count)
            return
        Handler.count += 1
        answer = next((one for path, one in PATHS.items() if parts.path.startswith(path)), None)
        if answer is None:
            self._send(404, {"message": f"no {parts.path} here"})
        else:
            self._send(200, answer(self.leads, parse_qs(parts.query)))

    do_POST = do_GET  # noqa: N815 - the name it is called by

    def _send(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words: Any) -> None:
        """Nothing: each line would be time on somebody's clock."""


def main() -> None:
    Handler.leads = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if len(sys.argv) > 2:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[2])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
