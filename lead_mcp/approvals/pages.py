"""The approvals pages: plain HTML that works without a script, for a screen reader as for anybody."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Final

from lead_mcp.approvals.markup import Html, element
from lead_mcp.approvals.waiting import MOST, as_asked, headline
from lead_mcp.journal.entries import Write

PATH: Final = "/approvals"
TO_ISSUER: Final = "to-issuer"
SIGNED_IN: Final = "signed-in"
"""Below it: the way to the issuer, and where that sends people back to."""
STYLE: Final = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f4f4;padding:1rem}"
    "article{border-top:1px solid #767676;padding:1rem 0}"
    "button,input{font:inherit;padding:.4rem 1rem;margin:0 .5rem .5rem 0}"
    "form{display:inline}"
    ".problem{border-left:.3rem solid #b00020;padding-left:1rem}"
)
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser would send no Origin with a form
    "Cross-Origin-Opener-Policy": "same-origin",
}


def page(title: str, *inside: str, on: str = "") -> str:
    """A whole document. ``on``: the path to which the browser goes on by itself."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title} - lead-mcp"),
        element("style", Html(STYLE)),
        *([element("meta", http_equiv="refresh", content=f"0; url={on}")] if on else []),
    )
    main = element("main", element("h1", title), *inside)
    return f"<!doctype html>{element('html', head, element('body', main), lang='en')}"


def sign_in(to: str, *, oauth: bool, issuer: str = "", problem: str = "") -> str:
    """``to``: the path to go on with; ``oauth``: whether people have tokens of an issuer; ``issuer``: where they sign in."""
    how = "A token of this server, as your MCP client sends it."
    if oauth and not issuer:
        how += " Signing in at your organisation's issuer is not offered on this page: paste an access token of it instead."
    there = element("a", f"Sign in at {issuer}", href=f"{PATH}/{TO_ISSUER}{f'?to={to}' if to else ''}")
    fields = (
        element("p", element("label", "Token", for_="token")),
        element("p", how, id="how"),
        element(
            "input",
            id="token",
            name="token",
            type="password",
            required=True,
            autocomplete="off",
            aria_describedby="how",
        ),
        element("input", type="hidden", name="to", value=to),
        element("button", "Sign in", type="submit"),
    )
    form = element("form", *fields, method="post", action=f"{PATH}/sign-in")
    return page("Sign in", *_problem(problem), *([element("p", there), element("p", "Or:")] if issuer else []), form)


def signed_in(to: str) -> str:
    """Goes on by itself: a browser keeps our cookie from a page that another site has led to."""
    return page("Signed in", element("p", element("a", "Go on", href=to)), on=to)


def listed(writes: Sequence[Write], name: str, mark: str, *, may_sign_out: bool) -> str:
    """The writes that wait, each with a no at once and the way to its yes."""
    none = element("p", "Nothing waits for you.")
    more = [element("p", "Older ones are listed once some of these are answered.")] if len(writes) >= MOST else []
    out = [_sign_out(mark)] if may_sign_out else []
    return page("Writes that wait", _who(name), *([_entry(one, mark) for one in writes] or [none]), *more, *out)


def question(write: Write, message: str, asked: str, mark: str) -> str:
    """One write as it would be now. ``asked``: the question's id, which binds a yes to this text."""
    hidden = {"mark": mark, "question": asked}
    buttons = (_button("yes", "Yes, send it"), _button("no", "No, drop it"))
    form = element("form", *_hidden(hidden), *buttons, method="post", action=f"{PATH}/{write.id}")
    return page("Send this write?", _asked_by(write), element("pre", message), form, _back())


def outcome(title: str, text: str) -> str:
    return page(title, element("pre", text, role="status"), _back())


def problem(title: str, why: str) -> str:
    return page(title, *_problem(why), _back())


def _entry(write: Write, mark: str) -> Html:
    lines = as_asked(write)
    no = element(
        "form",
        *_hidden({"mark": mark}),
        _button("no", "No, drop it", aria_describedby=write.id),
        method="post",
        action=f"{PATH}/{write.id}",
    )
    link = element(
        "p", element("a", "Look at it as it is now, and answer", href=f"{PATH}/{write.id}", aria_describedby=write.id)
    )
    shown = [element("pre", "\n".join(lines))] if lines else []
    return element("article", element("h2", headline(write), id=write.id), _asked_by(write), *shown, link, no)


def _asked_by(write: Write) -> Html:
    return element("p", f"{write.id}, asked for by {write.principal} at {write.at[:16].replace('T', ' ')} UTC")


def _button(answer: str, text: str, **attributes: str) -> Html:
    return element("button", text, type="submit", name="answer", value=answer, **attributes)


def _hidden(values: dict[str, str]) -> Iterable[Html]:
    return (element("input", type="hidden", name=name, value=value) for name, value in values.items())


def _sign_out(mark: str) -> Html:
    button = element("button", "Sign out", type="submit")
    return element("form", *_hidden({"mark": mark}), button, method="post", action=f"{PATH}/sign-out")


def _who(name: str) -> Html:
    return element("p", f"You answer as {name}.")


def _problem(why: str) -> list[Html]:
    return [element("p", why, class_="problem", role="alert")] if why else []


def _back() -> Html:
    return element("p", element("a", "All writes that wait", href=PATH))
