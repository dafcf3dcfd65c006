"""Personal values as a listing at a terminal has them: ``a…@e…``, ``+1…01``, ``A…``.

Enough to recognise what one knows, too little to learn anything, and no key is needed. Whatever is not known to be harmless
is cut down to its hint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from lead_mcp.characters import cleaned
from lead_mcp.writing.forms import EMAIL

NAMES: Final = frozenset("uri id journal_id undoes known lead tool account method columns row field attribute".split())
"""What names a thing, not a person (``lead`` as a list: account and id)."""
WORDS: Final = frozenset(
    "why warnings notes message key by path action outcome on_duplicate code vendor_code status stage source list_id campaign "
    "value created_at updated_at qualified_at taken_over_from approved approved_by".split()
)
"""Words that are nobody's, and sentences: only what looks personal or is quoted in them is cut down."""
READS_OTHERWISE: Final = frozenset({"field", "value", "sent"})
"""A warning that holds values, which go by the name beside them."""
EMAIL_IN: Final = re.compile(r"[^@\s<>,;\"'“”]+@[^@\s<>,;\"'“”]+")
PHONE: Final = re.compile(r"\+?[\d ().\-/]{7,}")
QUOTED: Final = re.compile(r"'[^']*'|“[^”]*”|\"[^\"]*\"")
PHONE_IN: Final = re.compile(r"(?<![\w/-])\+?\d[\d ()./-]{5,}\d(?![\w-])")


def hinted(value: Any, name: str = "") -> Any:
    """The value of ``name``, every personal part of it cut down to its hint."""
    if isinstance(value, Mapping):
        return _hinted(value, name)
    if isinstance(value, list | tuple):
        return [hinted(item, name) for item in value]
    if value is None or isinstance(value, bool) or name.lower() in NAMES:
        return value
    if name in WORDS:
        return sentence(cleaned(value)) if isinstance(value, str) else value
    return hint(cleaned(str(value)))


def _hinted(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    if name == "results":  # as version 1 of the journal kept them
        return {**value, "rows": [[*row[:-1], hinted(row[-1], "message")] for row in value.get("rows", ())]}
    if name == "checked":
        return {key: hinted(item, key) if key == "note" else item for key, item in value.items()}
    if value.keys() == READS_OTHERWISE:
        return {key: value[key] if key == "field" else hinted(value[key], str(value["field"])) for key in value}
    return {key: hinted(item, str(key)) for key, item in value.items()}


def hint(text: str) -> str:
    """One value."""
    if EMAIL.fullmatch(text):
        local, _, domain = text.rpartition("@")
        return f"{local[0]}…@{domain[0]}…"
    if PHONE.fullmatch(text) and sum(map(str.isdigit, text)) >= 7:
        return f"{text[:2]}…{text[-2:]}"
    return f"{text[:1]}…" if text else text


def sentence(text: str) -> str:
    """A sentence of ours: e-mails, telephone numbers and whatever is quoted in it are cut down, the rest stays."""
    text = EMAIL_IN.sub(lambda found: hint(found[0]), text)
    text = QUOTED.sub(lambda found: f"{found[0][0]}…{found[0][-1]}", text)
    return PHONE_IN.sub(lambda found: hint(found[0]), text)
