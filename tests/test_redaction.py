"""Secrets are redacted however they are spelled, and nothing else changes; large replies are read in steps."""

from __future__ import annotations

import base64
import html
import json
import random
import string
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus

import anyio
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lead_mcp.transport import decoding
from lead_mcp.transport.decoding import LARGE, parsed, reply_of, written
from lead_mcp.transport.redaction import REDACTED, redactor
from tests.loopback import PATIENCE

PRINTABLE: Final = "".join(chr(code) for code in range(33, 127))
KEYS: Final = st.text(string.ascii_letters + string.digits + "-_", min_size=16, max_size=40)
SECRETS: Final = st.text(PRINTABLE, min_size=8, max_size=40) | KEYS
Spell = Callable[[str], str]


def every_character(form: str) -> Spell:
    return lambda text: "".join(form.format(ord(c)) if ord(c) < 128 else c for c in text)


def in_the_middle(encode: Callable[[bytes], bytes]) -> Spell:
    """As part of something longer, so that its groups begin anywhere."""
    return lambda text: encode(f"key:{text}:more".encode()).decode()


ESCAPES: Final[Mapping[str, Spell]] = {
    "as it is": lambda text: text,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON by PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON, every character": every_character("\\u{:04x}"),
    "JSON, capitals": every_character("\\u{:04X}"),
    "JSON as .NET writes it": lambda text: (
        json.dumps(text)[1:-1].replace("&", "\\u0026").replace("+", "\\u002B").replace("<", "\\u003c")
    ),
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": lambda text: quote(text, safe="").lower() if text == text.lower() else quote(text),
    "percent, every character": every_character("%{:02X}"),
    "percent of the percent": lambda text: every_character("%{:02x}")(quote(text, safe="")),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "a form": quote_plus,
    "HTML": html.escape,
    "HTML, decimal": every_character("&#{};"),
    "HTML, decimal with noughts": every_character("&#0{};"),
    "HTML, hex": every_character("&#x{:x};"),
    "HTML twice": lambda text: html.escape(html.escape(text)),
}
ENCODINGS: Final[Mapping[str, Spell]] = {
    "base64": in_the_middle(base64.b64encode),
    "base64, one further": lambda text: base64.b64encode(f"x{text}".encode()).decode(),
    "base64, alone": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 for URLs": in_the_middle(base64.urlsafe_b64encode),
    "base64 of a form": lambda text: base64.b64encode(f"id:{quote_plus(text)}".encode()).decode(),
    "base64 of JSON": lambda text: base64.b64encode(json.dumps({"key": text}).encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "hex, capitals": lambda text: f"0x{text.encode().hex().upper()}",
}


@st.composite
def spellings(draw: st.DrawFn, secret: str) -> str:
    """One encoding or none, then up to three layers of escapes."""
    first = draw(st.sampled_from([None, *ENCODINGS]))
    text = secret if first is None else ENCODINGS[first](secret)
    for layer in draw(st.lists(st.sampled_from(sorted(ESCAPES)), max_size=3)):
        text = ESCAPES[layer](text)
    return text


def read_through(text: str) -> str:
    """What a person with patience makes of the text."""
    for _ in range(10):
        text = html.unescape(unquote(text.encode().decode("unicode_escape") if "\\u" in text else text))
        text = text.replace('\\"', '"').replace("\\/", "/").replace("\\\\", "\\")
    return text


def assert_gone(secret: str, said: str) -> None:
    for text in (said, read_through(said), unquote_plus(said)):
        assert secret not in text
        for spell in (*ESCAPES.values(), *ENCODINGS.values()):
            assert spell(secret) not in text


@given(secret=SECRETS, data=st.data())
def test_a_secret_is_redacted_in_every_spelling(secret: str, data: st.DataObject) -> None:
    assume(not all(c in REDACTED for c in secret))
    spelled = data.draw(spellings(secret))
    found = redactor([secret]).text(f"The key <{spelled}> is wrong")
    assert REDACTED in found
    assert_gone(secret, found)


PLACES: Final[Mapping[str, Callable[[str], Any]]] = {
    "value": lambda spelled: {"message": spelled},
    "key": lambda spelled: {"lead": [{spelled: 1}]},
    "list": lambda spelled: [[["a", spelled]]],
    "no JSON": lambda spelled: None,
}


def spelled_out(value: Any, *, every: bool) -> str:
    """JSON; with ``every``, no character of its texts stands for itself."""
    if not every or not isinstance(value, str | list | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        units = value.encode("utf-16-be").hex()
        return '"' + "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)) + '"'
    if isinstance(value, list):
        return f"[{','.join(spelled_out(one, every=True) for one in value)}]"
    members = [f"{spelled_out(key, every=True)}:{spelled_out(one, every=True)}" for key, one in value.items()]
    return f"{{{','.join(members)}}}"


@given(
    secret=SECRETS,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]),
    place=st.sampled_from(sorted(PLACES)),
    escaped=st.booleans(),
    data=st.data(),
)
def test_a_reply_holds_it_nowhere(secret: str, encoding: str, place: str, escaped: bool, data: st.DataObject) -> None:
    assume(not all(c in REDACTED for c in secret))
    spelled = f"<{data.draw(spellings(secret))}>"
    content = PLACES[place](spelled)
    whole = spelled if content is None else spelled_out(content, every=escaped)
    found = anyio.run(reply_of, 200, whole.encode(encoding), {"x-echo": spelled}, redactor([secret]))
    text = found.body.decode()
    assert REDACTED in text
    assert_gone(secret, text)
    assert_gone(secret, found.headers["x-echo"])
    if content is not None:
        assert found.json() == json.loads(text)


