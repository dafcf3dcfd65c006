"""``lead-mcp export`` as a person runs it: exit codes and what is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lead_mcp.cli.commands import app
from tests.exports.exporting import csv_rows

runner = CliRunner()


def export(*words: str) -> tuple[int, str]:
    """The exit code, and stdout with stderr."""
    found = runner.invoke(app, ["export", *words, "--sandbox"])
    return found.exit_code, found.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tool", "get_lead", "uri=lead://octanist/1"], "search_leads, query_pings, query_sql can"),
        (["--tool", "search_lead"], "Did you mean 'search_leads'?"),
        (["--tool", "search_leads", "cursor=abc"], "cursor: an export has every page"),
        (["--tool", "search_leads", "--excel", "--format", "jsonl"], "--excel is for csv"),
        (["--tool", "search_leads", "perid=today"], "Did you mean 'period'?"),
        (["--tool", "search_leads", "limit=0"], "limit"),
        (["--tool", "query_pings", "direction=inbound", "group_by=result"], "group_by"),
        (["--tool", "search_leads", "nonsense"], "is not name=value"),
        (["--tool", "search_leads", "limit=1", "limit=2"], "limit is given twice"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_leaves_nothing(words: list[str], said: str, tmp_path: Path) -> None:
    code, output = export(str(tmp_path / "file.csv"), *words)
    assert (code, said in output) == (2, True), output
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_exit_code_2(tmp_path: Path) -> None:
    code, output = export(str(tmp_path / "gone" / "file.csv"), "--tool", "search_leads")
    assert (code, "in a folder that there is" in output) == (2, True)


@pytest.mark.parametrize(
    ("name", "meant"), [("a.json", "jsonl is"), ("a.XLS", "Excel opens xlsx"), ("a.tsv", "csv with --excel")]
)
def test_no_csv_comes_under_the_name_of_another_format(name: str, meant: str, tmp_path: Path) -> None:
    code, output = export(str(tmp_path / name), "--tool", "search_leads")
    assert (code, meant in output, [*tmp_path.iterdir()]) == (2, True, [])


def test_a_question_is_exported_and_what_came_of_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    code, output = export(str(path), "--tool", "search_leads", "period=last_7_days", "account=octanist")
    manifest = json.loads((tmp_path / "file.jsonl.manifest.json").read_text())
    assert code == 0, output
    assert manifest["format"] == "jsonl", "the file's ending says it"
    assert f"{manifest['rows']:,} rows in {path}" in output
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_a_file_with_a_header_and_is_said(tmp_path: Path) -> None:
    code, output = export(str(tmp_path / "file.csv"), "--tool", "search_leads", "text=nobody of this name", "--excel")
    assert (code, "nothing matched" in output) == (0, True), output
    assert csv_rows(tmp_path / "file.csv") == []
    assert (tmp_path / "file.csv").read_bytes().startswith(b"\xef\xbb\xbfuri,")
