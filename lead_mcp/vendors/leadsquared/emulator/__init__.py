"""LeadSquared as its documents describe it: an ASGI app over the invented world. It imports nothing of the adapter."""

from lead_mcp.vendors.leadsquared.emulator.app import build, busy, environment

__all__ = ["RATE", "build", "busy", "environment"]

RATE = (25, 5.0)
"""25 calls in any 5 seconds."""
