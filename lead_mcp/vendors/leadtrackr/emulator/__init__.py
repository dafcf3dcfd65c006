"""LeadTrackr as its documents describe it: an ASGI app over the invented world. It imports nothing of the adapter."""

from lead_mcp.vendors.leadtrackr.emulator.app import build, busy, environment

__all__ = ["RATE", "build", "busy", "environment"]

RATE = None
