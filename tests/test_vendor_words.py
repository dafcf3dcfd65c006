"""A vendor's own words may quote somebody's record: no file keeps them longer than the values, and no log line has any."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from lead_mcp.cli.logs import JsonLines
from lead_mcp.errors import Rejected, own_words, quoted, trace_of
from lead_mcp.tools.failures import known
from tests.facts import TRIED
from tests.mirror.keeping import Keeping, keeping
from tests.writing.desk import insertion, somebody

QUOTED: Final = "quoted.somebody@example.com"
WORDS: Final = f"”Nobody” is called '{QUOTED}' but “{QUOTED}” here: {QUOTED}"
BODY: Final = {
    **dict.fromkeys(("message", "Message", "text", "ExceptionMessage", "detail", "title"), WORDS),
    "error": {"message": WORDS, "code": "WRONG"},
    "errors": [WORDS],
    "success": False,
    "code": 6000,
    "Status": "Error",
    "ExceptionType": "MXInvalidInputException",
}


@pytest.fixture
def kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Keeping]:
    """A server with a mirror and a journal in that folder, whose vendors refuse everything, quoting somebody."""
    caplog.set_level(logging.DEBUG)
    with keeping(tmp_path, 20, only=TRIED) as found:
        for vendor in TRIED:
            found.bench.box.fault(vendor, "status", status=422, body=BODY, times=-1)
        yield found


def holding(folder: Path) -> list[str]:
    """The files that hold the quoted value as it is."""
    return [one.name for one in folder.rglob("*") if one.is_file() and QUOTED.encode() in one.read_bytes()]


def said_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for one in caplog.records if QUOTED in (line := JsonLines(()).format(one))]


def test_a_sync_that_a_vendor_refuses_keeps_none_of_its_words(
    kept: Keeping, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    report = kept.sync()
    assert {account for account, _ in report.errors} == set(TRIED)
    assert any(QUOTED in error.message for error in report.errors.values()), "whoever asks is told"
    for account in TRIED:
        assert kept.mirror.store.place(account, "lead").error
    assert holding(tmp_path) == []
    assert said_in(caplog) == []


def test_a_refused_write_keeps_them_as_long_as_its_values(
    kept: Keeping, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runtime, box = kept.bench.runtime, kept.bench.box
    box.mend()
    lead = {**somebody("octanist"), "email": QUOTED}
    request = kept.bench.call("insert_lead", **insertion("octanist", lead), dry_run=True)["request"]
    box.fault("octanist", "status", status=422, body=BODY, path=request["path"], method="POST")
    refused = kept.bench.raw_call("insert_lead", **insertion("octanist", lead))
    assert refused.is_error
    assert QUOTED in str(refused.structured_content)
    assert [name for name in holding(tmp_path) if "journal" in name]
    now = runtime.now()
    runtime.journal.clock = lambda: now + timedelta(days=100)
    assert runtime.journal.purge(90)
    runtime.journal.close()
    assert holding(tmp_path) == []
    assert said_in(caplog) == []


def failing(error: BaseException) -> None:
    try:
        int(QUOTED)
    except ValueError as inner:
        raise error from inner


ERRORS: Final = [
    KeyError(QUOTED),
    OSError(28, QUOTED),
    ExceptionGroup(QUOTED, [RuntimeError(QUOTED)]),
    Rejected(QUOTED),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda one: type(one).__name__)
def test_a_failure_inside_is_logged_without_words(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with suppress(type(error)):
        failing(error)
    known(error, "some_tool")
    logging.getLogger("lead_mcp.test").error("failed", exc_info=error)
    assert said_in(caplog) == []
    trace = trace_of(error)
    assert QUOTED not in trace
    assert trace.index("ValueError") < trace.index(type(error).__name__)
    assert "in failing" in trace


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("The vendor refused the request.", "The vendor refused the request."),
        (f"The vendor refused the request: {quoted(WORDS)}.", "The vendor refused the request: “…”."),
        (f"acme has no lead {QUOTED!r}. search_leads finds ids.", "acme has no lead “…”. search_leads finds ids."),
        ("The account's key is the vendor's own.", "The account's key is the vendor's own."),
        (f"It said {quoted('a' * 300 + QUOTED)}", "It said “…”"),
    ],
)
def test_our_own_words_are_what_is_left_without_quotations(message: str, kept: str) -> None:
    assert own_words(Rejected(message)) == f"rejected: {kept}"
