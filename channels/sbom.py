"""What is in lead-mcp with all its extras, as CycloneDX: ``python -m channels.sbom FOLDER``, for the wheel in that folder.

The wheel is installed by itself, held to ``constraints.txt``, and what came with it is listed. No times, no chance: the same
wheel and constraints give the same file.
"""

from __future__ import annotations

import json
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

from channels.environments import ROOT, bare_environment, environment, run
from lead_mcp import __version__

TOOL: Final = "cyclonedx-bom==7.5.0"


def make(folder: Path) -> Path:
    """The file in that folder, beside the wheel. Raises Failed."""
    made = folder / f"lead-mcp-{__version__}.cdx.json"
    with tempfile.TemporaryDirectory() as place:
        tools = environment(Path(place) / "tools", TOOL)
        found = bare_environment(Path(place) / "found", tools, f"{wheel(folder)}[{','.join(extras())}]")
        words = ["environment", "--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "-o", str(made)]
        run([str(tools / "cyclonedx-py"), *words, str(found / "python")])
    bill = json.loads(made.read_text("utf-8"))
    bill["metadata"]["component"] |= {"version": __version__, "purl": f"pkg:pypi/lead-mcp@{__version__}"}
    made.write_text(json.dumps(bill, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return made


def wheel(folder: Path) -> Path:
    (found,) = folder.resolve().glob(f"lead_mcp-{__version__}-*.whl")
    return found


def extras() -> list[str]:
    """All of them but ``dev``, which nobody is handed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return sorted(project["optional-dependencies"].keys() - {"dev"})


if __name__ == "__main__":
    sys.stdout.write(f"{make(Path(sys.argv[1]))}\n")
