"""``python -m lead_mcp`` is ``lead-mcp``.

The garbage collector rests while modules load: they make a great many objects and no garbage. ``cli`` wakes it again.
"""

import gc

gc.disable()

from lead_mcp.cli import main  # noqa: E402 - after the collector is told

if __name__ == "__main__":
    main()
