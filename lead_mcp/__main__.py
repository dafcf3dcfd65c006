"""``python -m lead_mcp`` is ``lead-mcp``."""

from lead_mcp.cli import main

if __name__ == "__main__":
    main()
