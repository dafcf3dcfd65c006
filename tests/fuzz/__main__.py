"""``python -m tests.fuzz SECONDS [TARGET ...]``: the coverage-guided fuzzer over each target, so many seconds in all.

Each target runs in a process of its own and stops at the first finding, whose bytes are kept beside the samples
(``tests/fuzz/samples/TARGET-...``), where the tests try them from then on. Exit code 1 where there is one.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.fuzz.kept import FOLDER, seeds

NEEDED: Final = "The fuzzer is the package atheris (Linux): pip install 'atheris>=3,<4'"
LONGEST: Final = 20
"""Seconds that one input may take."""
MEMORY: Final = 2048
"""Megabytes that a target may use."""


def main(arguments: Sequence[str]) -> int:
    if arguments and arguments[0] == "--one":
        return fuzz(arguments[1], int(arguments[2]), arguments[3])
    try:
        importlib.import_module("atheris")
    except ImportError:
        print(NEEDED)  # noqa: T201
        return 2
    chosen = arguments[1:] or TARGET_NAMES
    seconds = max(1, int(arguments[0]) // len(chosen)) if arguments else 10
    failed = [name for name in chosen if run(name, seconds)]
    print(f"{len(chosen)} targets, {seconds} s each; found something: {', '.join(failed) or 'none'}")  # noqa: T201
    return 1 if failed else 0


def run(name: str, seconds: int) -> int:
    """The exit code of one target's process."""
    with tempfile.TemporaryDirectory() as folder:
        for nth, seed in enumerate(seeds(name)):
            (Path(folder) / f"seed{nth}").write_bytes(seed)
        print(f"--- {name}", flush=True)  # noqa: T201
        return subprocess.run(
            [sys.executable, "-m", "tests.fuzz", "--one", name, str(seconds), folder], check=False
        ).returncode


def fuzz(name: str, seconds: int, folder: str) -> int:
    """Never returns but by its end: the fuzzer ends the process."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["lead_mcp"]):
        targets: Any = importlib.import_module("tests.fuzz.targets")
    if name == "replies":
        targets.samples()
    FOLDER.mkdir(exist_ok=True)
    bounds = [f"-max_total_time={seconds}", "-max_len=4096", f"-timeout={LONGEST}", f"-rss_limit_mb={MEMORY}"]
    quiet = ["-verbosity=0", "-print_final_stats=1"]
    atheris.Setup(["fuzz", *bounds, *quiet, f"-artifact_prefix={FOLDER}/{name}-", folder], targets.TARGETS[name])
    atheris.Fuzz()
    return 0


TARGET_NAMES: Final = ("replies", "decoding", "redaction", "cursors", "uris", "cleaning", "words")

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
