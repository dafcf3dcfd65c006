"""The machine that clients are installed on: its system, its folders, what its environment says of them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MACOS: Final = "darwin"
WINDOWS: Final = "win32"
FOLDERS: Final = (
    "APPDATA", "LOCALAPPDATA", "XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR"
)  # fmt: skip
"""Variables that move a client's folder."""


@dataclass(frozen=True)
class Machine:
    """``system`` as ``sys.platform`` has it; ``folders``: those of ``FOLDERS`` that are set."""

    system: str
    home: Path
    folders: Mapping[str, str]
    which: Callable[[str], str | None] = shutil.which

    def folder(self, variable: str, *otherwise: str) -> Path:
        """The folder that a variable names, or a path under the home folder."""
        named = self.folders.get(variable)
        return Path(named) if named else self.home.joinpath(*otherwise)

    @property
    def settings(self) -> Path:
        """Where programs with a window keep their settings."""
        if self.system == MACOS:
            return self.home / "Library" / "Application Support"
        if self.system == WINDOWS:
            return self.folder("APPDATA", "AppData", "Roaming")
        return self.folder("XDG_CONFIG_HOME", ".config")

    @property
    def dot_config(self) -> Path:
        """Where programs that came from Unix keep theirs; Windows has none of its own."""
        return self.folder("APPDATA", "AppData", "Roaming") if self.system == WINDOWS else self.unix_config

    @property
    def unix_config(self) -> Path:
        return self.folder("XDG_CONFIG_HOME", ".config")

    def shown(self, path: Path) -> str:
        """A path as a person reads it, ``~`` for the home folder."""
        return f"~/{path.relative_to(self.home).as_posix()}" if path.is_relative_to(self.home) else str(path)


def this_machine() -> Machine:
    """The machine this runs on."""
    found = {name: text for name in FOLDERS if (text := os.environ.get(name, "").strip())}
    return Machine(sys.platform, Path.home(), found)
