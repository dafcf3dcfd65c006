"""One MCP server over several lead vendors: search, summaries, one person's history, and writes that a person confirms."""

__version__ = "0.1.0"
