"""Whether a statement may be asked: a judgement of its parsed tree by lists of what is allowed. Pure.

One SELECT (set operations, CTEs and subqueries are SELECTs again), over our tables and its own CTEs, with listed functions.
Whatever is not on a list is refused: kinds of nodes, keys that hold something, functions, names of tables. So what a later
version of the engine adds is refused too, until somebody has looked at it. The cage (``child.py``) holds where this errs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lead_mcp.errors import BadArgument, LeadMcpError, NotAllowed, did_you_mean, quoted
from lead_mcp.sql.functions import FORBIDDEN, FUNCTIONS, INSTEAD, SERIES, TABLE_FUNCTIONS, WORDS
from lead_mcp.sql.places import place
from lead_mcp.sql.tables import TABLES
from lead_mcp.sql.tree import Node, arguments, column_path, ctes, function_path, literal, table_path

LONGEST: Final = 20_000
"""Characters that a statement may have."""
SERIES_ROWS: Final = 1_000_000
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
EXPRESSIONS: Final = frozenset(
    "BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION LAMBDA OPERATOR STAR SUBQUERY TYPE "
    "WINDOW".split()
)
NODES: Final = frozenset(
    "SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE CTE_NODE BASE_TABLE JOIN SUBQUERY TABLE_FUNCTION EMPTY EXPRESSION_LIST "
    "ORDER_MODIFIER LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER DISTINCT_MODIFIER ORDER_DEFAULT ASCENDING DESCENDING "
    "DECIMAL_TYPE_INFO LIST_TYPE_INFO STRUCT_TYPE_INFO ARRAY_TYPE_INFO UNBOUND_TYPE_INFO STRING_TYPE_INFO GENERIC_TYPE_INFO "
    "EXTRA_TYPE_INFO".split()
)
KEYS: Final = frozenset(
    """
    aggregate_handling alias aliases arg_orders arguments case_checks cast_type catalog catalog_name child child_type
    child_types children class collation column column_name_alias column_names columns comparison_type condition cte_map
    cte_name default_expr distinct distinct_on_targets else_expr end end_expr exclude_clause exclude_list expected_names
    expected_types expr expression extension_info filter filter_expr first from_table function function_name
    group_expressions group_sets has_ignore_nulls having id ignore_nulls input is_implicit is_operator join_type key
    key_targets left lhs limit limit_type literal lower map materialized modifiers name nearest_count nearest_order_type
    node null_order offset offset_expr order_bys orders partitions path qualified_exclude_list qualified_name qualify
    query query_location query_location_length query_node ref_type relation_name rename_list replace_list right scale
    schema schema_name second select_list setop_all setop_type size start start_expr subquery subquery_type
    syntax_type table table_name then_expr try_cast type type_expr type_info type_name union_all upper
    user_type_modifiers using_columns value values when_expr where_clause width with_ordinality
    """.split()
)
"""Keys under which something may stand. Under any other, only nothing: null, false, 0, an empty text or list."""
REFUSED: Final[dict[str, tuple[type[LeadMcpError], str]]] = {
    "PARAMETER": (BadArgument, "There are no parameters: write the values into the statement."),
    "POSITIONAL_REFERENCE": (BadArgument, "Columns are named, not numbered (#1)."),
    "SHOW_REF": (
        NotAllowed,
        "DESCRIBE, SHOW and SUMMARIZE are not taken: the resource sql://schema lists every column.",
    ),
    "PIVOT": (NotAllowed, "PIVOT and UNPIVOT are not taken: use count(*) FILTER (WHERE ...) a column."),
}
TOO_DEEP: Final = "sql: the statement is nested too deeply."
ONE_SELECT: Final = "Only one SELECT is taken: nothing that writes, sets, loads, explains or describes."


@dataclass(frozen=True, slots=True)
class Read:
    """One place where a table of ours is read: the SELECT whose FROM it stands in, and the reference itself."""

    table: str
    select: Node
    reference: Node

    @property
    def alias(self) -> str:
        """The name that columns of this place go by, in lower case."""
        return str(self.reference.get("alias") or self.table).lower()


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that may be asked, its tree, and where it reads which table."""

    sql: str
    tree: Node
    reads: Sequence[Read]


def check_text(sql: str) -> str:
    """The statement's text, worth parsing. Raises BadArgument."""
    if not sql.strip():
        raise BadArgument("sql: a statement is needed, for example: SELECT count(*) FROM leads")
    if len(sql) > LONGEST:
        raise BadArgument(f"sql: the statement has {len(sql):,} characters; at most {LONGEST:,} are taken.")
    if "\0" in sql:
        raise BadArgument("sql: the statement holds a character that no SQL has (NUL).")
    return sql


def judged(sql: str, tree: Any) -> Statement:
    """The statement, if it may be asked. Raises BadArgument or NotAllowed, and says why."""
    statements = tree["statements"]
    if len(statements) != 1:
        raise BadArgument(f"sql: one statement at a time is taken; this is {len(statements) or 'none'}.")
    (one,) = statements
    if one.get("named_param_map"):
        raise REFUSED["PARAMETER"][0](f"sql: {REFUSED['PARAMETER'][1]}")
    judge = Judge(sql)
    try:
        judge.visit(one["node"], frozenset(), None)
    except RecursionError:
        raise BadArgument(TOO_DEEP) from None
    return Statement(sql, one["node"], judge.reads)


