"""``python -m tests.view.picture``: docs/view.png, the view over an answer of the sandbox."""

from __future__ import annotations

from pathlib import Path

from tests.driving import bench
from tests.view.browsing import answers_of, browsed

PICTURE = Path(__file__).parents[2] / "docs" / "view.png"

if __name__ == "__main__":
    with bench(leads=60) as driven:
        browsed(answers_of(driven), only=["picture"], picture=str(PICTURE))
