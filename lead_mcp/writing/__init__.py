"""Writes: checked, confirmed, journalled, sent once, settled. Values in and out.

Lowest first: ``context``, ``outcome`` (actions and what became of them) and ``values``; ``forms`` checks what somebody wants
to write; ``call`` is who wants it; ``prepared`` is a write made ready, by ``offers`` and by kind in ``inserts``, ``updates``
and ``deletes``. The steps of a write: ``confirm`` (a person's word), ``claim`` (which process sends it), ``send`` (once, on
record) with ``readback``, ``settle`` (a lost answer). ``leases`` is their way to the journal, ``pipeline`` their order,
``batch`` several at once, ``rehydrate`` a write out of the journal.
"""