@dataclass
class Judge:
    """Walks the tree with the names of the CTEs in sight, and remembers where tables are read."""

    sql: str
    reads: list[Read] = field(default_factory=list)

    def visit(self, value: Any, scope: frozenset[str], select: Node | None) -> None:
        if isinstance(value, list):
            for item in value:
                self.visit(item, scope, select)
        elif isinstance(value, dict):
            self._node(value, scope, select)

    def _node(self, node: Node, scope: frozenset[str], select: Node | None) -> None:
        self._check_kind(node)
        self._check_keys(node)
        match node.get("class") or node.get("type"):
            case "CONSTANT":
                return
            case "FUNCTION" | "WINDOW":
                check_function(node, place(self.sql, node.get("query_location")))
            case "TABLE_FUNCTION":
                check_table_function(node["function"])
            case "COLUMN_REF":
                check_column(node)
            case "BASE_TABLE":
                self._table(node, scope, select)
            case "JOIN":
                check_join(node)
            case "SELECT_NODE":
                select = node
            case _:
                pass
        scope = self._with_ctes(node, scope)
        for key, item in node.items():
            if key != "cte_map":
                self.visit(item, scope, select)

    def _with_ctes(self, node: Node, scope: frozenset[str]) -> frozenset[str]:
        """The scope with the node's CTEs: each sees those before it, and itself where it is recursive."""
        if node.get("type") == "RECURSIVE_CTE_NODE":
            scope |= {checked_name(str(node.get("cte_name")))}
        for name, what in ctes(node):
            self.visit(what, scope, None)
            scope |= {checked_name(name)}
        return scope

    def _table(self, node: Node, scope: frozenset[str], select: Node | None) -> None:
        path = table_path(node)
        name = path[-1].lower() if path else ""
        if len(path) != 1:
            raise NotAllowed(f"sql: {quoted('.'.join(path))}: tables are named without a schema; there are {LISTED}.")
        if name in scope:
            return
        if name not in TABLES:
            raise no_table(path[0], place(self.sql, node.get("query_location")))
        self.reads.append(Read(name, select or node, node))

    def _check_kind(self, node: Node) -> None:
        given, kind = node.get("class"), node.get("type")
        known = EXPRESSIONS if given is not None else NODES
        word = given if given is not None else kind
        if isinstance(word, str) and word not in known:
            error, message = REFUSED.get(word, (NotAllowed, f"{word} is not among what is taken. {ONE_SELECT}"))
            raise error(f"sql: {message}")

    def _check_keys(self, node: Node) -> None:
        for key, item in node.items():
            if item not in (None, False, 0, "", [], {}) and key not in KEYS:
                raise NotAllowed(f"sql: this form of the statement is not taken ({quoted(key)}). {ONE_SELECT}")


LISTED: Final = ", ".join(TABLES)


def no_table(name: str, where: str) -> LeadMcpError:
    """There is no such table of ours: forbidden where it is one of the engine's or a file, else a mistake."""
    if not NAME.fullmatch(name) or name.lower().startswith(tuple(FORBIDDEN)):
        return NotAllowed(f"sql: {quoted(name)} is no table here{where}; there are {LISTED}.")
    return BadArgument(f"sql: there is no table {quoted(name)}{where}; there are {LISTED}.{did_you_mean(name, TABLES)}")


def checked_name(name: str) -> str:
    """The name of a CTE, in lower case: one that no table of the engine's own and no file can have."""
    if not NAME.fullmatch(name) or name.lower().startswith(tuple(FORBIDDEN)):
        raise BadArgument(f"sql: {quoted(name)} cannot be the name of a WITH part: use a plain word.")
    return name.lower()


def check_function(node: Node, where: str) -> None:
    """Raises NotAllowed or BadArgument unless the function is listed."""
    path = function_path(node)
    names = {path[-1].lower(), str(node.get("function_name") or path[-1]).lower()}
    if any(part not in ("main", "system") for part in path[:-1]):
        raise NotAllowed(f"sql: {quoted('.'.join(path))}: functions are named without a schema.")
    for name in sorted(names - FUNCTIONS):
        if name.startswith(tuple(FORBIDDEN)):
            raise NotAllowed(f"sql: the function {quoted(name)} is not allowed: it reaches beyond the tables' values.")
        hint = f" DuckDB has {INSTEAD[name]}." if name in INSTEAD else did_you_mean(name, FUNCTIONS)
        raise BadArgument(f"sql: there is no function {quoted(name)}{where} among those that are taken.{hint}")


def check_column(node: Node) -> None:
    """Raises NotAllowed for a bare word that the engine takes for a call."""
    path = column_path(node)
    if len(path) == 1 and path[0] in WORDS:
        raise NotAllowed(f"sql: {quoted(path[0])} is not allowed: it tells of the engine, not of the tables.")


def check_table_function(node: Node) -> None:
    """Raises NotAllowed unless what stands in FROM is a list or a bounded series."""
    name = function_path(node)[-1].lower()
    if name not in TABLE_FUNCTIONS:
        taken = ", ".join(sorted(TABLE_FUNCTIONS))
        raise NotAllowed(f"sql: {quoted(name)} cannot stand in FROM; of functions, {taken} can.")
    numbers = [literal(one) for one in arguments(node)]
    whole = [one for one in numbers if isinstance(one, int)]
    if name in SERIES and len(whole) == len(numbers) and _length(whole) > SERIES_ROWS:
        raise BadArgument(f"sql: {name} makes {_length(whole):,} rows; at most {SERIES_ROWS:,} are taken.")


def _length(numbers: Sequence[int]) -> int:
    """How many numbers ``range`` makes of one to three whole numbers."""
    first, last = (0, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
    return abs(last - first) // (abs(numbers[2]) or 1 if len(numbers) > 2 else 1)


def check_join(node: Node) -> None:
    """Raises BadArgument for a join by position: rows stand in no order here."""
    if node.get("ref_type") == "POSITIONAL":
        raise BadArgument("sql: POSITIONAL JOIN is not taken: rows stand in no order. Join by lead_uri or person_id.")
