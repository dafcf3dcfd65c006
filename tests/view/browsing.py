"""Scenarios of ``browser/scenarios.mjs``, run in the system's Chromium over answers of the sandbox."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from lead_mcp import view
from tests.driving import Bench
from tests.node_packages import NODE, copied, installed

SOURCE: Final = Path(__file__).parent / "browser"
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
PATIENCE: Final = 300.0
"""Seconds that all scenarios may take on a busy machine; on an idle one it is about thirty."""


class Seen(dict[str, Any]):
    """What each scenario saw, by its name; one that broke off says where."""

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        assert not isinstance(found, dict) or "thrown" not in found, found["thrown"]
        return found


def answers_of(driven: Bench) -> dict[str, Any]:
    """An answer of each tool that the view is for, with the call that made it, as a host hands them on.

    ``next`` and ``lead`` are results alone: what the view then calls for.
    """
    leads = driven.page(limit=200)["leads"]["rows"]
    phones = Counter(row[3] for row in leads if row[3])
    month: dict[str, Any] = {"period": "last_30_days"}
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "search": ("search_leads", {"limit": 8, "fields": ["source"]}),
        "groups": ("summarize_leads", {"group_by": ["account", "week"], "measures": ["count", "avg:value"], **month}),
        "pings": ("query_pings", {"direction": "inbound", "limit": 40, "group_by": ["result"], **month}),
        "story": ("trace_lead", {"phone": phones.most_common(1)[0][0]}),
        "sql": ("query_sql", {"sql": "select account, count(*) as n from leads group by account"}),
    }
    found = {name: _answered(driven, tool, arguments) for name, (tool, arguments) in calls.items()}
    first = found["search"]["result"]["structuredContent"]
    further = {**calls["search"][1], "cursor": first["next_cursor"]}
    found["next"] = _answered(driven, "search_leads", further)["result"]
    found["lead"] = _answered(driven, "get_lead", {"uri": first["leads"]["rows"][0][0]})["result"]
    return found


def _answered(driven: Bench, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    result = driven.raw_call(tool, **arguments).model_dump(mode="json", by_alias=True, exclude_none=True)
    assert not result["isError"], result
    return {"call": {"name": tool, "arguments": arguments}, "result": result}


def browsed(answers: Mapping[str, Any], **more: Any) -> Seen:
    """What each scenario saw. ``more``: ``only`` these scenarios, ``picture`` the file to take one into."""
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        pytest.skip("a Chromium is needed to try the view, and is not installed")
    own = copied(SOURCE, installed(SOURCE))
    try:
        return _driven(own, {"chromium": chromium, "html": view.html(), "answers": answers, **more})
    finally:
        shutil.rmtree(own)


def _driven(own: Path, given: Mapping[str, Any]) -> Seen:
    assert NODE is not None
    (own / "given.json").write_text(json.dumps(given), encoding="utf-8")
    done = subprocess.run(
        [NODE, "driver.mjs"],
        cwd=own,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Seen(json.loads(done.stdout))
