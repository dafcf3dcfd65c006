"""Accounts that call their fields otherwise, and records that keep a person in odd places: an emulator's app in disguise.

Every reply of a vendor is rewritten on its way: keys that the account's settings rename get their new names, and each record
gets the same person again in lists, pairs, forms and codes. In requests the new names are put back.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from starlette.types import Message, Receive, Scope, Send

from lead_mcp.sandbox.app import Sandbox
from tests.facts import facts_of

CONSENT: Final = "TCPAInformation"
"""A part whose names are the vendor's alone."""


@dataclass(frozen=True)
class Renamed:
    """A sandbox behind other names. ``words``: by vendor, our field to the account's word for it."""

    box: Sandbox
    words: Mapping[str, Mapping[str, str]]

    def new(self, vendor: str) -> Mapping[str, str]:
        """The vendor's own keys to the account's words."""
        words, keeps = self.words.get(vendor, {}), facts_of(vendor).keeps
        return {place.rpartition(".")[2]: word for ours, word in words.items() for place in keeps[ours]}

    def places(self, vendor: str) -> Mapping[str, str]:
        """Our fields to where the account keeps them now."""
        words, keeps = self.words[vendor], facts_of(vendor).keeps
        return {ours: "".join((*keeps[ours][0].rpartition(".")[:2], word)) for ours, word in words.items()}

    def config(self) -> str:
        """The settings that say so, as TOML."""
        tables = []
        for vendor in self.words:
            lines = "\n".join(f"{ours} = {json.dumps(place)}" for ours, place in self.places(vendor).items())
            tables.append(f'[accounts.{vendor}]\nvendor = "{vendor}"\n[accounts.{vendor}.fields]\n{lines}\n')
        return "\n".join(tables)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.box, name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        vendor = str(scope.get("path", "")).strip("/").partition("/")[0]
        new = self.new(vendor) if vendor in self.words else {}
        old = {theirs: key for key, theirs in reversed([*new.items()])}
        query = parse_qsl(scope.get("query_string", b"").decode(), keep_blank_values=True)
        asked = urlencode([(key, put_back(value.encode(), old).decode()) for key, value in query])
        scope = {**scope, "query_string": asked.encode()}
        body = put_back(await _whole(receive), old)
        headers = [(key, value) for key, value in scope["headers"] if key != b"content-length"]
        scope["headers"] = [*headers, (b"content-length", str(len(body)).encode())] if body else headers
        replied: list[Message] = []

        async def once() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Message) -> None:
            replied.append(message)

        await self.box(scope, once, keep)
        await _answer(replied, lambda found: rewritten(found, new, vendor), send)


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def _answer(replied: list[Message], rewrite: Callable[[Any], Any], send: Send) -> None:
    start, body = replied[0], b"".join(one.get("body", b"") for one in replied[1:])
    with suppress(ValueError):
        body = json.dumps(rewrite(json.loads(body))).encode()
    headers = [(key, value) for key, value in start["headers"] if key != b"content-length"]
    await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


def put_back(body: bytes, old: Mapping[str, str]) -> bytes:
    """A request in the vendor's own names."""
    if not old:
        return body
    names = "|".join(sorted(map(re.escape, old), key=len, reverse=True))
    pattern = re.compile(rf"(?<![A-Za-z0-9_])(?:{names})(?![A-Za-z0-9_])")
    return pattern.sub(lambda found: old[found[0]], body.decode()).encode()


def rewritten(value: Any, new: Mapping[str, str], vendor: str) -> Any:
    """A reply in the account's names, each record with its person in odd places too."""
    if isinstance(value, list):
        return [rewritten(item, new, vendor) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("Attribute"), str):
        return {**value, "Attribute": new.get(value["Attribute"], value["Attribute"])}
    renamed = {
        new.get(key, key): item if key == CONSENT else rewritten(item, new, vendor) for key, item in value.items()
    }
    if "Request" in value and "Response" in value:
        return {**renamed, **_payloads(new)}
    return {**renamed, **_oddly_kept(value, new)} if _is_record(value, vendor) else renamed


def _payloads(new: Mapping[str, str]) -> dict[str, Any]:
    """What a ping was asked and answered with: the lead's own names in one, anybody's in the others."""
    person = dict.fromkeys(new.values(), "Qfirst77 qmail77@example.com")
    answered = {"status": "reject", "lead": [person]}
    return {"Fields": person, "Request": "<Lead><Wer>Qfirst77</Wer></Lead>", "Response": json.dumps(answered)}


def _is_record(value: Mapping[str, Any], vendor: str) -> bool:
    """Whether what tells who a lead is lies flat in there."""
    places = [place for places in facts_of(vendor).keeps.values() for place in places]
    return sum(place.rpartition(".")[2] in value for place in places) > 2


def _oddly_kept(record: Mapping[str, Any], new: Mapping[str, str]) -> dict[str, Any]:
    """The same values under names that nobody declared: by the account's words, by their look, in every spelling."""
    said = {new[key]: str(record[key]) for key in new if record.get(key) not in (None, "")}
    email = next((value for value in said.values() if "@" in value and " " not in value), "")
    digits = re.sub(r"\D", "", str(next((value for key, value in record.items() if "hone" in key and value), "")))[-10:]
    people = {key: value for key, value in said.items() if "tomorrow" not in value}
    return {
        "zz_pairs": [{"Attribute": key, "Value": value} for key, value in people.items()],
        "zz_rows": [[{"deep": [people]}]],
        "zz_json": json.dumps({"answers": people}),
        "zz_form": urlencode(people),
        "zz_xml": "".join(f"<{key}>{escape(value)}</{key}>" for key, value in people.items()),
        "zz_print": ", ".join(f'"{key}": "{value}"' for key, value in people.items()),
        **({"zz_number": int(digits), "zz_slashes": f"{digits[:3]}/{digits[3:6]}/{digits[6:]}"} if digits else {}),
        **(
            {
                "zz_percent": quote(quote(email)),
                "zz_entity": email.replace("@", "&#64;"),
                "zz_escaped": email.replace("@", "\\u0040"),
                "zz_base64": base64.b64encode(f"to:{email}".encode()).decode(),
                "zz_hex": email.encode().hex(),
                f"zz {email}": 1,
            }
            if email
            else {}
        ),
    }
