"""Types of arguments: a reader, and the schema a model is told: no ``$ref``, no type lists, no object without properties.

Every type but the ``Required`` ones is None where nothing was given: empty values never reach a reader (``base.Arguments``).
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from lead_mcp.filters import Filter, Op
from lead_mcp.tools.arguments.conditions import as_filters, as_sort
from lead_mcp.tools.arguments.readers import (
    as_account,
    as_accounts,
    as_flag,
    as_object,
    as_statement,
    as_text,
    as_whole,
    as_word,
    as_words,
    without_uri,
)
from lead_mcp.tools.arguments.updates import as_lead_rows, as_updates

Schema = dict[str, Any]
STRING: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "number"}
STRINGS: Final[Schema] = {"type": "array", "items": STRING}
SCALAR: Final[Schema] = {"anyOf": [STRING, NUMBER, {"type": "boolean"}, STRINGS]}
CONDITION: Final[Schema] = {
    "type": "object",
    "properties": {"field": STRING, "op": {"type": "string", "enum": [str(op) for op in Op]}, "value": SCALAR},
    "required": ["field", "op"],
}
PLAIN_CONDITION: Final[Schema] = {
    "type": "object",
    "properties": {"field": STRING, "op": STRING, "value": STRING},
    "required": ["field", "op"],
}
"""The same where another tool has named the operators."""
USUAL: Final = "first_name last_name name email phone company city state status value note".split()
"""Fields of a write that a model is told of; others are taken too."""
LEAD: Final[Schema] = {
    "type": "object",
    "properties": {name: NUMBER if name == "value" else STRING for name in USUAL},
}
ROW: Final[Schema] = {"type": "object", "properties": dict.fromkeys(USUAL[:5], STRING)}
"""A lead where the usual fields are named elsewhere already."""
CHANGES: Final[Schema] = {
    "type": "object",
    "properties": {name: LEAD["properties"][name] for name in ("status", "value", "email", "phone", "note")},
}
SOME: Final[Schema] = {"type": "object", "properties": {"status": STRING}}
"""Changes where the usual fields are named beside it already."""
UPDATE: Final[Schema] = {
    "type": "object",
    "properties": {"uri": STRING, "changes": SOME, "expect": SOME},
    "required": ["uri", "changes"],
}
OPEN: Final[Schema] = {"type": "object", "properties": {"name": STRING}}
"""An object whose keys only the vendor knows: clients refuse one without any property."""

Text = Annotated[str | None, BeforeValidator(as_text), WithJsonSchema(STRING)]
Statement = Annotated[str, BeforeValidator(as_statement), WithJsonSchema(STRING)]
Words = Annotated[list[str] | None, BeforeValidator(as_words), WithJsonSchema(STRINGS)]
Columns = Annotated[Words, AfterValidator(without_uri)]
"""Columns beside the first one, which is the URI."""
Account = Annotated[str | None, BeforeValidator(as_account), WithJsonSchema(STRING)]
RequiredAccount = Annotated[str, BeforeValidator(as_account), WithJsonSchema(STRING)]
Accounts = Annotated[str | None, BeforeValidator(as_accounts), WithJsonSchema(STRING)]
Sort = Annotated[str | None, BeforeValidator(as_sort), WithJsonSchema(STRING)]
Filters = Annotated[
    list[Filter] | None,
    BeforeValidator(as_filters),
    Field(max_length=50),
    WithJsonSchema({"type": "array", "items": CONDITION}),
]
PlainFilters = Annotated[
    list[Filter] | None,
    BeforeValidator(as_filters),
    Field(max_length=50),
    WithJsonSchema({"type": "array", "items": PLAIN_CONDITION}),
]
Limit = Annotated[int, BeforeValidator(as_whole(1, 200)), WithJsonSchema({"type": "integer", "maximum": 200})]
AnyLimit = Annotated[
    int | None, BeforeValidator(as_whole(0, 200)), WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 200})
]
Rows = Annotated[int | None, BeforeValidator(as_whole(1)), WithJsonSchema({"type": "integer"})]
Tokens = Annotated[int | None, BeforeValidator(as_whole(50, 1_000_000)), WithJsonSchema({"type": "integer"})]
MaxRows = Annotated[int, BeforeValidator(as_whole(1, 10_000)), WithJsonSchema({"type": "integer"})]
Flag = Annotated[bool, BeforeValidator(as_flag), WithJsonSchema({"type": "boolean"})]
Lead = Annotated[dict[str, Any], BeforeValidator(as_object), WithJsonSchema(LEAD)]
Leads = Annotated[
    list[dict[str, Any]],
    BeforeValidator(as_lead_rows),
    Field(min_length=1, max_length=50),
    WithJsonSchema({"type": "array", "items": ROW}),
]
Changes = Annotated[dict[str, Any] | None, BeforeValidator(as_object), WithJsonSchema(CHANGES)]
Expected = Annotated[dict[str, Any] | None, BeforeValidator(as_object), WithJsonSchema(SOME)]
VendorFields = Annotated[dict[str, Any] | None, BeforeValidator(as_object), WithJsonSchema(OPEN)]
Updates = Annotated[
    list[dict[str, Any]] | None,
    BeforeValidator(as_updates),
    Field(max_length=50),
    WithJsonSchema({"type": "array", "items": UPDATE}),
]
Uris = Annotated[list[str] | None, BeforeValidator(as_words), Field(max_length=50), WithJsonSchema(STRINGS)]
Key = Annotated[str | None, BeforeValidator(as_text), Field(min_length=1, max_length=200), WithJsonSchema(STRING)]

Detail = Annotated[Literal["concise", "detailed", "uris"], BeforeValidator(as_word(("concise", "detailed", "uris")))]
Direction = Annotated[Literal["inbound", "outbound"], BeforeValidator(as_word(("inbound", "outbound")))]
Source = Annotated[Literal["auto", "live", "mirror"], BeforeValidator(as_word(("auto", "live", "mirror")))]
FileFormat = Annotated[
    Literal["csv", "jsonl", "xlsx", "parquet"], BeforeValidator(as_word(("csv", "jsonl", "xlsx", "parquet")))
]
OnDuplicate = Annotated[Literal["fail", "update", "allow"], BeforeValidator(as_word(("fail", "update", "allow")))]
