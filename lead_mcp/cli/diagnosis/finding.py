"""One thing that was looked at, and how it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """``ERROR``: something does not work; ``WARNING``: it may not, or not safely; ``NOTE``: worth knowing."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """``about``: what was looked at. ``next``: what to do; empty where there is nothing."""

    about: str
    severity: Severity
    what: str
    next: str = ""


def ok(about: str, what: str) -> Finding:
    return Finding(about, Severity.OK, what)


def note(about: str, what: str, then: str = "") -> Finding:
    return Finding(about, Severity.NOTE, what, then)


def warning(about: str, what: str, then: str) -> Finding:
    return Finding(about, Severity.WARNING, what, then)


def error(about: str, what: str, then: str) -> Finding:
    return Finding(about, Severity.ERROR, what, then)
