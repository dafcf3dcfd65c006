"""The chat clients that lead-mcp installs itself into: where each keeps its servers, and how an entry is edited.

A file is edited as text: what others wrote into it, comments too, stays as it is. Nothing here prints or asks.
"""
