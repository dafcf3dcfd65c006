"""The start of ``serve``, which a client waits for each time it opens: what it can do without is done when first needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class ServeOptions(NamedTuple):
    """What ``serve`` was asked for, and its defaults."""

    transport: str = "stdio"
    host: str = "127.0.0.1"
    port: int = 8000
    stateless: bool = False
    config: Path | None = None
    sandbox: bool = False


def read_plain(words: Sequence[str]) -> ServeOptions | None:
    """The options of a line that starts a stdio server in the usual spelling; None for every other line.

    Those are for ``commands.py``, which knows every spelling, explains, and refuses what is wrong. Loading it takes longer
    than all that this server loads of its own.
    """
    if not words or words[0] != "serve":
        return None
    options, rest = ServeOptions(), list(words[1:])
    while rest:
        match rest:
            case ["--sandbox", *rest]:
                options = options._replace(sandbox=True)
            case ["--transport", "stdio", *rest]:
                pass
            case ["--config", file, *rest] if file and not file.startswith("-"):
                options = options._replace(config=Path(file))
            case _:
                return None
    return options


def serve(options: ServeOptions) -> int:
    """Run the server until its end; the exit code. Raises SettingsError."""
    with models_built_when_used():
        from lead_mcp.cli.serve import run
    return run(options)


@contextmanager
def models_built_when_used() -> Iterator[None]:
    """pydantic makes no validator for the models whose modules load inside, until one is used (``defer_build``).

    The SDK has a model for every message of every version of the protocol, and a client sends a dozen of them.
    """
    import mcp_types  # noqa: F401 - its own adapters build its models at once: put off, they would be built twice
    from pydantic import VERSION, BaseModel

    if VERSION.startswith(("2.12.", "2.13.")):  # two threads that first use a model at once could meet it half built
        yield
        return
    BaseModel.model_config["defer_build"] = True
    try:
        yield
    finally:
        del BaseModel.model_config["defer_build"]
