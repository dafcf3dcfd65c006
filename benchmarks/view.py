"""The view inside a chat over 5,000 rows, in Chromium: from the host's message to the rows, a sort, a step of scrolling.

The scenario is that of the view's tests, whose host is the official bridge. Nothing where Chromium or node is missing.
"""

from __future__ import annotations

import shutil
from statistics import median

from benchmarks.report import Line
from tests.node_packages import NODE
from tests.view.browsing import BROWSERS, browsed


def measure(repeats: int) -> list[Line]:
    """Milliseconds, the median of ``repeats`` pages."""
    if NODE is None or not any(map(shutil.which, BROWSERS)):
        return []
    seen = [browsed({}, only=["many_rows"])["many_rows"] for _ in range(repeats)]
    words = {"took": "first rows of 5,000", "sort": "a sort of 5,000 rows", "scroll": "a step of scrolling"}
    return [Line(f"view: {what}", median(one[name] for one in seen), note="Chromium") for name, what in words.items()]
