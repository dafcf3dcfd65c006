"""Known weaknesses in what ``constraints.txt`` names, by pip-audit: ``python -m channels.audit``.

Exit code 0: asked, and none is known; 1: some are; 2: whoever knows could not be asked, which says nothing either way.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from channels.environments import ROOT, Failed, environment

TOOL: Final = "pip-audit==2.10.1"
UNKNOWN: Final = 2


def main() -> int:
    """Ask, and say what came of it; the exit code."""
    try:
        found = asked()
    except Failed as failed:
        print(f"not audited: {failed}")
        print("Nothing is known, neither good nor bad: whoever has the advisories could not be asked.")
        return UNKNOWN
    lines = told(found)
    print("\n".join(lines) or f"no known weakness in {len(found)} packages")
    return 1 if lines else 0


def asked() -> list[dict[str, Any]]:
    """What is said of each package. Raises Failed where nobody could be asked."""
    with tempfile.TemporaryDirectory() as place:
        tools = environment(Path(place) / "tools", TOOL)
        words = ["-r", "constraints.txt", "--no-deps", "--disable-pip", "-f", "json", "--progress-spinner", "off"]
        done = subprocess.run([str(tools / "pip-audit"), *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return read(done.stdout, done.stderr)


def read(out: str, err: str) -> list[dict[str, Any]]:
    """pip-audit's report; it ends with 1 for weaknesses and for failures alike. Raises Failed."""
    try:
        found: list[dict[str, Any]] = json.loads(out)["dependencies"]
    except (ValueError, KeyError):
        raise Failed(err.strip()[-300:] or "pip-audit said nothing") from None
    skipped = [f"{one['name']}: {one['skip_reason']}" for one in found if "skip_reason" in one]
    if skipped:
        raise Failed(f"{len(skipped)} of {len(found)} packages were skipped, such as {skipped[0]}")
    return found


def told(found: list[dict[str, Any]]) -> list[str]:
    """A line for each weakness: of what, its name, and where it is mended."""
    return [
        f"{one['name']} {one['version']}: {weak['id']}, mended in {', '.join(weak['fix_versions']) or 'no version yet'}"
        for one in found
        for weak in one["vulns"]
    ]


if __name__ == "__main__":
    sys.exit(main())
