"""The MCPB bundle for desktop clients: ``python -m channels.bundle FOLDER``.

A zip of the package and a manifest. The client's own uv installs what the package needs; a person fills in a form made of
``server.json``'s variables, of which an unset one arrives as an empty text and so counts as not set. Source: the manifest's
schema 0.4, in the npm package @anthropic-ai/mcpb 2.1.2 (read 2026-11), which wants ``mcp_config`` of every type of server.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from lead_mcp import __version__, vendors

ROOT: Final = Path(__file__).parent.parent
FILES: Final = ("pyproject.toml", "README.md", "LICENSE")
MADE: Final = (2026, 1, 1, 0, 0, 0)
"""The date of every file: the same tree gives the same bundle, byte for byte."""
PLATFORMS: Final = ("darwin", "linux", "win32")


def manifest() -> dict[str, Any]:
    """The bundle's manifest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    server = json.loads((ROOT / "server.json").read_text("utf-8"))
    variables = server["packages"][0]["environmentVariables"]
    return {
        "manifest_version": "0.4",
        "name": project["name"],
        "display_name": server["title"],
        "version": __version__,
        "description": project["description"],
        "author": {"name": project["authors"][0]["name"]},
        "license": project["license"],
        "keywords": project["keywords"],
        "server": {
            "type": "uv",
            "entry_point": "lead_mcp/__main__.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", "--no-dev", "lead-mcp", "serve"],
                "env": {one["name"]: f"${{user_config.{one['name'].lower()}}}" for one in variables},
            },
        },
        "tools_generated": True,
        "prompts_generated": True,
        "compatibility": {"platforms": list(PLATFORMS), "runtimes": {"python": project["requires-python"]}},
        "user_config": {one["name"].lower(): _field(one) for one in variables},
    }


def _field(variable: Mapping[str, Any]) -> dict[str, Any]:
    """A field of the form: none is required, since one vendor is enough."""
    choices = f" ({', '.join(variable['choices'])})" if "choices" in variable else ""
    default = {"default": variable["default"]} if "default" in variable else {}
    return {
        "type": _kind(variable),
        "title": _title(variable["name"]),
        "description": f"{variable['description']}{choices}",
        "required": False,
        "sensitive": variable["isSecret"],
        **default,
    }


def _kind(variable: Mapping[str, Any]) -> str:
    """What the form offers: a chooser of files or folders for paths."""
    if variable.get("format") != "filepath":
        return "string"
    return "directory" if variable["name"].endswith("_DIR") else "file"


def _title(name: str) -> str:
    """``OCTANIST_API_KEY`` as ``Octanist: api key``."""
    for vendor in vendors.every().values():
        if name.startswith(prefix := f"{vendor.name.upper()}_"):
            return f"{vendor.title}: {_words(name.removeprefix(prefix))}"
    return _words(name.removeprefix("LEAD_MCP_")).capitalize()


def _words(name: str) -> str:
    return name.lower().replace("_", " ")


def contents() -> Iterator[tuple[str, bytes]]:
    """The files of the bundle."""
    yield "manifest.json", (json.dumps(manifest(), indent=2, ensure_ascii=False) + "\n").encode()
    package = (ROOT / "lead_mcp").rglob("*")
    for path in sorted([*(ROOT / name for name in FILES), *(one for one in package if one.is_file())]):
        if "__pycache__" not in path.parts:
            yield path.relative_to(ROOT).as_posix(), path.read_bytes()


def make(folder: Path) -> Path:
    """The bundle in that folder."""
    folder.mkdir(parents=True, exist_ok=True)
    bundle = folder / f"lead-mcp-{__version__}.mcpb"
    with ZipFile(bundle, "w", ZIP_DEFLATED) as file:
        for name, data in contents():
            entry = ZipInfo(name, MADE)
            entry.external_attr = 0o644 << 16
            file.writestr(entry, data, ZIP_DEFLATED)
    return bundle


if __name__ == "__main__":
    sys.stdout.write(f"{make(Path(sys.argv[1]))}\n")
