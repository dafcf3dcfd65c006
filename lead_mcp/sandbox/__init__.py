"""Stand-in vendors with one seeded population, for demos, tests and people's own experiments.

``world`` invents the people, ``kit`` holds what every emulator needs (faults, request log, rate limit) and ``app``
serves all of them at once. Each emulator itself is in its vendor's folder (``vendors/<name>/emulator/``), is written
from that vendor's documents, and shares no code with the adapter that talks to it.
"""
