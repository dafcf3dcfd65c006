"""``lead-mcp journal``: ``commands`` has their options; ``records``, ``resolving`` and ``undo`` do the work."""
