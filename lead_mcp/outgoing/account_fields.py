"""The fields of one account, a row each: what they are called, what they hold, how they are asked for and written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lead_mcp.engine.connection import Connection
from lead_mcp.engine.records import Record
from lead_mcp.filters import Kind, Op
from lead_mcp.outgoing.cleaning import cell
from lead_mcp.outgoing.kinds import kind_of
from lead_mcp.outgoing.masking import masked, masked_text, masker_in_use
from lead_mcp.vendors.spec.fields import PING_FIELDS, Field, FieldMap
from lead_mcp.vendors.spec.writing import Form, Param

COLUMNS: Final = ("name", "type", "pushed_operators", "values", "note", "kind", "written")
USED: Final = (
    "status stage source value created_at name email phone utm_source utm_medium utm_campaign campaign owner label state city"
).split()
"""Lead fields that are asked for most, in that order; the others follow as the vendor's map has them."""
SAMPLES: Final = 3
"""Values of a field that are shown as examples: the commonest among the newest records."""
SAMPLE: Final = 30
"""Characters of one."""
EXAMPLES: Final = "e.g. "
WRITTEN_ONLY: Final = "written, not read back"


@dataclass(frozen=True)
class KindOfRecord:
    """The fields of one ``kind`` of record: ``lead``, ``inbound`` or ``outbound``. ``newest``: some records, for examples."""

    kind: str
    fields: FieldMap
    discovered: Mapping[str, Field] = field(default_factory=dict)
    newest: Sequence[Record] = ()

    @property
    def status(self) -> Field | None:
        """What says which words a status may be: as the vendor tells it of this account, else its documents."""
        known = self.fields.ours.get("status")
        told = [self.discovered[path] for path in known.paths if path in self.discovered] if known else []
        return next((one for one in told if one.values), known)

    @property
    def own(self) -> dict[str, Field]:
        """The vendor's and the account's own fields by name; ``raw.NAME`` where a name of ours hides another of theirs."""
        ours = self.fields.ours
        found: dict[str, Field] = {}
        for path, one in {**self.fields.own, **self.discovered}.items():
            if path not in ours:
                found[path] = one
            elif path in self.fields.own and one.paths != ours[path].paths:
                found[f"raw.{path}"] = one
        return found


def field_rows(connection: Connection, kinds: Sequence[KindOfRecord]) -> list[list[Any]]:
    """A row a field, in the order in which an answer keeps them: ours of every kind, then the others by how many records have
    them (where ours have another name for it last), then what is only written.
    """
    writing = Written.of(connection)
    ours = [_row(one, name, known, writing) for one in kinds for name, known in _in_use(one)]
    own = [(_filled(one, known), _row(one, name, known, writing)) for one in kinds for name, known in one.own.items()]
    own.sort(key=lambda pair: -pair[0])
    return [
        *ours,
        *(row for _, row in own),
        *writing.unread_rows({row[0] for row in [*ours, *(row for _, row in own)]}),
    ]


def _in_use(one: KindOfRecord) -> list[tuple[str, Field]]:
    """Our fields of that kind, those that are asked for most first."""
    order = USED if one.kind == "lead" else PING_FIELDS
    first = [name for name in order if name in one.fields.ours]
    return [(name, one.fields.ours[name]) for name in dict.fromkeys((*first, *one.fields.ours))]


def _row(one: KindOfRecord, name: str, known: Field, writing: Written) -> list[Any]:
    pushed = [op for op in Op if op in known.exact | known.edge | known.coarse]
    param = writing.param(name) if one.kind == "lead" else None
    notes = (known.note, param.note if param else "", "filter only" if known.filter_only else "")
    note = "; ".join(dict.fromkeys(part for one_note in notes for part in one_note.split("; ") if part))
    written = writing.words(name) if one.kind == "lead" else ""
    values = _values(one, name, known)
    return [cell(name), str(known.kind), " ".join(pushed), values, masked_text(note), one.kind, written]


def _values(one: KindOfRecord, name: str, known: Field) -> str:
    """The words that it takes; else examples, where they are words that come again and of nobody."""
    if known.values:
        return ", ".join(map(cell, known.values))
    masker = masker_in_use()
    about = masker.kind(name, known, one.newest[0].account, one.kind) if masker and one.newest else kind_of(name, known)
    if about or known.kind not in (Kind.TEXT, Kind.ANY):
        return ""
    found = [value for record in one.newest if isinstance(value := known.read(record.raw), str)]
    counted = Counter(found)
    if not counted or len(counted) > max(1, len(found) // 2):
        return ""
    return EXAMPLES + ", ".join(cell(str(masked(name, value)), SAMPLE) for value, _ in counted.most_common(SAMPLES))


def _filled(one: KindOfRecord, known: Field) -> int:
    """How many of the newest records have it; less than none where one of ours says the same."""
    if known.paths in {ours.paths for ours in one.fields.ours.values()}:
        return -1
    return sum(known.read(record.raw) is not None for record in one.newest)


@dataclass(frozen=True)
class Written:
    """How an account's lead fields are written: by each form that its vendor offers."""

    forms: Mapping[str, Form]

    @staticmethod
    def of(connection: Connection) -> Written:
        sides = {"insert": connection.vendor.insert, "update": connection.vendor.update}
        return Written({word: side.form for word, side in sides.items() if side is not None})

    def words(self, name: str) -> str:
        """``insert update``; ``insert!`` where an insert needs it."""
        return " ".join(f"{word}{'!' if name in form.all_of else ''}" for word, form in self._taking(name))

    def param(self, name: str) -> Param | None:
        """What is known of the first place that it is written to."""
        return next((found for _, form in self._taking(name) if (found := _param(form, name))), None)

    def _taking(self, name: str) -> list[tuple[str, Form]]:
        return [(word, form) for word, form in self.forms.items() if _param(form, name) is not None]

    def unread_rows(self, read: set[str]) -> Iterator[list[Any]]:
        """Rows of what is written and read by no name of ours or the vendor's."""
        names = dict.fromkeys(name for form in self.forms.values() for name in form.own)
        for name in names:
            param = self.param(name)
            if param is not None and name not in read and not self._reads(name, read):
                values, note = ", ".join(map(cell, param.values)), "; ".join(filter(None, (param.note, WRITTEN_ONLY)))
                yield [cell(name), str(param.kind), "", values, masked_text(note), "lead", self.words(name)]

    def _reads(self, name: str, read: set[str]) -> bool:
        """Whether it is the vendor's name for one of ours, which has a row."""
        return any(
            param.name == name and ours in read for form in self.forms.values() for ours, param in form.ours.items()
        )


def _param(form: Form, name: str) -> Param | None:
    """The place in a form that a field of a record is written to."""
    name = form.reads.get(name, name)
    theirs = {param.name: param for param in form.ours.values()}
    return form.ours.get(name) or form.own.get(name) or theirs.get(name)
