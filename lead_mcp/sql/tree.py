"""Reading the tree that ``json_serialize_sql`` gives: the same words for what 1.5 and 2.x spell differently. Pure.

1.5 has ``"function_name": "sum", "schema": "main", "children": [...]`` and ``"value": {"type": ..., "value": 7}``; 2.x has
``"qualified_name": {"path": ["sum"]}, "arguments": [{"expression": ...}]``, ``"literal": {"kind": "INTEGER", "text": "7"}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Node = dict[str, Any]


def nodes(value: Any) -> Iterator[Node]:
    """Every object of the tree, from the top down; what constants hold is left out."""
    if isinstance(value, list):
        for item in value:
            yield from nodes(item)
    elif isinstance(value, dict):
        yield value
        if value.get("class") != "CONSTANT":
            for item in value.values():
                yield from nodes(item)


def path_of(node: Node, *keys: str) -> tuple[str, ...]:
    """The name of a table or function in its parts: catalog, schema, name; those that are given."""
    qualified = node.get("qualified_name")
    if isinstance(qualified, dict) and qualified.get("path"):
        return tuple(str(part) for part in qualified["path"])
    return tuple(str(node[key]) for key in keys if node.get(key))


def table_path(node: Node) -> tuple[str, ...]:
    return path_of(node, "catalog_name", "schema_name", "table_name")


def function_path(node: Node) -> tuple[str, ...]:
    return path_of(node, "catalog", "schema", "function_name")


def function_name(node: Node) -> str | None:
    """The function that an expression calls, in lower case; None where it calls none."""
    return function_path(node)[-1].lower() if node.get("class") == "FUNCTION" else None


def arguments(node: Node) -> list[Node]:
    """What a function or operator is called with."""
    if "arguments" in node:
        return [one["expression"] for one in node["arguments"]]
    found: list[Node] = node.get("children") or []
    return found


def column_path(node: Any) -> tuple[str, ...]:
    """``("l", "uri")`` of ``l.uri``, in lower case; empty where the node is no column."""
    if not isinstance(node, dict) or node.get("class") != "COLUMN_REF":
        return ()
    return tuple(str(part).lower() for part in node["column_names"])


def literal(node: Any) -> str | int | float | None:
    """A constant's value, where it is text or a number."""
    if not isinstance(node, dict) or node.get("class") != "CONSTANT":
        return None
    if "literal" in node:
        return _of_text(str(node["literal"].get("kind")), str(node["literal"].get("text")))
    held = node.get("value") or {}
    value = held.get("value")
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _of_text(kind: str, text: str) -> str | int | float | None:
    try:
        return text if kind == "STRING" else int(text) if kind == "INTEGER" else float(text)
    except (TypeError, ValueError):
        return None


def cast_to(node: Any) -> str:
    """The type that a cast gives, in upper case; empty where the node is no cast."""
    if not isinstance(node, dict) or node.get("class") != "CAST":
        return ""
    if "type_expr" in node:
        return str(node["type_expr"].get("type_name", "")).upper()
    return str(node["cast_type"].get("id", "")).upper()


def anded(node: Any) -> Iterator[Node]:
    """The conditions that all have to hold."""
    if isinstance(node, dict) and node.get("type") == "CONJUNCTION_AND":
        for one in arguments(node):
            yield from anded(one)
    elif isinstance(node, dict):
        yield node


def ctes(node: Node) -> Sequence[tuple[str, Node]]:
    """The common table expressions of a node, in order: name and what each is."""
    return [(str(one["key"]), one["value"]) for one in (node.get("cte_map") or {}).get("map") or ()]
