"""Which clients are tested, in which era and over which transport, and what they have no way to do.

``python -m tests.clients.sdks`` prints the page docs/clients-tested.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
ABILITIES: Final[Mapping[str, str]] = {
    "connect": "connect",
    "list": "list tools",
    "search": "search",
    "summarise": "summarize",
    "sql": "SQL",
    "error": "read an error",
    "resource": "read a resource",
    "templates": "list templates",
    "prompt": "prompt",
    "completion": "complete",
    "progress": "progress",
    "accept": "ask a person: yes",
    "decline": "ask a person: no",
    "cancel": "cancel",
}
NEWEST: Final = "2025-11-25"
CANNOT_ASK: Final = ("accept", "decline")


@dataclass(frozen=True)
class Sdk:
    """One client. ``pinned``: the file that names its version; ``eras`` and ``transports``: what is tried.

    ``lacks``: abilities that it has no way to show, with the reason. ``revision``: the newest one it knows, legacy era.
    """

    package: str
    pinned: str
    exam: str
    eras: Sequence[str] = ("legacy",)
    transports: Sequence[str] = ("stdio", "http")
    lacks: Mapping[str, str] = field(default_factory=dict)
    revision: str = NEWEST

    @property
    def version(self) -> str:
        text = (HERE / self.pinned).read_text("utf-8")
        if self.pinned.endswith(".json"):
            return str(json.loads(text)["dependencies"][self.package])
        found = re.search(rf"^{re.escape(self.package)}(?:\[\w+\])?==(\S+)$", text, re.MULTILINE)
        assert found is not None, f"{self.pinned} does not name {self.package}"
        return found[1]


def lacking(reason: str, *abilities: str) -> dict[str, str]:
    return dict.fromkeys(abilities, reason)


NOT_SHOWN: Final = "it shows its users nothing of the kind"
SDKS: Final[Mapping[str, Sdk]] = {
    "typescript-1.11": Sdk(
        "@modelcontextprotocol/sdk",
        "typescript-1.11/package.json",
        "typescript_1.mjs",
        lacks=lacking("questions came with 1.13", *CANNOT_ASK),
        revision="2025-03-26",
    ),
    "typescript-1": Sdk(
        "@modelcontextprotocol/sdk",
        "../node/package.json",
        "typescript_1.mjs",
        transports=("stdio", "http", "stateless"),
    ),
    "typescript-2": Sdk(
        "@modelcontextprotocol/client",
        "typescript-2/package.json",
        "typescript_2.mjs",
        eras=("legacy", "modern"),
        transports=("stdio", "http", "stateless"),
    ),
    "python-1": Sdk("mcp", "requirements.txt", "mcp_1.py", transports=("stdio", "http", "stateless")),
    "python-2": Sdk(
        "mcp",
        "../../constraints.txt",
        "mcp_2.py",
        eras=("legacy", "modern"),
        transports=("stdio", "http", "stateless"),
    ),
    "fastmcp": Sdk("fastmcp", "requirements-fastmcp.txt", "fastmcp_4.py", eras=("legacy", "modern")),
    "langchain": Sdk(
        "langchain-mcp-adapters",
        "requirements.txt",
        "langchain_adapters.py",
        lacks=lacking(NOT_SHOWN, "connect", "templates", "completion"),
    ),
    "pydantic-ai": Sdk(
        "pydantic-ai-slim",
        "requirements.txt",
        "pydantic_agent.py",
        lacks=lacking(NOT_SHOWN, "connect", "completion", "progress"),
    ),
    "openai-agents": Sdk(
        "openai-agents",
        "requirements.txt",
        "openai_agent.py",
        lacks={
            **lacking(NOT_SHOWN, "connect", "completion", "progress"),
            **lacking("it has no way to ask", *CANNOT_ASK),
        },
    ),
    "google-genai": Sdk(
        "google-genai",
        "requirements.txt",
        "google_genai.py",
        lacks=lacking(
            "it knows of tools alone", "connect", "resource", "templates", "prompt", "completion", "progress"
        ),
    ),
}
STATELESS: Final = "a server without sessions cannot ask an older client; the write waits for `lead-mcp approve`"


@dataclass(frozen=True)
class Case:
    """One client in one era over one transport."""

    name: str
    era: str
    transport: str

    @property
    def sdk(self) -> Sdk:
        return SDKS[self.name]

    @property
    def lacks(self) -> Mapping[str, str]:
        if (self.era, self.transport) == ("legacy", "stateless"):
            return {**self.sdk.lacks, **lacking(STATELESS, *CANNOT_ASK)}
        return self.sdk.lacks


def cases() -> Iterator[Case]:
    for name, sdk in SDKS.items():
        for era in sdk.eras:
            yield from (Case(name, era, transport) for transport in sdk.transports)


# --- the page -----------------------------------------------------------------------------------------------------

HEAD: Final = """# Clients that are tested

`make clients` runs every client below against `lead-mcp serve`, over an emulator, and compares what each was shown with the
emulator's own data (`tests/clients/`). `python -m tests.clients.sdks` prints this page. *yes*: done and compared; a number:
not possible there, for the reason below. `stateless` is HTTP with `--stateless`. The conformance suites, the MCP Inspector and
the conversions of the tools' schemas are run beside them ([testing](testing.md)).
"""


def page() -> str:
    """The page docs/clients-tested.md."""
    reasons = list(dict.fromkeys(reason for case in cases() for reason in case.lacks.values()))
    rows = [("client", "protocol", "over", *ABILITIES.values()), ("---",) * (3 + len(ABILITIES))]
    rows += [_row(cells, reasons) for cells in _grouped()]
    notes = [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n".join([HEAD, *(f"| {' | '.join(row)} |" for row in rows), "", *notes, ""])


def _grouped() -> list[list[Case]]:
    """Cases that differ in nothing but the transport share a row."""
    found: dict[tuple[str, str, tuple[str, ...]], list[Case]] = {}
    for case in cases():
        found.setdefault((case.name, case.era, tuple(case.lacks)), []).append(case)
    return list(found.values())


def _row(shared: Sequence[Case], reasons: Sequence[str]) -> tuple[str, ...]:
    first = shared[0]
    revision = "2026-07-28" if first.era == "modern" else first.sdk.revision
    cells = (str(reasons.index(first.lacks[one]) + 1) if one in first.lacks else "yes" for one in ABILITIES)
    name = f"`{first.sdk.package}` {first.sdk.version}"
    return name, revision, ", ".join(case.transport for case in shared), *cells


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - this is what it is for
