"""Planning again without what a vendor refused: which filters may have been the reason, and the plan that sends none."""

from __future__ import annotations

from dataclasses import replace

from lead_mcp.engine.notes import FilterRefused
from lead_mcp.engine.plan import Plan
from lead_mcp.filters import Op
from lead_mcp.vendors.spec.fields import FieldMap


def doubtful(found: Plan, fields: FieldMap) -> frozenset[tuple[str, Op]]:
    """What was sent though no document says that it is taken, or though nobody asked for just that."""
    asked = [(w, fields.get(w.field)) for w in found.sent if w.field != found.along]
    return frozenset(
        (w.field, w.op)
        for w, known in asked
        if (known is not None and w.op in known.tried) or (w.op is Op.EXISTS and w not in found.criteria.clauses)
    )


def unfiltered(found: Plan, fields: FieldMap) -> Plan | None:
    """The plan with nothing sent but the reading's bounds, every clause checked here; None where one cannot be.

    For a vendor that refuses a filter it was sent to narrow, such as one on a field that only another partition has.
    """
    sent = [w for w in found.criteria.clauses if w in found.sent]
    known = (fields.get(w.field) for w in sent)
    if not sent or any(field is not None and field.filter_only for field in known):
        return None
    return replace(
        found,
        sent=(),
        checked=tuple(dict.fromkeys((*found.checked, *sent))),
        pushed=tuple(clause for clause in found.pushed if clause not in sent),
        checked_here=tuple(dict.fromkeys((*sent, *found.checked_here))),
        notes=(*found.notes, FilterRefused(tuple(dict.fromkeys(where.field for where in sent)))),
    )
