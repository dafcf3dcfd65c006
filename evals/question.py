"""What a question is, the calls that answer it, and the small functions that read their answers.

A question may speak of something in the world, such as a person's e-mail: ``given`` finds it, and ``<email>`` in the words
and in the calls' arguments stands for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from evals.data import Data

Answer = Mapping[str, Any]
Given = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One call of a tool. ``pages``: with every page that its cursor leads to. ``refused``: its error is the answer."""

    tool: str
    arguments: Mapping[str, Any]
    pages: bool = False
    refused: bool = False


def nothing(_: Data) -> Given:
    return {}


@dataclass(frozen=True)
class Question:
    """``truth``: of the data and of what was given. ``read``: what the answers of ``calls`` say, in the truth's form.

    ``writes``: the question changes the world. ``why``: the reason, where it takes more than one call or
    more than 12 requests.
    """

    id: str
    words: str
    truth: Callable[[Data, Given], Any]
    calls: Sequence[Call]
    read: Callable[[Sequence[Answer]], Any]
    given: Callable[[Data], Given] = nothing
    writes: bool = False
    why: str = ""


def ask(
    id: str,  # noqa: A002 - a question's id
    words: str,
    truth: Callable[[Data], Any],
    calls: Call | Sequence[Call],
    read: Callable[[Sequence[Answer]], Any],
    *,
    why: str = "",
) -> Question:
    """A question that speaks of nothing in particular."""
    many = [calls] if isinstance(calls, Call) else calls
    return Question(id, words, lambda data, _: truth(data), many, read, why=why)


def about(
    id: str,  # noqa: A002 - a question's id
    words: str,
    given: Callable[[Data], Given],
    truth: Callable[[Data, Given], Any],
    calls: Call | Sequence[Call],
    read: Callable[[Sequence[Answer]], Any],
    *,
    writes: bool = False,
    why: str = "",
) -> Question:
    """A question about what ``given`` finds in the data."""
    return Question(id, words, truth, [calls] if isinstance(calls, Call) else calls, read, given, writes, why)


def filled(template: Any, given: Given) -> Any:
    """The same with what was given in place of ``<name>``; a text that is nothing else keeps the value's type."""
    if isinstance(template, str):
        whole = re.fullmatch(r"<(\w+)>", template)
        if whole and whole[1] in given:
            return given[whole[1]]
        return re.sub(r"<(\w+)>", lambda found: str(given.get(found[1], found[0])), template)
    if isinstance(template, Mapping):
        return {name: filled(value, given) for name, value in template.items()}
    return [filled(one, given) for one in template] if isinstance(template, list) else template


# --- calls --------------------------------------------------------------------------------------------------------


def call(tool: str, **arguments: Any) -> Call:
    return Call(tool, arguments)


def sql(statement: str, **arguments: Any) -> Call:
    return Call("query_sql", {"sql": " ".join(statement.split()), **arguments})


def summary(account: str | None = None, measures: str = "count", **arguments: Any) -> Call:
    given = {"account": account} if account else {}
    return Call("summarize_leads", {**given, "measures": measures, **arguments})


def search(account: str | None = None, **arguments: Any) -> Call:
    return Call("search_leads", {**({"account": account} if account else {}), **arguments})


def pings(direction: str, **arguments: Any) -> Call:
    return Call("query_pings", {"direction": direction, **arguments})


def every_page(one: Call) -> Call:
    return Call(one.tool, one.arguments, pages=True)


def refused(tool: str, **arguments: Any) -> Call:
    return Call(tool, arguments, refused=True)


def where(*conditions: str) -> list[dict[str, Any]]:
    """Filters from words: ``"status eq won"``, ``"value gte 100"``, ``"email exists false"``; a comma makes a list of in."""
    found = []
    for condition in conditions:
        field, op, value = condition.split(" ", 2)
        typed: Any = {"true": True, "false": False}.get(value, value)
        found.append({"field": field, "op": op, "value": value.split(",") if op in ("in", "not_in") else typed})
    return found


# --- reading answers ----------------------------------------------------------------------------------------------

NEAR: Final = Decimal("0.0001")  # averages and shares have four decimals
TABLES: Final = ("leads", "groups", "result", "pings", "recordings", "events")


def rows(answer: Answer) -> list[list[Any]]:
    """The rows of an answer's table."""
    name = next(name for name in TABLES if name in answer)
    found: list[list[Any]] = answer[name]["rows"]
    return found


def dicts(answer: Answer, name: str = "") -> list[dict[str, Any]]:
    """The rows of an answer's table, by column."""
    table = answer[name or next(one for one in TABLES if one in answer)]
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def one(answers: Sequence[Answer]) -> Any:
    """The last cell of the first row."""
    return plain(rows(answers[0])[0][-1])


def first(answers: Sequence[Answer]) -> Any:
    """The first cell of the first row."""
    return plain(rows(answers[0])[0][0])


def total(answers: Sequence[Answer]) -> Any:
    return answers[0]["total"]


def cells(answers: Sequence[Answer]) -> list[Any]:
    """The first cell of every row, page after page."""
    return [plain(row[0]) for answer in answers for row in rows(answer)]


def grouped(answers: Sequence[Answer]) -> dict[Any, Any]:
    """The second cell of every row by the first."""
    return {plain(row[0]): plain(row[1]) for answer in answers for row in rows(answer)}


def code(answers: Sequence[Answer]) -> Any:
    """The code of the error that came."""
    return answers[0].get("error", {}).get("code")


def plain(value: Any) -> Any:
    """A number or a time out of JSON as a Decimal or an aware time, anything else as it is."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return Decimal(str(value))
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*", value):
        return datetime.fromisoformat(value)
    return value


def same(truth: Any, found: Any) -> bool:
    """Whether an answer says the truth: numbers to the fourth decimal, lists in order, sets and tables in none."""
    if isinstance(truth, bool) or truth is None or isinstance(truth, str):
        return type(truth) is type(found) and truth == found
    if isinstance(truth, int | float | Decimal):
        return isinstance(found, int | float | Decimal) and abs(Decimal(str(truth)) - Decimal(str(found))) <= NEAR
    if isinstance(truth, Mapping):
        return (
            isinstance(found, Mapping)
            and set(truth) == set(found)
            and all(same(truth[key], found[key]) for key in truth)
        )
    if isinstance(truth, set | frozenset):
        return len(truth) == len(list(found)) and truth == set(found)
    if isinstance(truth, list | tuple):
        return isinstance(found, list | tuple) and len(truth) == len(found) and all(map(same, truth, found))
    return bool(truth == found)
