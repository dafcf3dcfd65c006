"""An issuer of signed tokens for the benchmarks: its metadata and its key, and nothing else."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

AUDIENCE: Final = "https://leads.example.com/mcp"
HOURS: Final = 6


@dataclass(frozen=True)
class Issuer:
    """``origin``: its address; ``private``: its key."""

    origin: str
    private: Any

    @property
    def environment(self) -> dict[str, str]:
        return {"LEAD_MCP_OAUTH_ISSUER": self.origin, "LEAD_MCP_OAUTH_AUDIENCE": AUDIENCE}

    def token(self, subject: str) -> str:
        import jwt

        now = int(time.time())
        claims = {"iss": self.origin, "sub": subject, "aud": AUDIENCE, "iat": now, "exp": now + HOURS * 3600}
        claims["scope"] = "leads:read pii:read"
        return jwt.encode(claims, self.private, "RS256", {"kid": "one"})


@contextmanager
def issuer() -> Iterator[Issuer]:
    """One on a port of its own, in a thread of this process."""
    import jwt
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(65537, 2048)
    key = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key())), "kid": "one", "use": "sig"}
    pages: dict[str, dict[str, Any]] = {"/keys": {"keys": [key]}}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(pages.get(self.path, {})).encode()
            self.send_response(200 if self.path in pages else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    origin = f"http://127.0.0.1:{server.server_port}"
    pages["/.well-known/openid-configuration"] = {"issuer": origin, "jwks_uri": f"{origin}/keys"}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Issuer(origin, private)
    finally:
        server.shutdown()
        server.server_close()
