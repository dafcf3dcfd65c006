"""What every target begins with, and what it stumbled over once: files named after their target."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "samples"


def seeds(name: str) -> Iterator[bytes]:
    from tests.fuzz.targets import SEEDS

    yield from SEEDS[name]
    for path in sorted(FOLDER.glob(f"{name}-*")):
        yield path.read_bytes()
