"""Sixth as its document describes it: an ASGI app over the seeded world. It knows nothing of the adapter beside it."""

from tests.sixth.emulator.app import build, busy, environment

__all__ = ["RATE", "build", "busy", "environment"]

RATE = None
"""The app keeps its own budget, and tells it in every reply."""
