"""What ``make audit`` says: a weakness, none, or that nobody could be asked, which is neither."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels import audit
from channels.environments import Failed

SOUND: dict[str, Any] = {"name": "anyio", "version": "4.16.0", "vulns": []}
WEAK: dict[str, Any] = {
    **SOUND,
    "vulns": [
        {"id": "GHSA-0000-0000-0000", "fix_versions": ["4.16.1"], "aliases": [], "description": "x"},
        {"id": "PYSEC-0000-1", "fix_versions": [], "aliases": [], "description": "x"},
    ],
}


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        ([SOUND], 0, "no known weakness in 1 packages"),
        (
            [SOUND, WEAK],
            1,
            "anyio 4.16.0: GHSA-0000-0000-0000, mended in 4.16.1\nanyio 4.16.0: PYSEC-0000-1, mended in no",
        ),
    ],
)
def test_weaknesses_are_listed(
    found: list[dict[str, Any]],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(audit, "asked", lambda: audit.read(json.dumps({"dependencies": found, "fixes": []}), ""))
    assert audit.main() == code
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("out", "err", "said"),
    [
        ("", "ERROR:pip_audit._cli:Could not connect to PyPI", "Could not connect"),
        ("<html>", "", "said nothing"),
        (json.dumps({"dependencies": [{"name": "mcp", "skip_reason": "not found"}, SOUND]}), "", "1 of 2 packages"),
    ],
)
def test_where_nobody_could_be_asked_that_is_said(
    out: str, err: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Failed, match=said):
        audit.read(out, err)
    monkeypatch.setattr(audit, "asked", lambda: audit.read(out, err))
    assert audit.main() == audit.UNKNOWN
    printed = capsys.readouterr().out
    assert printed.startswith("not audited: ")
    assert "neither good nor bad" in printed
