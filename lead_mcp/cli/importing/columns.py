"""Columns of a file to import as fields of a lead: ours by name, the vendor's own as ``vendor:NAME``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from lead_mcp.cli.importing.rows import Read
from lead_mcp.errors import BadArgument, did_you_mean
from lead_mcp.journal.entries import digest_of
from lead_mcp.vendors.spec.fields import CANONICAL
from lead_mcp.vendors.spec.writing import Form

THEIRS: Final = "vendor:"
HEADERS: Final = {
    **dict.fromkeys(("e_mail", "email_address", "e_mail_address"), "email"),
    **dict.fromkeys(("phone_number", "telephone", "telephone_number"), "phone"),
    **dict.fromkeys(("zip", "zip_code", "zipcode", "postcode"), "postal_code"),
    **dict.fromkeys(("notes", "comments"), "note"),
    "full_name": "name",
    "company_name": "company",
}
"""What spreadsheets and form makers usually call a field, where no other column is called it."""
TOLD: Final = 10
"""Unknown columns that are named at once."""
NEAR: Final = 1000
"""Columns among which the nearest to a misspelled one is looked for."""


@dataclass(frozen=True)
class Row:
    """One lead of the file. ``number`` counts rows from 1, ``line`` is where it begins.

    ``name`` tells it from every other row, in this file and any other that holds the same: the digest of its values, and
    which of the rows with these values it is.
    """

    number: int
    line: int
    name: str
    lead: Mapping[str, Any]
    own: Mapping[str, Any]


@dataclass(frozen=True)
class ColumnMap:
    """Which column is which field."""

    targets: Mapping[str, str]

    def rows(self, read: Iterable[Read]) -> list[Row]:
        occurrences = Counter[str]()
        return [self._row(number, line, values, occurrences) for number, (line, values) in enumerate(read, 1)]

    def _row(self, number: int, line: int, values: Mapping[str, Any], occurrences: Counter[str]) -> Row:
        given = {self.targets[name]: value for name, value in values.items() if name in self.targets}
        ours = {name: value for name, value in given.items() if not name.startswith(THEIRS)}
        own = {name.removeprefix(THEIRS): value for name, value in given.items() if name.startswith(THEIRS)}
        digest = digest_of(values)[:32]
        occurrences[digest] += 1
        return Row(number, line, f"{digest}#{occurrences[digest]}", ours, own)


def column_map(columns: Sequence[str], maps: Sequence[str], form: Form, *, ignore_unmapped: bool) -> ColumnMap:
    """The columns as fields: as ``maps`` say (``column=field``, ``column=`` for none), else by their names.

    Raises BadArgument.
    """
    ours = dict.fromkeys((*form.ours, *CANONICAL))
    given = dict(_given(one, columns, ours) for one in maps)
    targets: dict[str, str] = {}
    columns_of: dict[str, str] = {}
    kept = [column for column in columns if given.get(column) != ""]
    for column in kept:
        target = given.get(column) or _by_name(column, ours)
        if target is None:
            continue
        if target in columns_of:
            raise BadArgument(f"Columns {columns_of[target]!r} and {column!r} are both {target}.")
        targets[column], columns_of[target] = target, column
    for column in kept:
        usual = HEADERS.get(_spelled(column))
        if column not in targets and usual in ours and usual not in columns_of:
            targets[column], columns_of[usual] = usual, column
    if not ignore_unmapped and (unknown := [column for column in kept if column not in targets]):
        raise BadArgument(_unknown(unknown, ours, form))
    if not targets:
        raise BadArgument("No column of the file is a field of a lead.")
    return ColumnMap(targets)


def _given(text: str, columns: Sequence[str], ours: Iterable[str]) -> tuple[str, str]:
    column, equals, target = text.rpartition("=")
    if not equals or not column or target == THEIRS:
        raise BadArgument(f"--map {text!r} is not column=field.")
    if column not in columns:
        hint = did_you_mean(column, islice(columns, NEAR))
        raise BadArgument(f"--map {text!r}: the file has no column {column!r}.{hint}")
    if target and not target.startswith(THEIRS) and target not in ours:
        hint = did_you_mean(target, ours)
        raise BadArgument(f"--map {text!r}: no field {target!r}; a vendor's own is vendor:NAME.{hint}")
    return column, target


def _by_name(column: str, ours: Mapping[str, None]) -> str | None:
    """``First Name`` is ``first_name``; ``vendor:NAME`` is itself."""
    if column.startswith(THEIRS) and column != THEIRS:
        return column
    return next((name for name in (column, _spelled(column)) if name in ours), None)


def _spelled(column: str) -> str:
    return column.strip().casefold().replace(" ", "_").replace("-", "_")


def _unknown(columns: Sequence[str], ours: Iterable[str], form: Form) -> str:
    told = [f"Column {column[:200]!r} is no field of a lead.{_hint(column, ours, form)}" for column in columns[:TOLD]]
    more = f" And {len(columns) - TOLD:,} more." if len(columns) > TOLD else ""
    return f"{' '.join(told)}{more} (--map column=field, or --ignore-unmapped.)"


def _hint(column: str, ours: Iterable[str], form: Form) -> str:
    theirs = f" It is the vendor's own: --map {column}=vendor:{column}"
    return theirs if column in form.own else did_you_mean(column, ours)
