"""HTML in which no text can become markup: whatever is not made here is escaped where it is put in."""

from __future__ import annotations

from html import escape
from typing import Final

EMPTY: Final = frozenset({"input", "meta"})
"""Elements that hold nothing."""


class Html(str):
    """Markup made by ``element``."""

    __slots__ = ()


def element(tag: str, /, *inside: str, **attributes: str | bool) -> Html:
    """``element("a", "x < y", href="/")``; ``for_`` and ``class_`` lose their ``_``, others give way to ``-``."""
    named = "".join(_attribute(key, value) for key, value in attributes.items())
    opening = f"<{tag}{named}>"
    return Html(opening if tag in EMPTY else f"{opening}{''.join(map(_html, inside))}</{tag}>")


def _attribute(key: str, value: str | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    if isinstance(value, bool):
        return f" {name}" if value else ""
    return f' {name}="{escape(value)}"'


def _html(text: str) -> str:
    return text if isinstance(text, Html) else escape(text)
