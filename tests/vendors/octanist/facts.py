"""What the generic suites need to know of Octanist."""

from __future__ import annotations

from typing import Final

from tests.facts import Change, Dialect, VendorFacts

NEWER: Final = frozenset({"dclid", "wbraid", "gbraid", "epik"})
"""Fields that the older generations have not and refuse to be asked for."""

FACTS: Final = VendorFacts(
    dialects=(
        Dialect(options={"dialect": "production"}, unread=NEWER),
        Dialect(options={"dialect": "legacy"}, unread=NEWER, coarse_times=True),
        Dialect(options={"nulls": "last"}),
    ),
    change=Change(field="note", wanted="called twice", other="called once"),
    nobody=("lead_ffffffff",),
    keeps={"name": ("name",), "email": ("email",), "phone": ("phone",), "note": ("note",)},
    holders=("note", "custom", "path"),
)
