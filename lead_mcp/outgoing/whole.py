"""One lead in full. In text: our fields, to whom it was sent, what else its vendor says of it; payloads last.

Each fact stands there once: of the vendor's record only what none of our fields shows. In structure both are whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from lead_mcp.engine.records import Record
from lead_mcp.filters import as_time, folded
from lead_mcp.outgoing.cleaning import cell, plain_cell
from lead_mcp.outgoing.records import STRING_LIMITS, full_record
from lead_mcp.outgoing.render import SENTENCE, Table, record_lines, table, text_of, text_table
from lead_mcp.outgoing.times import ShownTime, heading, shown_time
from lead_mcp.outgoing.token_budget import Rendered, first_that_fits
from lead_mcp.outgoing.words import is_empty, words_of
from lead_mcp.vendors.spec.events import EventKind, TimelineEvent
from lead_mcp.vendors.spec.fields import CANONICAL, FieldMap

RECORD_TOKENS: Final = 4_000
PAYLOAD: Final = 100
"""Characters from which on a text is a payload: what was posted somewhere, an answer, a long note."""
SENDS: Final = ("at", "buyer", "outcome", "price")


def whole_lead(record: Record, discovered: FieldMap | None = None, events: Sequence[TimelineEvent] = ()) -> Rendered:
    """A lead in full, its long strings cut as far as an answer needs. ``events``: what its record says happened to it."""
    tries: list[Callable[[], Rendered]] = [
        partial(_whole, record, discovered, events, limit) for limit in STRING_LIMITS
    ]
    return first_that_fits([*tries, partial(_bare, record, events)], RECORD_TOKENS)


def _whole(record: Record, discovered: FieldMap | None, events: Sequence[TimelineEvent], limit: int) -> Rendered:
    found = full_record(record, CANONICAL, limit, discovered)
    sends = _sends(events)
    rest = RestOfRecord(_shown_places(record, found["lead"]), found["lead"], sends)
    rest.take(found["raw"], "")
    return found, text_of(*_ours(found, sends), "raw:" if rest.lines or rest.long else "", *rest.lines, *rest.long)


def _bare(record: Record, events: Sequence[TimelineEvent]) -> Rendered:
    """Our fields alone, of a record that is too large to show."""
    found = full_record(record, CANONICAL, STRING_LIMITS[-1])
    found["raw"] = {"omitted": "too large to show; the resource at this URI has it whole"}
    return found, text_of(*_ours(found, _sends(events)), *record_lines({"raw": found["raw"]}))


def _ours(found: Mapping[str, Any], sends: Table) -> list[str]:
    lines = [heading(str(found["uri"]), None), *record_lines(found["lead"])]
    return [*lines, "sends:", text_table(sends)] if sends["rows"] else lines


# --- sends --------------------------------------------------------------------------------------------------------


def _sends(events: Sequence[TimelineEvent]) -> Table:
    """To whom the lead was sent, what became of it, and for how much: a row a send."""
    returns = {one.buyer: one for one in events if one.kind is EventKind.RETURNED}
    sent = [one for one in events if one.kind is EventKind.SENT]
    rows = [[shown_time(one.at), cell(one.buyer or ""), _outcome(one, returns), one.amount] for one in sent]
    return table(SENDS, rows)


def _outcome(one: TimelineEvent, returns: Mapping[str | None, TimelineEvent]) -> str:
    back = returns.get(one.buyer)
    if back is None or back.at < one.at:
        return "refused" if one.accepted is False else "accepted"
    return cell(f"returned {shown_time(back.at).text}" + (f": {back.reason}" if back.reason else ""))


# --- the vendor's record ------------------------------------------------------------------------------------------


def _shown_places(record: Record, lead: Mapping[str, Any]) -> dict[str, str]:
    """Where in the record the values of our fields stand, with the name of ours that shows each."""
    places: dict[str, str] = {}
    for name in lead:
        known = record.reads(name)
        for path in known.paths if known else ():
            if known is None or known.but(paths=(path,)).read(record.raw) is None:
                continue
            places.setdefault(path, name)
            if not known.joined:
                break
    return places


@dataclass
class RestOfRecord:
    """What of a vendor's record none of our fields shows, line by line; payloads apart.

    ``places``: the paths that are shown, and by which of our names.
    """

    places: Mapping[str, str]
    lead: Mapping[str, Any]
    sends: Table
    lines: list[str] = field(default_factory=list)
    long: list[str] = field(default_factory=list)

    def take(self, value: Any, path: str) -> None:
        """Write down what stands at ``path``."""
        if is_empty(value) or path in self.places:
            return
        if isinstance(value, Mapping):
            for key, item in value.items():
                self.take(item, f"{path}.{key}" if path else str(key))
        elif isinstance(value, list) and all(isinstance(item, Mapping) for item in value):
            self._take_rows(value, path)
        elif not self._is_repeated(path, value):
            self._take_line(path, value)

    def _take_line(self, path: str, value: Any) -> None:
        text = " ".join(plain_cell(part, SENTENCE) for part in words_of(value).split("\n"))
        (self.long if _is_payload(value) else self.lines).append(f"{plain_cell(path)}: {text}")

    def _is_repeated(self, path: str, value: Any) -> bool:
        """Whether one of our fields, or the place that it was read from, has the same name and the same value."""
        last = _plain(path)
        same = (name for place, name in self.places.items() if last in (_plain(place), _plain(name)))
        return isinstance(value, str) and any(folded(value) == folded(words_of(self.lead[name])) for name in same)

    def _take_rows(self, rows: Sequence[Mapping[str, Any]], path: str) -> None:
        """A list of objects as a small table of what is short in them; the rest behind, place by place."""
        found = {str(key): [row.get(key) for row in rows] for key in dict.fromkeys(key for row in rows for key in row)}
        kept = {
            key: values for key, values in found.items() if not all(map(is_empty, values)) and not self._is_sent(values)
        }
        columns = [key for key, values in kept.items() if not any(map(_is_payload, values))]
        if columns:
            cells = [
                [None if is_empty(kept[key][nth]) else kept[key][nth] for key in columns] for nth in range(len(rows))
            ]
            self.lines += [f"{plain_cell(path)}:", text_table(table(columns, cells))]
        for key, values in ((key, values) for key, values in kept.items() if key not in columns):
            for nth, value in enumerate(values, 1):
                self._take_part(f"{path}.{nth}.{key}", value)

    def _take_part(self, path: str, value: Any) -> None:
        """What was too long for a table, or is a table itself: it stands behind every line."""
        apart = RestOfRecord(self.places, self.lead, self.sends)
        apart.take(value, path)
        self.long += [*apart.lines, *apart.long]

    def _is_sent(self, values: Sequence[Any]) -> bool:
        """Whether the table of sends has these values in one of its columns."""
        shown = self.sends["rows"]
        return len(values) == len(shown) and any(
            all(_is_same(value, row[nth]) for value, row in zip(values, shown, strict=True))
            for nth in range(len(SENDS))
        )


def _is_payload(value: Any) -> bool:
    """Whether a value is no cell of a table: what was posted or answered, a long text, a list or an object."""
    if isinstance(value, list | dict):
        return bool(value)
    return isinstance(value, str) and (len(value) > PAYLOAD or value.lstrip()[:1] in ("<", "{", "["))


def _is_same(value: Any, shown: Any) -> bool:
    """Whether a cell of the sends shows the value; the outcome holds a time and a reason among its words."""
    moment = as_time(value)
    words = words_of(shown_time(moment) if moment else value)
    if isinstance(shown, ShownTime):
        return words == shown.text
    return words == words_of(shown) or (len(words) > 3 and isinstance(value, str) and words in words_of(shown))


def _plain(path: str) -> str:
    """A name as it compares with another: ``userData.firstName`` is ``firstname``, and so is ``first_name``."""
    return folded(path.rpartition(".")[2]).replace("_", "")
