"""One MCP server over many lead vendors: one question, one filter language, honest answers."""

__version__ = "0.1.0"
