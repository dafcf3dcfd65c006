"""``python -m lead_mcp`` is ``lead-mcp``.

The garbage collector is off while modules load, which make many objects and no garbage. ``cli`` turns it on again.
"""

import gc

gc.disable()

from lead_mcp.cli import main  # noqa: E402 - after the collector is told

if __name__ == "__main__":
    main()