BENIGN: Final = st.text("abcXYZ 019.,/=?&;#%+\\\"<>'é\n-_:@", max_size=80)


@given(text=BENIGN, secret=KEYS)
@example(text="https://example.com/?a=%20b&amp;c=1&#39;", secret="s3cr3t-Kq9/x+Z=")
@example(text='{"note": "C:\\\\temp\\\\u00e9 100% \\u0026 more"}', secret="s3cr3t-Kq9/x+Z=")
def test_anything_else_stays_as_it_is(text: str, secret: str) -> None:
    assume(secret not in read_through(text))
    assume(secret[::-1] not in read_through(text))
    assert redactor([secret, secret[::-1]]).text(text) == text


def test_what_vendors_send_every_day_needs_no_second_look() -> None:
    """URLs, escaped slashes and quotation marks, entities of markup: none of them could spell a letter."""
    text = 'a\\/b \\"c\\" \\n %20%2F%3D%C3%A9%26utm=1 &amp;utm=2 &quot;&#39;&lt; \\u0026utm \\u00e9 \\u2028 100% & more'
    assert redactor(["s3cr3t-Kq9/x+Z=", "another-key-0001"]).is_clean(text)


def test_several_secrets_one_inside_another_and_short_ones() -> None:
    found = redactor(["abcd", "abcd1234", "12", ""])
    assert found.text("abcd1234 abcd 12 ab") == f"{REDACTED} {REDACTED} 12 ab"
    assert "abcd" not in repr(found)


def test_numbers_and_keys_are_texts_too() -> None:
    found = redactor(["1234567890"]).tree({"1234567890": [1234567890, 12, True, None, 1.5]})
    assert found == {REDACTED: [REDACTED, 12, True, None, 1.5]}


def test_a_secret_that_looks_like_escapes() -> None:
    for secret in ("ab%41cd&amp;x", "a\\u0041b-long", "&#65;&#66;&#67;"):
        for spell in ESCAPES.values():
            assert_gone(secret, redactor([secret]).text(f"<{spell(secret)}>"))


# --- JSON in steps ------------------------------------------------------------------------------------------------

JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(value=JSON, indent=st.sampled_from([None, 0, 3]), around=st.sampled_from(["", " ", "\r\n\t"]))
def test_json_in_steps_is_json(value: Any, indent: int | None, around: str) -> None:
    assert parsed(around + json.dumps(value, indent=indent) + around) == value
    assert written(value) == json.dumps(value)


@given(value=JSON, data=st.data())
def test_what_is_no_json_is_none_in_steps_either(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    at = data.draw(st.integers(0, len(text)))
    wrong = text[:at] + data.draw(st.sampled_from(["", ",", "]", "}", "{", "[", '"', ":", "x", " 1"])) + text[at + 1 :]
    try:
        expected = json.loads(wrong)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011 - its kind is all that is promised
            parsed(wrong)
    else:
        assert parsed(wrong) == expected


# --- large replies ------------------------------------------------------------------------------------------------


def page(size: int, extra: str = "") -> bytes:
    """A page of leads of about so many bytes."""
    chance = random.Random(1)
    row = {f"field{n}": "".join(chance.choices(string.ascii_letters, k=12)) for n in range(30)}
    row |= {"url": "https://example.com/?x=%2F%3D&y=1", "note": 'He said "hi"\n and left é'}
    one = json.dumps(row)
    rows = ",".join([one] * (size // len(one)))
    return f'{{"data": {{"leads": [{rows}]}}, "note": "{extra}"}}'.encode()


@pytest.mark.anyio
@pytest.mark.parametrize("extra", ["", "x%41", "\\u0073ecret-key-0001"], ids=["clean", "suspicious", "secret"])
async def test_a_large_reply_holds_nobody_up(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is read somebody else's turn comes, again and again: never is the whole of it one step."""
    body, turns, reading = page(14_000_000, extra), 0, anyio.Event()
    threads = set[int]()
    monkeypatch.setattr(decoding, "_reply", noting(threads, decoding._reply))

    async def other() -> None:
        nonlocal turns
        while not reading.is_set():
            turns += 1
            await anyio.sleep(0.001)

    with anyio.fail_after(PATIENCE * 3):
        async with anyio.create_task_group() as group:
            group.start_soon(other)
            found = await reply_of(200, body, {}, redactor(["secret-key-0001"]))
            reading.set()
    assert threading.get_ident() not in threads
    assert turns >= 10
    assert len(found.json()["data"]["leads"]) > 10_000
    assert found.json()["note"] == {"": "", "x%41": "x%41"}.get(extra, REDACTED)


def noting(threads: set[int], read: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any) -> Any:
        threads.add(threading.get_ident())
        return read(*arguments)

    return run


@pytest.mark.anyio
@pytest.mark.parametrize(
    "body", [b"x" * LARGE, b"[" * LARGE, b'{"a": ' * LARGE, b"\xff" * LARGE, b"[1]" + b" " * LARGE]
)
async def test_a_large_reply_that_is_nonsense_is_no_crash(body: bytes) -> None:
    found = await reply_of(200, body, {}, redactor(["secret-key-0001"]))
    assert found.body == body
