"""The rows of a file to import: CSV with a header, or one JSON object a line; columns as fields of a lead.

Everything that can be wrong with a file is found here and gathered, so that a person mends it in one go.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lead_mcp.errors import BadArgument, did_you_mean
from lead_mcp.vendors.spec.fields import CANONICAL
from lead_mcp.vendors.spec.writing import Form

THEIRS: Final = "vendor:"
SHOWN: Final = 20
DELIMITERS: Final = ";\t"
"""Taken where a header line holds one of them and no comma."""


@dataclass
class Problems:
    """What is wrong, by message: a mistake in a whole column is one problem on many lines."""

    lines: dict[str, list[int]] = field(default_factory=dict)

    def add(self, line: int, message: str) -> None:
        self.lines.setdefault(message, []).append(line)

    def __bool__(self) -> bool:
        return bool(self.lines)

    def to_dict(self) -> Iterator[str]:
        """The first 20, each with its first lines."""
        for message, lines in list(self.lines.items())[:SHOWN]:
            first = ", ".join(map(str, lines[:5]))
            more = f" and {len(lines) - 5:,} more" if len(lines) > 5 else ""
            yield f"line{'s' if len(lines) > 1 else ''} {first}{more}: {message}"
        if len(self.lines) > SHOWN:
            yield f"and {len(self.lines) - SHOWN:,} further problems"


@dataclass(frozen=True)
class Row:
    """One lead of the file. ``number`` counts rows from 1, ``line`` is where it begins."""

    number: int
    line: int
    lead: Mapping[str, Any]
    own: Mapping[str, Any]


Read = tuple[int, Mapping[str, Any]]
"""A row as read: its line, and values by column."""


@dataclass
class File:
    """A file as read: the digest of its content, its columns in order, its rows, and what is wrong with it."""

    digest: str
    columns: Sequence[str]
    read: list[Read]
    problems: Problems


def read_file(path: Path) -> File:
    """The file. Raises OSError where it cannot be read, BadArgument for another kind of file."""
    read = READERS.get(path.suffix.casefold())
    if read is None:
        raise BadArgument(f"{path.name}: a .csv file with a header, or a .jsonl file with one JSON object a line.")
    content = path.read_bytes()
    problems = Problems()
    try:
        columns, rows = read(content.decode("utf-8-sig"), problems)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadArgument(f"{path.name}: line {line} is not UTF-8; save the file as UTF-8.") from None
    if not rows and not problems:
        raise BadArgument(f"{path.name} holds no rows.")
    return File(hashlib.sha256(content).hexdigest(), columns, rows, problems)


# --- CSV ----------------------------------------------------------------------------------------------------------


def _read_csv(text: str, problems: Problems) -> tuple[Sequence[str], list[Read]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    records = _records(reader, problems)
    header = next(records, (1, []))[1]
    columns = [name.strip() for name in header]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        problems.add(1, f"the header names {', '.join(map(repr, twice))} twice.")
    rows: list[Read] = []
    for line, values in records:
        if len(values) != len(columns):
            problems.add(line, f"{len(values)} values, where the header has {len(columns)} columns.")
        else:
            given = zip(columns, values, strict=True)
            rows.append((line, {name: value.strip() for name, value in given if value.strip()}))
    return columns, rows


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return next((one for one in DELIMITERS if one in first and "," not in first), ",")


def _records(reader: Any, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Every record with the line it begins on; blank lines are none. A file broken in its middle ends there."""
    line = 1
    try:
        for values in reader:
            if values:
                yield line, values
            line = reader.line_num + 1
    except csv.Error as error:
        problems.add(line, f"not CSV ({error}).")


# --- JSON lines ---------------------------------------------------------------------------------------------------


def _read_jsonl(text: str, problems: Problems) -> tuple[Sequence[str], list[Read]]:
    rows: list[Read] = []
    columns: dict[str, None] = {}
    for line, part in enumerate(text.split("\n"), 1):
        if not part.strip():
            continue
        try:
            found = json.loads(part, parse_constant=_no_number)
        except ValueError as error:
            problems.add(line, f"not JSON ({error}).")
            continue
        if not isinstance(found, dict):
            problems.add(line, "not one JSON object.")
            continue
        columns.update(dict.fromkeys(found))
        rows.append((line, {name: value for name, value in found.items() if value not in (None, "")}))
    return list(columns), rows


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")


READERS: Final = {".csv": _read_csv, ".jsonl": _read_jsonl, ".ndjson": _read_jsonl}


# --- columns ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mapped:
    """Which column is which field: ours by name, the vendor's own as ``vendor:NAME``."""

    targets: Mapping[str, str]

    def rows(self, read: Iterable[Read]) -> list[Row]:
        return [self._row(number, line, values) for number, (line, values) in enumerate(read, 1)]

    def _row(self, number: int, line: int, values: Mapping[str, Any]) -> Row:
        given = {self.targets[name]: value for name, value in values.items() if name in self.targets}
        ours = {name: value for name, value in given.items() if not name.startswith(THEIRS)}
        own = {name.removeprefix(THEIRS): value for name, value in given.items() if name.startswith(THEIRS)}
        return Row(number, line, ours, own)


def mapped(columns: Sequence[str], maps: Sequence[str], form: Form, *, ignore_unmapped: bool) -> Mapped:
    """The columns as fields: as ``maps`` say (``column=field``), else by their names. Raises BadArgument."""
    ours = dict.fromkeys((*form.ours, *CANONICAL))
    on_progress = dict(_told(one, columns, ours) for one in maps)
    targets: dict[str, str] = {}
    for column in columns:
        target = on_progress.get(column) or _by_name(column, ours)
        if target is None and not ignore_unmapped:
            raise BadArgument(_unknown(column, ours, form))
        if target in targets.values():
            first = next(name for name, found in targets.items() if found == target)
            raise BadArgument(f"Columns {first!r} and {column!r} are both {target}.")
        if target is not None:
            targets[column] = target
    if not targets:
        raise BadArgument("No column of the file is a field of a lead.")
    return Mapped(targets)


def _told(text: str, columns: Sequence[str], ours: Iterable[str]) -> tuple[str, str]:
    column, equals, target = text.rpartition("=")
    if not equals or not column or not target.removeprefix(THEIRS):
        raise BadArgument(f"--map {text!r} is not column=field.")
    if column not in columns:
        raise BadArgument(f"--map {text!r}: the file has no column {column!r}.{did_you_mean(column, columns)}")
    if not target.startswith(THEIRS) and target not in ours:
        hint = did_you_mean(target, ours)
        raise BadArgument(f"--map {text!r}: no field {target!r}; a vendor's own is vendor:NAME.{hint}")
    return column, target


def _by_name(column: str, ours: Iterable[str]) -> str | None:
    """``First Name`` is ``first_name``; ``vendor:NAME`` is itself."""
    if column.startswith(THEIRS) and column != THEIRS:
        return column
    spelled = column.casefold().replace(" ", "_").replace("-", "_")
    return next((name for name in (column, spelled) if name in ours), None)


def _unknown(column: str, ours: Iterable[str], form: Form) -> str:
    theirs = f" It is the vendor's own: --map {column}=vendor:{column}"
    hint = theirs if column in form.own else did_you_mean(column, ours)
    return f"Column {column!r} is no field of a lead.{hint} (--map column=field, or --ignore-unmapped.)"
