"""Our entry in a client's file, and the form in which each client wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

SLOW_START: Final = 30
"""Seconds a client is asked to wait for the start: a first run from a cold disk can pass Codex's default of 10."""
SLOW_CALL: Final = 300
"""Seconds a call may take where a client has a limit of its own: a person may be asked meanwhile."""
REMOTE: Final = ("url", "uri", "serverUrl", "httpUrl")
"""Keys of an entry that is no program to start."""


@dataclass(frozen=True)
class Entry:
    """A server for a client to start: an absolute command, since clients with a window have a short PATH."""

    name: str
    command: str
    args: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)


def plain(entry: Entry) -> dict[str, Any]:
    """``command``, ``args`` and, where there is any, ``env``."""
    env = {"env": dict(entry.env)} if entry.env else {}
    return {"command": entry.command, "args": list(entry.args), **env}


def typed(entry: Entry) -> dict[str, Any]:
    return {"type": "stdio", **plain(entry)}


def zed(entry: Entry) -> dict[str, Any]:
    return {"source": "custom", **plain(entry)}


def codex(entry: Entry) -> dict[str, Any]:
    return {**plain(entry), "startup_timeout_sec": SLOW_START}


def goose(entry: Entry) -> dict[str, Any]:
    return {
        "type": "stdio",
        "name": entry.name,
        "enabled": True,
        "cmd": entry.command,
        "args": list(entry.args),
        "envs": dict(entry.env),
        "timeout": SLOW_CALL,
    }


def merged(old: Any, new: Mapping[str, Any]) -> dict[str, Any]:
    """Our entry over the one that is there: what a person has added to it stays, unless it was a server elsewhere."""
    if not isinstance(old, Mapping) or any(key in old for key in REMOTE):
        return dict(new)
    both = {key: {**old[key], **value} for key, value in new.items() if _two_tables(old.get(key), value)}
    return {**old, **_numbers_kept(old, new), **both}


def _two_tables(old: Any, new: Any) -> bool:
    return isinstance(old, Mapping) and isinstance(new, Mapping)


def _numbers_kept(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """``new`` without what a person decides: times, and whether the entry is on."""
    return {key: value for key, value in new.items() if not (key in old and isinstance(value, int))}
