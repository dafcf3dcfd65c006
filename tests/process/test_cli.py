"""Every command as a person at a shell meets it: output, exit codes, one line for what is wrong.

Most run in this process, where they start at once; that a process does the same is checked for one of each kind.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from lead_mcp import __version__
from lead_mcp.cli.commands import app
from lead_mcp.cli.tour import TOUR
from lead_mcp.tools.catalogue import LISTED
from lead_mcp.vendors import NAMES
from tests.process.processes import PATIENCE, PROGRAM, PROMPT, Emulators, clean, here, run

COMMANDS: list[str] = sorted(vars(get_command(app))["commands"])


def one_line(ended: subprocess.CompletedProcess[str], code: int) -> str:
    """What was said on stderr, which must be one line and all there is."""
    assert (ended.returncode, ended.stdout) == (code, ""), ended
    assert ended.stderr.startswith("lead-mcp: ")
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr.removeprefix("lead-mcp: ").strip()


# --- help and usage -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    ended = here(command, "--help", environment={})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Usage:" in ended.stdout


def test_the_program_explains_itself() -> None:
    ended = run("--help", environment={})
    assert ended.returncode == 0
    assert all(command in ended.stdout for command in COMMANDS)
    assert run("--version", environment={}).stdout == f"{__version__}\n"


@pytest.mark.parametrize("group", [[], ["journal"], ["mirror"], ["token"]])
def test_a_list_of_commands_cuts_no_sentence(group: list[str]) -> None:
    said = here(*group, "--help", environment={"COLUMNS": "80"}).stdout
    assert "..." not in said.partition("Commands:")[2]


def test_the_installed_command_is_the_same_program() -> None:
    """``lead-mcp`` is ``lead_mcp.cli:main``, which ``python -m lead_mcp`` runs."""
    code = "import sys; sys.argv[0] = 'lead-mcp'; from lead_mcp.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code, "--help"],
        env=clean(),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=True,
    )
    assert ended.stdout.replace("lead-mcp [", "python -m lead_mcp [") == run("--help", environment={}).stdout


@pytest.mark.parametrize(
    "words",
    [["bogus"], ["serve", "--port", "x"], ["serve", "--port", "70000"], ["serve", "--transport", "carrier-pigeon"], []],
)
def test_wrong_usage_is_exit_code_2(words: list[str]) -> None:
    ended = here(*words, environment={})
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


# --- settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"LEAD_MCP_WRITE": "off"}, "'LEAD_MCP_WRITES'"),
        ({"LEAD_MCP_DEADLINE": "soon"}, "LEAD_MCP_DEADLINE"),
        ({"LEAD_MCP_TIMEZONE": "Mars/Olympus"}, "LEAD_MCP_TIMEZONE"),
        ({"LEAD_MCP_CONFIG": "/no/such/file.toml"}, "/no/such/file.toml"),
        ({"LEADSQUARED_ACCESS_KEY": "half a pair"}, "LEADSQUARED_SECRET_KEY"),
        ({"OCTANIST_API_KEY": "k", "OCTANIST_BASE_URL": "http://example.com"}, "OCTANIST_BASE_URL"),
        ({"CONVOSO_AUTH_TOKEN": "k", "CONVOSO_RATE": "fast"}, "CONVOSO_RATE"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(environment: dict[str, str], said: str) -> None:
    assert said in one_line(here("serve", "--transport", "http", environment=environment), 2)


@pytest.mark.parametrize("command", [["check"], ["tools"], ["call", "list_accounts"]])
def test_every_command_says_it_the_same_way(command: list[str]) -> None:
    assert "LEAD_MCP_WRITES" in one_line(
        here(*command, environment={"LEAD_MCP_WRITES": ""} | {"LEAD_MCP_WRITE": "1"}), 2
    )


@pytest.mark.parametrize(
    "text", ["accounts = 1", "[accounts.a]\nvendor = 'nobody'", "[acounts]", "not toml", "\xff\x00"]
)
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "lead-mcp.toml"
    file.write_bytes(text.encode("latin-1"))
    one_line(here("check", "--config", str(file), environment={}), 2)


def test_requests_to_this_machine_pass_no_proxy(emulators: Emulators) -> None:
    """Nobody listens where the proxy is said to be; the account beyond this machine goes there all the same."""
    environment = {**emulators.environment, "HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}
    environment |= {"NO_PROXY": "", "no_proxy": "", "OCTANIST_BASE_URL": "https://api.example.com"}
    found = {line["account"]: line for line in json.loads(here("check", "--json", environment=environment).stdout)}
    assert {name for name, line in found.items() if not line["ok"]} == {"octanist"}
    assert found["octanist"]["problem"].startswith("unavailable: ")


@pytest.mark.skipif(bool(find_spec("socksio")), reason="SOCKS works here")
def test_a_proxy_that_cannot_be_used_is_one_line(emulators: Emulators) -> None:
    environment = {**emulators.environment, "ALL_PROXY": "socks5://127.0.0.1:9"}
    assert here("check", environment=environment).returncode == 0, "nobody beyond this machine is asked"
    environment |= {"OCTANIST_BASE_URL": "https://api.example.com"}
    assert "ALL_PROXY" in one_line(here("check", environment=environment), 2)


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes them")
@pytest.mark.parametrize(
    ("words", "closed", "said"),
    [
        ("serve --sandbox", "<&-", "stdin is closed"),
        ("serve --sandbox", ">&-", "stdout is closed"),
        ("serve --sandbox", "<&- >&-", "stdout is closed"),
        ("tools --sandbox", ">&-", "stdout is closed"),
    ],
)
def test_a_closed_stream_is_one_line(words: str, closed: str, said: str) -> None:
    command = f"{' '.join(PROGRAM)} {words} {closed}"
    ended = subprocess.run(
        ["sh", "-c", command], env=clean(), capture_output=True, text=True, timeout=2 * PATIENCE, check=False
    )
    assert said in one_line(ended, 1)


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes them")
def test_without_a_stderr_the_answer_is_given_all_the_same() -> None:
    command = f"{' '.join(PROGRAM)} tools --sandbox 2>&-"
    ended = subprocess.run(
        ["sh", "-c", command], env=clean(), capture_output=True, text=True, timeout=2 * PATIENCE, check=False
    )
    assert (ended.returncode, "search_leads" in ended.stdout) == (0, True)


def test_a_file_of_accounts_is_used(tmp_path: Path, emulators: Emulators) -> None:
    own = emulators.environment
    file = tmp_path / "lead-mcp.toml"
    file.write_text(
        f'[accounts.dental]\nvendor = "octanist"\napi_key = "env:OCTANIST_API_KEY"\n'
        f'base_url = "{own["OCTANIST_BASE_URL"]}"\n',
        encoding="utf-8",
    )
    environment = {"MY_KEY": own["OCTANIST_API_KEY"]}
    file.write_text(file.read_text(encoding="utf-8").replace("OCTANIST_API_KEY", "MY_KEY"), encoding="utf-8")
    ended = here("check", "--json", "--config", str(file), environment=environment)
    assert [(line["account"], line["ok"]) for line in json.loads(ended.stdout)] == [("dental", True)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serve", "--transport", "sse", "--stateless"], "--stateless"),
        (["serve", "--port", "9000"], "--port: stdio listens nowhere; say --transport http"),
        (["serve", "--host", "192.0.2.1"], "--host"),
        (["serve", "--stateless"], "--stateless"),
        (["check", "--sandbox", "--principal", "anna"], "--principal"),
        (["approve", "w-0123456789abcdef", "--yes", "--decline"], "--decline"),
        (["install", "cursor", "--print", "--uninstall"], "--uninstall"),
        (["install", "cursor", "--all"], "--all"),
    ],
)
def test_an_option_that_would_mean_nothing_is_refused(words: list[str], said: str) -> None:
    assert said in one_line(here(*words, environment={"OCTANIST_API_KEY": "key-of-nobody"}), 2)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["serve", "--transport", "sse", "--config", "/no/such/file"], 2),
        (["call", "serch_leads", "--sandbox"], 1),
        (["bogus"], 2),
    ],
)
def test_a_process_says_the_same_and_ends_with_the_same_code(words: list[str], code: int) -> None:
    process, inside = run(*words, environment={}), here(*words, environment={})
    assert process.returncode == inside.returncode == code
    assert process.stderr.splitlines()[-1] == inside.stderr.splitlines()[-1]


# --- tools --------------------------------------------------------------------------------------------------------


def test_tools_are_listed_for_a_reader_and_for_a_program(emulators: Emulators) -> None:
    listed = json.loads(here("tools", "--json", environment=emulators.environment).stdout)
    names = [one["name"] for one in listed]
    assert names[:3] == ["list_accounts", "search_leads", "get_lead"]
    assert all({"inputSchema", "outputSchema", "annotations", "description"} <= set(one) for one in listed)
    text = run("tools", environment=emulators.environment)
    assert (text.returncode, text.stderr) == (0, "")
    assert [line.split("(")[0] for line in text.stdout.splitlines() if line and line[0] != " "] == names


def test_the_sandbox_needs_no_settings() -> None:
    assert "search_leads" in here("tools", "--sandbox", environment={}).stdout


def test_without_an_account_there_is_list_accounts_and_advice() -> None:
    listed = json.loads(here("tools", "--json", environment={}).stdout)
    assert [one["name"] for one in listed] == ["list_accounts"]
    said = here("call", "list_accounts", environment={})
    assert said.returncode == 0
    assert "OCTANIST_API_KEY" in said.stdout
    assert "--sandbox" in said.stdout
    checked = here("check", environment={})
    assert checked.returncode == 1, "nothing has worked"
    assert "LEAD_MCP_CONFIG" in checked.stdout


# --- call ---------------------------------------------------------------------------------------------------------


def called(emulators: Emulators, *words: str) -> dict[str, Any]:
    ended = here("call", *words, "--raw", environment=emulators.environment)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_call_prints_the_text_answer(emulators: Emulators) -> None:
    ended = run("call", "search_leads", "account=octanist", "limit=2", environment=emulators.environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("2 of 200 leads")
    assert ended.stdout.count("\nlead://octanist/") == 2


def test_call_raw_is_the_whole_result(emulators: Emulators) -> None:
    found = called(emulators, "search_leads", "account=octanist", "limit=1")
    assert {"content", "structuredContent"} <= set(found)
    assert len(found["structuredContent"]["leads"]["rows"]) == 1


def test_arguments_come_as_words_lists_and_json(emulators: Emulators) -> None:
    uri = called(emulators, "search_leads", "account=octanist", "limit=1")["structuredContent"]["leads"]["rows"][0][0]
    wanted = uri.rsplit("/", 1)[1]
    by_words = called(emulators, "search_leads", "account=octanist", f"ids={wanted}", "fields=source,value")
    assert by_words["structuredContent"]["leads"]["columns"][-2:] == ["source", "value"]
    by_json = called(
        emulators,
        "search_leads",
        "limit=1",
        "--json",
        json.dumps({"account": "octanist", "limit": 7, "filters": [{"field": "id", "op": "eq", "value": wanted}]}),
    )
    assert [row[0] for row in by_json["structuredContent"]["leads"]["rows"]] == [uri]
    filters = json.dumps([{"field": "id", "op": "in", "value": [wanted]}])
    by_list = called(emulators, "search_leads", "account=octanist", f"filters={filters}")
    assert [row[0] for row in by_list["structuredContent"]["leads"]["rows"]] == [uri]


def test_a_number_is_a_list_of_one_where_a_list_is_wanted(emulators: Emulators) -> None:
    found = called(emulators, "search_leads", "account=octanist", "ids=17")
    assert found["structuredContent"]["missing"] == ["17"]


def test_text_that_looks_like_json_stays_text(emulators: Emulators) -> None:
    found = called(emulators, "search_leads", "account=octanist", "text=123", "limit=1")
    assert found["structuredContent"]["accounts"][0]["account"] == "octanist"


@pytest.mark.parametrize("words", [["limit=many"], ["bogus=1"], ["account=nobody"], ["since=someday"]])
def test_a_tool_error_is_exit_code_1(emulators: Emulators, words: list[str]) -> None:
    ended = here("call", "search_leads", *words, environment=emulators.environment)
    assert ended.returncode == 1
    assert ended.stderr == ""
    assert ended.stdout.split(":")[0] in ("bad_argument", "not_configured")
    raw = here("call", "search_leads", *words, "--raw", environment=emulators.environment)
    assert raw.returncode == 1
    assert json.loads(raw.stdout)["isError"] is True


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serch_leads"], "'search_leads'"),
        (["search_leads", "limit"], "name=value"),
        (["search_leads", "=3"], "name=value"),
        (["search_leads", "--json", "{"], "--json"),
        (["search_leads", "--json", "[1]"], "--json"),
    ],
)
def test_a_call_that_cannot_be_made_is_one_line(emulators: Emulators, words: list[str], said: str) -> None:
    assert said in one_line(here("call", *words, environment=emulators.environment), 1)


def test_call_over_the_built_in_sandbox() -> None:
    ended = here("call", "search_leads", "account=leadtrackr", "limit=1", "--sandbox", environment={})
    assert ended.returncode == 0
    assert "lead://leadtrackr/" in ended.stdout


def test_a_vendor_failure_is_said_and_exit_code_1(emulators: Emulators) -> None:
    environment = {**emulators.environment, "OCTANIST_API_KEY": "a wrong key"}
    ended = here("call", "search_leads", "account=octanist", environment=environment)
    assert ended.returncode == 1
    assert ended.stdout.startswith("unauthorized: ")
    assert "a wrong key" not in ended.stdout + ended.stderr


@pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN, reason="started in the background, where SIGINT is ignored"
)
def test_control_c_ends_a_call_quietly(emulators: Emulators) -> None:
    before = emulators.heard("octanist")
    emulators.fault("octanist", "hang")
    process = subprocess.Popen(
        [*PROGRAM, "call", "search_leads", "account=octanist"],
        env=clean(emulators.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        emulators.wait_until_asked("octanist", before)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PROMPT)
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err


# --- check --------------------------------------------------------------------------------------------------------


def test_check_with_everything_well(emulators: Emulators) -> None:
    ended = run("check", environment=emulators.environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    for name in NAMES:
        assert name in ended.stdout
    found = json.loads(here("check", "--json", environment=emulators.environment).stdout)
    assert {line["account"]: line["ok"] for line in found} == dict.fromkeys(NAMES, True)


def test_check_says_what_is_wrong_and_what_to_do(emulators: Emulators) -> None:
    environment = {
        **emulators.environment,
        "OCTANIST_API_KEY": "a wrong key",
        "CONVOSO_AUTH_TOKEN": "a wrong token",
        "LEADTRACKR_BASE_URL": "http://127.0.0.1:9/api",
    }
    ended = here("check", "--json", environment=environment)
    assert ended.returncode == 1
    found = {line["account"]: line for line in json.loads(ended.stdout)}
    assert {name for name, line in found.items() if line["ok"]} == {"leadexec", "leadsquared"}
    assert found["octanist"]["problem"].startswith("unauthorized: ")
    assert found["convoso"]["problem"].startswith("unauthorized: ")
    assert found["leadtrackr"]["problem"].startswith("unavailable: ")
    assert all(bool(line["next"]) is not line["ok"] for line in found.values())
    assert "a wrong key" not in ended.stdout + ended.stderr
    assert "a wrong token" not in ended.stdout + ended.stderr


def test_check_as_a_table(emulators: Emulators) -> None:
    environment = {**emulators.environment, "OCTANIST_API_KEY": "a wrong key"}
    ended = here("check", environment=environment)
    assert ended.returncode == 1
    row = next(line for line in ended.stdout.splitlines() if "octanist" in line)
    assert "unauthorized" in row
    assert "credential" in row


def test_check_of_a_silent_vendor_ends_at_the_deadline(emulators: Emulators) -> None:
    emulators.fault("octanist", "hang", times=-1)
    kept = ("OCTANIST_", "CONVOSO_", "LEAD_MCP_")
    two = {key: value for key, value in emulators.environment.items() if key.startswith(kept)}
    found = json.loads(here("check", "--json", environment={**two, "LEAD_MCP_DEADLINE": "3"}).stdout)
    problems = {line["account"]: line["problem"] for line in found if not line["ok"]}
    assert list(problems) == ["octanist"]
    assert problems["octanist"].startswith("timeout: ")


# --- demo and sandbox ---------------------------------------------------------------------------------------------


def test_the_demo_asks_and_says_how_to_go_on() -> None:
    ended = run("demo", environment={"OCTANIST_API_KEY": "somebody's own, not for the demo", "COLUMNS": "80"})
    assert (ended.returncode, ended.stderr) == (0, "")
    tools = {one.name for one in LISTED}
    shown = {tool for tool in tools if f"\n{tool} {{" in ended.stdout}
    assert shown == tools - {"insert_leads", "update_leads", "delete_lead", "export_leads"}
    assert max(map(len, ended.stdout[: ended.stdout.rindex("To try it")].splitlines())) <= 80
    starts = [ended.stdout.index(stop.question[:40]) for stop in TOUR] + [ended.stdout.rindex("To try it")]
    assert max(ended.stdout[start:end].count("\n") for start, end in pairwise(starts)) < 24, "a question has one screen"
    last = ended.stdout[ended.stdout.rindex("\n{") :]
    entry = json.loads(last)["mcpServers"]["lead-mcp-sandbox"]
    assert entry["args"][-2:] == ["serve", "--sandbox"]
    assert Path(entry["command"]).is_file()


def test_the_sandbox_prints_what_points_at_it(emulators: Emulators) -> None:
    """The fixture has evaluated every line as a shell would."""
    assert {name.split("_")[0].lower() for name in emulators.environment} >= set(NAMES)
    base = str(emulators.http.base_url)
    assert emulators.environment["OCTANIST_BASE_URL"].startswith(base.rstrip("/"))


def test_output_into_a_closed_pipe_is_no_traceback() -> None:
    words = " ".join(PROGRAM)
    ended = subprocess.run(
        ["sh", "-c", f"{words} tools --sandbox --json | true"],
        env=clean(),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert "Traceback" not in ended.stderr
