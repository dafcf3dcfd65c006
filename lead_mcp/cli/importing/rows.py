"""The rows of a file to import: CSV with a header, or one JSON object a line.

Everything that can be wrong with a file is found here and gathered, so that a person mends it in one go.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final

from lead_mcp.characters import is_text, strings_in
from lead_mcp.cli.importing.text_files import checked_size, digest_of_file, lines_of
from lead_mcp.errors import BadArgument
from lead_mcp.writing.values import DEPTH, HALF_CHARACTER, TOO_DEEP, is_deeper

LISTED: Final = 20
"""Problems that are printed."""
KEPT: Final = 1000
MOST_FIELD: Final = 1_000_000
"""Characters that one value of a CSV file may have, over all its lines."""
MOST_ROWS: Final = 100_000
DELIMITERS: Final = ",;\t"
NAMED: Final = f"{DELIMITERS}|:"
"""Delimiters that a first line of Excel's may name."""
SEPARATOR: Final = "sep="
"""How Excel's own first line begins, which names the delimiter."""


@dataclass
class Problems:
    """What is wrong, by message: a mistake in a whole column is one problem on many lines."""

    lines: dict[str, list[int]] = field(default_factory=dict)
    further: int = 0
    """Beyond the ``KEPT`` that are told apart."""

    def add(self, line: int, message: str) -> None:
        if message in self.lines or len(self.lines) < KEPT:
            self.lines.setdefault(message, []).append(line)
        else:
            self.further += 1

    def __bool__(self) -> bool:
        return bool(self.lines)

    def texts(self) -> Iterator[str]:
        """The first of them, each with its first lines."""
        for message, lines in list(self.lines.items())[:LISTED]:
            first = ", ".join(map(str, lines[:5]))
            more = f" and {len(lines) - 5:,} more" if len(lines) > 5 else ""
            yield f"line{'s' if len(lines) > 1 else ''} {first}{more}: {message}"
        further = len(self.lines) - LISTED + self.further
        if further > 0:
            yield f"and {further:,} further problems"


Read = tuple[int, Mapping[str, Any]]
"""A row as read: its line, and values by column."""


@dataclass
class ImportFile:
    """A file as read: the digest of its content, its columns in order, its rows, and what is wrong with it."""

    digest: str
    columns: Sequence[str]
    read: list[Read]
    problems: Problems


def read_file(path: Path) -> ImportFile:
    """The file. Raises OSError where it cannot be read, BadArgument where there is none or one of another kind."""
    if not path.is_file():
        raise BadArgument(f"{path}: there is no such file.")
    read = READERS.get(path.suffix.casefold())
    if read is None:
        message = f"{path.name} is of another kind: a .csv file with a header is taken (a spreadsheet saves one)"
        raise BadArgument(f"{message}, or a .jsonl file with one JSON object a line.")
    checked_size(path)
    problems, rows = Problems(), list[Read]()
    columns: dict[str, None] = {}
    for line, values in read(lines_of(path), columns, problems):
        half = [place for place, text in strings_in(values, "a value") if not is_text(text)]
        if half:
            problems.add(line, f"{half[0].removeprefix('a value.')}: {HALF_CHARACTER}")
        rows.append((line, values))
        if len(rows) > MOST_ROWS:
            raise BadArgument(f"{path.name} has more than {MOST_ROWS:,} rows. Split the file.")
    if not rows and not problems:
        raise BadArgument(f"{path.name} holds no rows; in a .csv file the first line is the header.")
    return ImportFile(digest_of_file(path), list(columns), rows, problems)


RowReader = Callable[[Iterator[str], dict[str, None], Problems], Iterator[Read]]
"""Reads lines as rows; fills in the columns and what is wrong."""


# --- CSV ----------------------------------------------------------------------------------------------------------


def _read_csv(lines: Iterator[str], columns: dict[str, None], problems: Problems) -> Iterator[Read]:
    first, lines, skipped = _first(lines)
    records = _records(
        csv.reader(lines, delimiter=_delimiter(first, skipped), strict=True), skipped is not None, problems
    )
    with _long_fields():
        line, header = next(records, (1, []))
        names = _names(line, header, problems)
        columns.update(dict.fromkeys(filter(None, names)))
        for line, values in records:
            if (row := _row(line, values, names, problems)) is not None:
                yield line, row


def _first(lines: Iterator[str]) -> tuple[str, Iterator[str], str | None]:
    """The header's first line, all lines from it on, and the delimiter that a line before it names."""
    first = next(lines, "")
    if not first.lower().startswith(SEPARATOR):
        return first, chain([first], lines), None
    header = next(lines, "")
    return header, chain([header], lines), first[len(SEPARATOR) :].rstrip("\r\n")


def _delimiter(header: str, named: str | None) -> str:
    """The one that Excel has named, else the one that the header holds most of outside quotes."""
    if named is not None and len(named) == 1 and named in NAMED:
        return named
    bare = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=lambda one: (bare.count(one), -DELIMITERS.index(one)))


@contextmanager
def _long_fields() -> Iterator[None]:
    """The module's own limit is less than a note may have."""
    before = csv.field_size_limit(MOST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _records(reader: Any, skipped: bool, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Every record with the line it begins on; blank ones are none. A file broken in its middle ends there."""
    line = before = 1 + skipped
    try:
        for values in reader:
            if any(value.strip() for value in values):
                yield line, values
            line = reader.line_num + before
    except csv.Error as error:
        problems.add(line, _csv_problem(str(error)))


def _csv_problem(words: str) -> str:
    if "field limit" in words:
        return f"a field of more than {MOST_FIELD:,} characters; perhaps a quote is never closed."
    return f"not CSV ({words})."


def _names(line: int, header: Sequence[str], problems: Problems) -> list[str]:
    """The columns' names; one without a name has "", and those at the end are none."""
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()
    twice = sorted(name for name, count in Counter(names).items() if name and count > 1)
    if twice:
        problems.add(line, f"the header names {', '.join(map(repr, twice[:LISTED]))} twice.")
    return names


def _row(line: int, values: list[str], names: Sequence[str], problems: Problems) -> dict[str, str] | None:
    while len(values) > len(names) and not values[-1].strip():
        values.pop()
    if len(values) != len(names):
        problems.add(line, f"{len(values)} values, where the header has {len(names)} columns.")
        return None
    row = {name: value.strip() for name, value in zip(names, values, strict=True) if value.strip()}
    if "" in row:
        nth = next(nth for nth, name in enumerate(names, 1) if not name and values[nth - 1].strip())
        problems.add(line, f"a value in column {nth}, which has no name.")
    return row


# --- JSON lines ---------------------------------------------------------------------------------------------------


def _read_jsonl(lines: Iterator[str], columns: dict[str, None], problems: Problems) -> Iterator[Read]:
    for line, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            found = json.loads(text, parse_constant=_no_number, object_pairs_hook=_unique)
        except ValueError as error:
            problems.add(line, f"not JSON ({error}).")
        except RecursionError:
            problems.add(line, TOO_DEEP)
        else:
            if (problem := _object_problem(found)) is not None:
                problems.add(line, problem)
                continue
            columns.update(dict.fromkeys(found))
            yield line, {name: value for name, value in found.items() if value not in (None, "")}


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        name = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"{name[:60]!r} stands there twice")
    return found


def _object_problem(found: Any) -> str | None:
    if not isinstance(found, dict):
        return "not one JSON object."
    return TOO_DEEP if is_deeper(found, DEPTH) else None


READERS: Final[Mapping[str, RowReader]] = {".csv": _read_csv, ".jsonl": _read_jsonl, ".ndjson": _read_jsonl}
