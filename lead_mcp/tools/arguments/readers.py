"""What is taken for an argument of each type. Models and people send ``""`` for nothing, ``"city,state"`` for a list, JSON
inside a string, a number for an id: what such a value plainly means is decided here, once a type.

Text is never parsed: ``"null"`` or ``"[1]"`` as a search text are these characters. What could mean two things is refused,
and the refusal names both readings. Readers raise ValueError, which pydantic gathers; ``problem_of`` makes the sentence
that a model reads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from lead_mcp.errors import did_you_mean

EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
GIVEN: Final = 60
"""Characters of a wrong value that its refusal quotes."""


def refuse(given: Any, takes: str, example: str = "", hint: str = "") -> ValueError:
    """The refusal of one value: what was given, what is taken, an example."""
    try:
        text = given if isinstance(given, str) else json.dumps(given, default=str, ensure_ascii=False)
    except ValueError:  # of more digits than anybody reads
        text = "a number without end"
    such = f", such as {example}" if example else ""
    return ValueError(f"{text[:GIVEN]!r} was given; it takes {takes}{such}.{hint}")


def problem_of(error: Mapping[str, Any]) -> str:
    """One validation problem as ``argument: what is wrong``."""
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"{where}: this argument is required."
    context = error.get("ctx", {})
    if error["type"] in SIZES:
        return f"{where}: {SIZES[error['type']].format_map(context)}."
    return f"{where}: {context['error'] if error['type'] == 'value_error' else str(error['msg']) + '.'}"


SIZES: Final = {
    "too_long": "{actual_length} were given; it takes {max_length} at most",
    "too_short": "{actual_length} were given; it takes {min_length} at least",
    "string_too_long": "a longer text was given; it takes {max_length} characters at most",
    "string_too_short": "nothing was given; it takes {min_length} characters at least",
}
"""Sizes that an argument passes, by the word for it in what pydantic reports."""


# --- readers: what is taken for each type -------------------------------------------------------------------------


def as_text(value: Any) -> Any:
    """A text as it is; a number as its digits."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise refuse(value, "a text")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def as_account(value: Any) -> Any:
    """An account's name, in any case, as all are lower-case."""
    return as_text(value).strip().casefold()


FENCE: Final = re.compile(r"\s*```\w*\n(.*?)\n?```\s*", re.DOTALL)


def as_statement(value: Any) -> Any:
    """A statement; one that comes as a block of Markdown code is what stands in it."""
    text = as_text(value)
    fenced = FENCE.fullmatch(text)
    return fenced[1] if fenced else text


def as_word(words: Iterable[str]) -> Callable[[Any], Any]:
    """One of a closed list, in any case."""
    known = {word.casefold(): word for word in words}

    def read(value: Any) -> Any:
        word = value.strip().casefold() if isinstance(value, str) else value
        if not isinstance(word, str) or word not in known:
            hint = did_you_mean(word, known) if isinstance(word, str) else ""
            raise refuse(value, f"one of {', '.join(known.values())}{'.' + hint if hint else ''}".rstrip("."))
        return known[word]

    return read


def as_whole(least: int, most: int | None = None) -> Callable[[Any], Any]:
    """A whole number within these bounds, as a number or as its digits; whatever else comes is told them."""
    takes = f"a whole number of {least:,} or more" if most is None else f"a whole number from {least:,} to {most:,}"

    def read(value: Any) -> Any:
        number = int(value) if isinstance(value, str) and DIGITS.fullmatch(value) else value
        number = int(number) if isinstance(number, float) and number.is_integer() else number
        whole = isinstance(number, int) and not isinstance(number, bool)
        if not whole or number < least or (most is not None and number > most):
            raise refuse(value, takes)
        return number

    return read


DIGITS: Final = re.compile(r"\s*[+-]?\d{1,30}\s*")


FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def as_flag(value: Any) -> Any:
    """true or false, in the usual spellings."""
    word = str(value).strip().casefold()
    if isinstance(value, float | list | dict) or word not in FLAGS:
        raise refuse(value, "true or false")
    return FLAGS[word]


def as_words(value: Any) -> Any:
    """A list of texts; one value, a comma list and a JSON list in a string are lists too."""
    found = unwrapped(value, "[")
    if isinstance(found, str):
        found = [part for part in (part.strip() for part in found.split(",")) if part]
    if isinstance(found, int | float) and not isinstance(found, bool):
        found = [found]
    if not isinstance(found, list | tuple) or any(isinstance(one, dict | list | bool | None) for one in found):
        raise refuse(value, "a list of texts", '["city", "state"]')
    return [as_text(one).strip() for one in found]


def without_uri(columns: list[str] | None) -> list[str] | None:
    """Columns without ``uri``: it is the first one anyway."""
    return columns and [one for one in columns if one != "uri"]


def as_object(value: Any) -> Any:
    """A JSON object; one inside a string is one too."""
    found = unwrapped(value, "{")
    if not isinstance(found, dict):
        raise refuse(value, "an object of fields and values", '{"email": "ann@example.com"}')
    return found


def as_objects(value: Any) -> Any:
    """A list of objects; one object is a list of one."""
    found = unwrapped(value, "[{")
    found = [found] if isinstance(found, dict) else found
    if not isinstance(found, list):
        raise refuse(value, "a list of objects", '[{"email": "ann@example.com"}]')
    return [as_object(one) for one in found]


def unwrapped(value: Any, opening: str) -> Any:
    """The JSON list or object that a string holds; any other value as it is."""
    if not isinstance(value, str) or value.strip()[:1] not in tuple(opening):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise refuse(value, "JSON, and this is none") from None


def as_accounts(value: Any) -> Any:
    """Account or vendor names as a comma list, in any case, as all are lower-case; ``all`` is every account."""
    found = ",".join(as_words(value)).casefold()
    return None if found in ("all", "*", "any") else found or None
