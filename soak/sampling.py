"""The size of processes and folders, read from outside every few seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import anyio
import httpx2

from soak.clock import Clock

EVERY: Final = 3.0
MIB: Final = 1024 * 1024
TASKS: Final = "lead_mcp_tasks "
Measured = Mapping[str, float]


@dataclass
class Series:
    """Values in the order of their times, by who and what: ``("http", "memory MiB")``."""

    values: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, who: str, measured: Measured) -> None:
        for what, value in measured.items():
            self.values[who, what].append(value)


@dataclass(frozen=True)
class Watched:
    """What is sampled: processes by name, the metrics pages of those that have one, folders by name."""

    pids: Mapping[str, int]
    pages: Mapping[str, str]
    folders: Mapping[str, Path]


async def sampling(watched: Watched, series: Series, clock: Clock) -> None:
    """Samples until the run's end."""
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
        while clock.is_running:
            for name, pid in watched.pids.items():
                series.add(name, of_family(pid))
            for name, url in watched.pages.items():
                series.add(name, await _tasks(http, url))
            for name, folder in watched.folders.items():
                series.add(name, of_folder(folder))
            await anyio.sleep(EVERY)


def of_family(pid: int) -> Measured:
    """A process, and the processes that it started (DuckDB runs in some); nothing where it is gone."""
    children = list(_children(pid))
    try:
        return {
            "memory MiB": _status(pid, "VmRSS") / 1024,
            "descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())),
            "threads": _status(pid, "Threads"),
            "children": len(children),
            "children MiB": sum(_status(one, "VmRSS") for one in children) / 1024,
        }
    except OSError:
        return {}


def waited(pid: int) -> float:
    """Seconds that the thread of a process that waited longest has waited for a processor, all in all."""
    return max((_waited(one) for one in Path(f"/proc/{pid}/task").glob("*/schedstat")), default=0.0)


def of_folder(folder: Path) -> Measured:
    """Files in a folder and below, and what they hold."""
    sizes = [size for size in map(_size, folder.rglob("*")) if size is not None]
    return {"files": len(sizes), "disk MiB": sum(sizes) / MIB}


async def _tasks(http: httpx2.AsyncClient, url: str) -> Measured:
    """Tasks of its event loop, as its metrics page tells."""
    try:
        page = (await http.get(url)).text
    except httpx2.HTTPError:
        return {}  # a server that does not answer is the pings' matter
    found = [line.removeprefix(TASKS) for line in page.splitlines() if line.startswith(TASKS)]
    return {"tasks": float(found[0])} if found else {}


def _children(pid: int) -> Iterator[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        yield child
        yield from _children(child)


def _waited(path: Path) -> float:
    try:
        return int(path.read_text().split()[1]) / 1e9
    except OSError:  # the thread has ended
        return 0.0


def _status(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):  # a child that has just ended
        return 0
    return int(next((line.split()[1] for line in lines if line.startswith(f"{name}:")), "0"))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:  # gone meanwhile
        return None
