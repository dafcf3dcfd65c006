"""A browser as far as the approvals page needs one: cookies, forms as they stand in the page, an Origin with each of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx2


@dataclass
class Form:
    """A form of a page: where it goes, and its hidden fields."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What the tests look at: forms, elements with their attributes, and the text that a person reads."""

    def __init__(self, answer: httpx2.Response) -> None:
        super().__init__()
        self.answer, self.status = answer, answer.status_code
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.tags.append((tag, given))
        if tag == "form":
            self.forms.append(Form(given["action"]))
        elif tag == "input" and self.forms:
            self.forms[-1].fields[given["name"]] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        self.text += data

    def form(self, action: str) -> Form:
        return next(one for one in self.forms if one.action == action)

    def writes(self) -> list[str]:
        """The writes listed."""
        return re.findall(r"w-[0-9a-f]{16}(?=, asked)", self.text)


@dataclass
class Browser:
    """One browser at one server. ``origin``: what it says its forms come from."""

    origin: str
    cookies: httpx2.Cookies = field(default_factory=httpx2.Cookies)

    @classmethod
    def at(cls, url: str) -> Browser:
        return cls(url.removesuffix("/mcp"))

    def request(self, method: str, path: str, *, follow: bool = True, **more: Any) -> httpx2.Response:
        with httpx2.Client(cookies=self.cookies, trust_env=False, timeout=60, follow_redirects=follow) as http:
            answer = http.request(method, self.origin + path, **more)
            self.cookies = http.cookies
        return answer

    def get(self, path: str = "/approvals") -> Page:
        return Page(self.request("GET", path))

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Page:
        given = {"Origin": self.origin, **{key.replace("_", "-"): value for key, value in headers.items()}}
        return Page(self.request("POST", path, data=fields, headers=given))

    def sign_in(self, token: str, path: str = "/approvals") -> Page:
        form = self.get(path).form("/approvals/sign-in")
        return self.post(form.action, {**form.fields, "token": token})

    def answer(self, page: Page, write: str, word: str) -> Page:
        """Press yes or no in the form of that write."""
        form = page.form(f"/approvals/{write}")
        return self.post(form.action, {**form.fields, "answer": word})
