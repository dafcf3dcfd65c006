"""``python -m soak --minutes 60``."""

import sys

from soak.main import main

if __name__ == "__main__":
    sys.exit(main())
