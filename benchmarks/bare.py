"""What lead-mcp is measured against: one tool that hands on Octanist's JSON, as a few lines over the SDK make it.

``python -m benchmarks.bare [port]``: stdio, or Streamable HTTP on that port. One shared HTTP client and no log lines below
warnings, so it is the quick kind of naive. A bare ``dict`` as the return type is text alone by the SDK's default.
"""

import os
import sys

import httpx2
from mcp.server import MCPServer

mcp = MCPServer("bare", log_level="WARNING")
vendor = httpx2.AsyncClient(headers={"X-API-KEY": os.environ["OCTANIST_API_KEY"]})


@mcp.tool()
async def search_leads(status: str | None = None, limit: int = 20) -> dict:  # type: ignore[type-arg]  # see above
    """Search Octanist's leads, newest first."""
    query = {"limit": str(limit), "page": "1", "sort": "createdAt:desc"} | ({"status": status} if status else {})
    response = await vendor.get(f"{os.environ['OCTANIST_BASE_URL']}/leads", params=query)
    response.raise_for_status()
    found: dict[str, object] = response.json()
    return found


if __name__ == "__main__":
    if len(sys.argv) > 1:
        mcp.run("streamable-http", port=int(sys.argv[1]))
    else:
        mcp.run()
