"""What every call to the emulated LeadSquared passes through: the dialect, its refusals, shapes, dates and pages.

Shares nothing with the adapter. Source tags: docs/sources.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from lead_mcp.vendors.leadsquared.emulator.store import FIELDS, Store

Carrier = Literal["http", "200"]
Json = dict[str, Any]
Shape: TypeAlias = "Mapping[str, Shape] | tuple[type, ...]"

MISSING: Final = "MXMandatoryAttributeMissingException"
DUPLICATE: Final = "MXDuplicateEntryException"
INVALID: Final = "MXInvalidInputException"
NO_RIGHTS: Final = "MXUnAuthorizedAccessException"
TOO_FAST: Final = "MXAPIRateLimitExceededException"

UNPAGED_LEADS: Final = 100  # unverified: no page says how many leads come when no Paging is sent
DATE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class RefusedError(Exception):
    """The call failed: the ``MX...`` envelope, HTTP 500 unless said otherwise. Source: D error-handling."""

    def __init__(self, kind: str, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.kind, self.message, self.status = kind, message, status


class MalformedError(Exception):
    """The request is not per specification: HTTP 400. Source: S."""


@dataclass(frozen=True)
class Dialect:
    """Which of the documented variants this account speaks; ``build`` explains each."""

    errors: Carrier = "http"
    deletes: bool = False
    edition: Literal["2022", "2026"] = "2022"
    by_id: Literal["array", "object"] = "array"
    record_count: Literal["page", "total"] = "page"
    first_offset: Literal[0, 1] = 0
    create_needs: Literal["unique", "any"] = "unique"
    duplicates: Literal["sentence", "key"] = "sentence"
    object_types: bool = False


@dataclass(frozen=True)
class Call:
    """One admitted request. ``origin`` is where the emulator is mounted, without a slash at the end."""

    store: Store
    dialect: Dialect
    query: dict[str, str]
    body: Any
    origin: str

    def need(self, name: str) -> str:
        """A required query parameter."""
        return str(needed(self.query, name))

    def id(self, name: str) -> str:
        """A required query parameter that must be a GUID, in lower case."""
        return guid(self.need(name))


Answer = Callable[[Call], Any]


def check(value: Any, shape: Shape, where: str = "body") -> None:
    """Refuse names and types the page does not list: 400 stands for "names, structure" too. Source: S."""
    if isinstance(shape, tuple):
        if not isinstance(value, shape) or (isinstance(value, bool) and bool not in shape):
            raise MalformedError(f"{where} must be {' or '.join(kind.__name__ for kind in shape)}")
        return
    if not isinstance(value, dict):
        raise MalformedError(f"{where} must be an object")
    for name, inner in value.items():
        if name not in shape:
            raise MalformedError(f"{where}.{name} is not known")
        check(inner, shape[name], f"{where}.{name}")


def needed(values: Mapping[str, Any], name: str) -> Any:
    """The value of a mandatory name; empty counts as absent."""
    if values.get(name) in (None, "", []):
        raise RefusedError(MISSING, f"Mandatory attribute {name} is missing")
    return values[name]


def guid(text: str) -> str:
    """A GUID in lower case. Malformed ones are refused (unverified: undocumented everywhere)."""
    if not GUID.fullmatch(text):
        raise RefusedError(INVALID, f"{text[:60]!r} is not a valid id")
    return text.lower()


def moment(text: str) -> str:
    """A request date, ``YYYY-MM-DD HH:MM:SS`` UTC and nothing else, as given. Source: D overview."""
    if DATE.fullmatch(text):
        try:
            datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return text
    raise RefusedError(INVALID, f"{text[:60]!r} is not a date of the form YYYY-MM-DD HH:MM:SS")


def window(parameter: Json) -> tuple[str, str]:
    """FromDate and ToDate, both required; a window that ends before it starts is refused (unverified)."""
    start, end = (moment(needed(parameter, name)) for name in ("FromDate", "ToDate"))
    if start > end:
        raise RefusedError(INVALID, "FromDate is greater than ToDate")
    return start, end


def page(body: Json, cap: int, unpaged: int = UNPAGED_LEADS) -> slice:
    """The rows asked for. Pages count from 1 (D); sizes over ``cap`` are quietly cut and pages go on from that (C)."""
    paging = body.get("Paging", {})
    index, size = paging.get("PageIndex", 1), min(paging.get("PageSize", unpaged), cap)
    if index < 1 or size < 1:
        raise RefusedError(INVALID, "PageIndex and PageSize start at 1")
    return slice((index - 1) * size, index * size)


def sorting(body: Json, allowed: Mapping[str, Any], usual: str) -> tuple[str, bool]:
    """Column and "is descending"; Direction "1" or 1 is descending, "0" or 0 ascending. Source: D criteria."""
    block = body.get("Sorting")
    if block is None:
        return usual, True
    column, direction = needed(block, "ColumnName"), str(block.get("Direction", "1"))
    if column not in allowed:
        raise RefusedError(INVALID, f"Sorting column {column[:60]!r} does not exist")
    if direction not in ("0", "1"):
        raise RefusedError(INVALID, "Sorting direction is 0 or 1")
    return column, direction == "1"


def columns(csv: str, dialect: Dialect) -> list[str]:
    """The asked columns that come back, in the order asked; the others are left out without a word.

    Names are case-sensitive: ``ProspectID`` comes, ``ProspectId`` and ``ProspectAutoID`` do not. The 2022 edition shows
    CompanyType and no OwnerIdEmailAddress, the 2026 edition the reverse. Source: S, D bulk-by-ids, C.
    """
    extra = "CompanyType" if dialect.edition == "2022" else "OwnerIdEmailAddress"
    asked = dict.fromkeys(name.strip() for name in csv.split(","))
    return [name for name in asked if (name in FIELDS and _on(name, dialect)) or name == extra]


def every_column(dialect: Dialect) -> list[str]:
    """The columns of a full lead object."""
    return [name for name in FIELDS if _on(name, dialect)]


def _on(name: str, dialect: Dialect) -> bool:
    return name != "LeadType" or dialect.object_types
