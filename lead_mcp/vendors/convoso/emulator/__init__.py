"""Convoso as its documents describe it: an ASGI app over the seeded world. It knows nothing of the adapter beside it."""

from lead_mcp.vendors.convoso.emulator.app import build, busy, environment

__all__ = ["RATE", "build", "busy", "environment"]

RATE = None
