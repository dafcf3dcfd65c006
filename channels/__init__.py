"""What lead-mcp is handed out as, beside the wheel: made from ``server.json`` and ``pyproject.toml``, so that all agree."""
