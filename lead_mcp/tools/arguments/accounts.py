"""``account`` as a server's own clients are told of it: with the names of the accounts that are configured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lead_mcp.tools.arguments.models import ACCOUNTS

MOST: Final = 12
"""Names that a schema lists; more would cost every conversation more than they help: ``list_accounts`` has them."""


def named_accounts(schema: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """A tool's input schema with the names that its ``account`` takes: closed where it takes one, told where it takes several.

    Vendors' names are taken too, and are not listed.
    """
    account = schema["properties"].get("account")
    if account is None or not 0 < len(names) <= MOST:
        return schema
    if account["description"] == ACCOUNTS:
        argument = {**account, "description": f"{', '.join(names)}; comma list, default all"}
    else:
        argument = {**account, "enum": [*names]}
    return {**schema, "properties": {**schema["properties"], "account": argument}}
