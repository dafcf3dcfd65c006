"""The rows of ``update_leads`` as models write them."""

from __future__ import annotations

from typing import Any, Final

from lead_mcp.errors import did_you_mean
from lead_mcp.tools.arguments.readers import EMPTY, as_object, as_objects, as_text, refuse

UPDATE: Final = '{"uri": "lead://acme/12", "changes": {"status": "won"}}'
KEYS: Final = ("uri", "changes", "expect")
BARE: Final = ("uri", "id", "expect")
"""Keys beside which a row without ``changes`` has the fields to change."""


def as_updates(value: Any) -> Any:
    """A list of ``{"uri", "changes", "expect"?}``; one of them, and JSON in a string, too."""
    return [_update(one) for one in as_objects(value)]


def _update(given: dict[str, Any]) -> dict[str, Any]:
    given = _nested(given)
    for key in given:
        if key not in KEYS:
            raise refuse(key, f"the keys {', '.join(KEYS)} in a row", UPDATE, did_you_mean(key, KEYS))
    missing = [key for key in ("uri", "changes") if given.get(key) in EMPTY]
    if missing:
        raise refuse(given, f"{' and '.join(missing)} in each row", UPDATE)
    expect = given.get("expect")
    return {
        "uri": as_text(given["uri"]),
        "changes": as_object(given["changes"]),
        "expect": None if expect in EMPTY else as_object(expect),
    }


def _nested(given: dict[str, Any]) -> dict[str, Any]:
    """The row with its URI and changes under their keys: a URI may come as ``id``, and the fields beside it."""
    if "uri" not in given and str(given.get("id", "")).startswith("lead://"):
        given = {"uri" if key == "id" else key: value for key, value in given.items()}
    fields = {key: value for key, value in given.items() if key not in BARE}
    if "changes" in given or not fields or any(did_you_mean(key, KEYS) for key in fields):
        return given
    return {**{key: value for key, value in given.items() if key in BARE}, "changes": fields}


def as_lead_rows(value: Any) -> Any:
    """A list of leads; the ``vendor_fields`` of one are an object, or not given."""
    return [_lead(one) for one in as_objects(value)]


def _lead(given: dict[str, Any]) -> dict[str, Any]:
    if "vendor_fields" not in given:
        return given
    rest = {name: item for name, item in given.items() if name != "vendor_fields"}
    own = given["vendor_fields"]
    return rest if own in EMPTY else {**rest, "vendor_fields": as_object(own)}
