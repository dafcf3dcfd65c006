"""``lead-mcp install`` in a home folder with the files of every client: what goes in, what stays, what is refused."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Final

import pytest

from lead_mcp.cli.install import origin_of, own_command
from lead_mcp.clients.entry import Entry
from lead_mcp.clients.formats import FORMATS
from lead_mcp.clients.machine import MACOS, WINDOWS, Machine
from lead_mcp.clients.table import CLIENTS, NAMES, Client
from tests.installing.conftest import Command
from tests.installing.samples import SAMPLES

BY_NAME: Final = {client.name: client for client in CLIENTS}
Install = Callable[..., CompletedProcess[str]]


@pytest.fixture
def install(command: Command) -> Install:
    return lambda *words, **environment: command("install", *words, **environment)


def machine(home: Path, system: str = sys.platform) -> Machine:
    return Machine(system, home, {}, lambda name: None)


def file_of(name: str, home: Path) -> Path:
    return BY_NAME[name].file(machine(home))


def put(name: str, home: Path, text: str | None = None) -> Path:
    path = file_of(name, home)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((SAMPLES[name] if text is None else text).encode())
    path.chmod(0o640)
    return path


def entry_in(path: Path, client: Client, name: str = "lead-mcp") -> Any:
    return FORMATS[client.format].load(path.read_bytes().decode())[client.key].get(name)


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.*.bak"))


def config(home: Path) -> Path:
    path = home / ".config" / "lead-mcp" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('[accounts.octanist]\nvendor = "octanist"\napi_key = "s3cret-of-sam"\n', "utf-8")
    path.chmod(0o600)
    return path


# --- what goes in, and what stays ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_entry_goes_in_and_the_rest_stays(name: str, home: Path, install: Install) -> None:
    client, path, own = BY_NAME[name], put(name, home), config(home)
    before = path.read_bytes()
    ended = install(name)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    entry = entry_in(path, client)
    command = Path(entry.get("command") or entry["cmd"])
    assert command.is_absolute()
    assert command.is_file()
    assert entry["args"][-1] == "serve"
    assert (entry.get("env") or entry["envs"]) == {"LEAD_MCP_CONFIG": str(own)}
    assert "s3cret" not in path.read_text("utf-8") + ended.stdout, "a secret stays where it is"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    (backup,) = backups(path)
    assert (backup.read_bytes(), stat.S_IMODE(backup.stat().st_mode)) == (before, 0o640)
    left = [part for part in re.split(rb"[\s,{}]+", before) if part]
    new = iter(part for part in re.split(rb"[\s,{}]+", path.read_bytes()))
    assert all(part in new for part in left), "every word of the old file, in its order"


@pytest.mark.parametrize("name", NAMES)
def test_a_second_run_changes_nothing_and_uninstalling_brings_the_old_back(
    name: str, home: Path, install: Install
) -> None:
    client, path = BY_NAME[name], put(name, home)
    before = FORMATS[client.format].load(path.read_bytes().decode())
    install(name, "--sandbox")
    once, at = path.read_bytes(), path.stat().st_mtime_ns
    again = install(name, "--sandbox")
    assert (again.returncode, path.read_bytes(), path.stat().st_mtime_ns) == (0, once, at)
    assert "already" in again.stdout
    assert entry_in(path, client, "lead-mcp-sandbox")["args"][-1] == "--sandbox"
    assert install(name, "--uninstall").returncode == 0, "that entry is not there"
    assert path.read_bytes() == once
    assert install(name, "--sandbox", "--uninstall").returncode == 0
    after = FORMATS[client.format].load(path.read_bytes().decode())
    assert {k: v for k, v in after.items() if v} == {k: v for k, v in before.items() if v}
    if before.get(client.key):
        assert path.read_bytes() == SAMPLES[name].encode()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_missing_is_made(name: str, home: Path, install: Install) -> None:
    client, path = BY_NAME[name], file_of(name, home)
    client.homes(machine(home))[0].mkdir(parents=True)
    assert install(name, "--sandbox").returncode == 0
    assert entry_in(path, client, "lead-mcp-sandbox")
    assert backups(path) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_person_added_to_the_entry_stays(home: Path, install: Install) -> None:
    mine = {"command": "/old/lead-mcp", "args": ["serve"], "env": {"LEAD_MCP_PII": "masked"}, "disabled": True}
    path = put("cursor", home, json.dumps({"mcpServers": {"lead-mcp": mine}}))
    own = config(home)
    assert "changed" in install("cursor").stdout
    entry = entry_in(path, BY_NAME["cursor"])
    assert entry["disabled"] is True
    assert entry["env"] == {"LEAD_MCP_PII": "masked", "LEAD_MCP_CONFIG": str(own)}
    assert entry["command"] != "/old/lead-mcp"
    path = put(
        "codex", home, '[mcp_servers.lead-mcp]\ncommand = "old"\nargs = []\nstartup_timeout_sec = 90 # slow disk\n'
    )
    install("codex")
    assert "startup_timeout_sec = 90 # slow disk" in path.read_text("utf-8")


def test_an_entry_for_a_server_elsewhere_is_replaced(home: Path, install: Install) -> None:
    path = put("cursor", home, '{"mcpServers": {"lead-mcp": {"url": "https://example.com/mcp"}}}')
    install("cursor")
    assert set(entry_in(path, BY_NAME["cursor"])) == {"command", "args"}


def test_without_a_configuration_file_it_says_so(home: Path, install: Install) -> None:
    path = put("cursor", home)
    ended = install("cursor", OCTANIST_API_KEY="key-of-this-shell")
    assert ended.returncode == 0
    assert "lead-mcp init" in ended.stderr
    assert "key-of-this-shell" not in path.read_text("utf-8")


def test_codex_waits_longer_for_the_start(home: Path, install: Install) -> None:
    path = put("codex", home)
    install("codex")
    assert entry_in(path, BY_NAME["codex"])["startup_timeout_sec"] == 30


def test_a_byte_order_mark_stays(home: Path, install: Install) -> None:
    path = put("claude-desktop", home, "\ufeff" + SAMPLES["claude-desktop"])
    assert install("claude-desktop").returncode == 0
    assert path.read_bytes().startswith(b"\xef\xbb\xbf{")


# --- what is refused ----------------------------------------------------------------------------------------------


BROKEN: Final = {"json": '{"mcpServers": {', "toml": "model = ", "yaml": "extensions: [\n"}


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_file_is_kept_and_the_snippet_printed(name: str, home: Path, install: Install) -> None:
    client = BY_NAME[name]
    path = put(name, home, BROKEN[client.format])
    ended = install(name)
    assert ended.returncode == 1
    assert path.read_text("utf-8") == BROKEN[client.format]
    assert "left as it is" in ended.stdout.replace("was left as it was", "left as it is").replace("\n", " ")
    assert f"it is not {FORMATS[client.format].title}" in ended.stdout
    printed = ended.stdout.partition("by hand:\n")[2]
    assert FORMATS[client.format].load(printed)[client.key]["lead-mcp"]
    assert backups(path) == []


def test_a_read_only_file_is_kept(home: Path, install: Install) -> None:
    path = put("cursor", home)
    path.chmod(0o444)
    ended = install("cursor")
    assert ended.returncode == 1
    assert "read-only" in ended.stdout
    assert path.read_bytes() == SAMPLES["cursor"].encode()


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege elsewhere")
def test_a_link_is_not_written_through(home: Path, install: Install) -> None:
    path = put("zed", home)
    real = path.rename(home / "dotfiles.json")
    path.symlink_to(real)
    ended = install("zed")
    assert ended.returncode == 1
    assert str(real) in ended.stdout
    assert (path.is_symlink(), real.read_bytes()) == (True, SAMPLES["zed"].encode())


def test_a_folder_in_its_place_is_kept(home: Path, install: Install) -> None:
    file_of("cursor", home).mkdir(parents=True)
    ended = install("cursor")
    assert (ended.returncode, "it is no file" in ended.stdout) == (1, True)


def test_an_unknown_client_is_one_line(install: Install) -> None:
    ended = install("claud-desktop")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "lead-mcp: No client 'claud-desktop'. Did you mean 'claude-desktop'?\n"
    assert "Did you mean 'claude-desktop' or 'claude-code'?" in install("claude").stderr
    assert "goose, lm-studio" in install("emacs").stderr
    assert install().returncode == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_is_not_installed_says_where_it_looked(name: str, home: Path, install: Install) -> None:
    ended = install(name, "--sandbox")
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "not installed here; looked for ~/" in ended.stdout
    assert not file_of(name, home).exists()


# --- several, and none --------------------------------------------------------------------------------------------


def test_all_takes_those_that_are_there(home: Path, install: Install) -> None:
    paths = {name: put(name, home) for name in ("cursor", "codex", "goose")}
    ended = install("--all", "--sandbox")
    assert ended.returncode == 0
    assert all(entry_in(path, BY_NAME[name], "lead-mcp-sandbox") for name, path in paths.items())
    assert ended.stdout.count("not installed here") == len(NAMES) - 3
    put("zed", home, "{")
    assert install("--all").returncode == 1, "one could not be kept"


def test_print_writes_nothing(home: Path, install: Install) -> None:
    path = put("codex", home)
    ended = install("codex", "--print")
    assert (ended.returncode, path.read_bytes()) == (0, SAMPLES["codex"].encode())
    assert FORMATS["toml"].load(ended.stdout.partition(":\n")[2])["mcp_servers"]["lead-mcp"]["args"][-1] == "serve"
    every = install("--print", "--sandbox").stdout
    assert all(client.title in every for client in CLIENTS)


# --- the clients' own commands ------------------------------------------------------------------------------------


def program(home: Path, name: str, body: str) -> Path:
    """A client's command that notes how it was called, then does ``body`` (Python; ``words`` are its arguments)."""
    path, log = home / "bin" / name, home / f"{name}.log"
    head = f"#!{sys.executable}\nimport json, sys\nwords = sys.argv[1:]\n"
    path.write_text(f"{head}open({str(log)!r}, 'a').write(json.dumps(words) + '\\n')\n{body}\n", "utf-8")
    path.chmod(0o755)
    return log


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("claude-code", "mcp add --scope user NAME --env K=V -- COMMAND serve --sandbox"),
        ("codex", "mcp add NAME --env K=V -- COMMAND serve --sandbox"),
        ("gemini", "mcp add --scope user --env K=V NAME COMMAND -- serve --sandbox"),
    ],
)
def test_a_command_is_spelled_as_its_documents_have_it(name: str, words: str) -> None:
    add = BY_NAME[name].add
    assert add is not None
    assert " ".join(add(Entry("NAME", "COMMAND", ["serve", "--sandbox"], {"K": "V"}))) == words


CLAUDE: Final = """
path = {path!r}
data = json.load(open(path))
servers = data.setdefault("mcpServers", {{}})
if words[1] == "add":
    at = words.index("--")
    env = dict(word.split("=", 1) for flag, word in zip(words, words[1:]) if flag == "--env")
    servers[words[at - 1] if not env else words[4]] = {{
        "type": "stdio", "command": words[at + 1], "args": words[at + 2:], "env": env}}
else:
    del servers[words[-1]]
json.dump(data, open(path, "w"))
"""


def test_a_clients_own_command_is_used(home: Path, install: Install) -> None:
    path, own = put("claude-code", home), config(home)
    log = program(home, "claude", CLAUDE.format(path=str(path)))
    ended = install("claude-code")
    assert (ended.returncode, "with `claude`" in ended.stdout) == (0, True)
    assert entry_in(path, BY_NAME["claude-code"])["env"] == {"LEAD_MCP_CONFIG": str(own)}
    assert "already" in install("claude-code").stdout
    assert "with `claude`" in install("claude-code", "--uninstall").stdout
    words = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [one[:5] for one in words] == [
        ["mcp", "add", "--scope", "user", "lead-mcp"],
        ["mcp", "remove", "--scope", "user", "lead-mcp"],
    ]
    assert backups(path) == []


@pytest.mark.parametrize("body", ["sys.exit(3)", "pass", "open({path!r}, 'w').write('{{}}')"])
def test_a_command_that_does_not_do_it_is_made_good(body: str, home: Path, install: Install) -> None:
    """It refuses, does nothing, or writes something else: the file has the entry all the same."""
    path = put("gemini", home)
    log = program(home, "gemini", body.format(path=str(path)))
    ended = install("gemini", "--sandbox")
    assert ended.returncode == 0
    assert entry_in(path, BY_NAME["gemini"], "lead-mcp-sandbox")["args"][-1] == "--sandbox"
    assert len(log.read_text("utf-8").splitlines()) == 1


def test_codex_gets_its_time_after_its_own_command(home: Path, install: Install) -> None:
    path = put("codex", home)
    table = "[mcp_servers.{words[2]}]\\ncommand = {words[4]!r}\\nargs = {words[5:]!r}\\n"
    body = f"open({str(path)!r}, 'a').write(f{table!r})".replace("\\\\n", "\\n")
    program(home, "codex", body)
    install("codex", "--sandbox")
    entry = entry_in(path, BY_NAME["codex"], "lead-mcp-sandbox")
    assert (entry["args"][-1], entry["startup_timeout_sec"]) == ("--sandbox", 30)


# --- how this program is started ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (None, []),
        ('{"url": "file:///home/sam/lead%20mcp", "dir_info": {}}', ["--from", "/home/sam/lead mcp"]),
        ('{"url": "https://example.com/lead_mcp-1.whl"}', ["--from", "https://example.com/lead_mcp-1.whl"]),
        (
            '{"url": "https://example.com/lead-mcp.git", "vcs_info": {"vcs": "git", "commit_id": "0a1b"}}',
            ["--from", "git+https://example.com/lead-mcp.git@0a1b"],
        ),
    ],
)
def test_what_uvx_is_told(record: str | None, words: list[str]) -> None:
    assert origin_of(record) == words


def test_a_cache_of_uvs_is_no_place_to_point_at(home: Path) -> None:
    here = Machine("linux", home, {}, lambda name: "/usr/bin/uvx")
    command, words = own_command(here, prefix="/home/sam/.cache/uv/archive-v0/Ab3")
    assert (command, words[-1]) == ("/usr/bin/uvx", "lead-mcp")
    assert own_command(here, python="/nowhere/python") == ("/nowhere/python", ["-m", "lead_mcp"])


# --- other systems ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "system", "place"),
    [
        ("claude-desktop", MACOS, "Library/Application Support/Claude/claude_desktop_config.json"),
        ("claude-desktop", WINDOWS, "AppData/Roaming/Claude/claude_desktop_config.json"),
        ("vscode", MACOS, "Library/Application Support/Code/User/mcp.json"),
        ("vscode", WINDOWS, "AppData/Roaming/Code/User/mcp.json"),
        ("zed", MACOS, ".config/zed/settings.json"),
        ("zed", WINDOWS, "AppData/Roaming/Zed/settings.json"),
        ("goose", MACOS, ".config/goose/config.yaml"),
        ("goose", WINDOWS, "AppData/Roaming/Block/goose/config/config.yaml"),
        ("codex", WINDOWS, ".codex/config.toml"),
    ],
)
def test_each_system_has_its_places(name: str, system: str, place: str, home: Path) -> None:
    assert str(BY_NAME[name].file(machine(home, system))).casefold() == str(home / place).casefold()


def test_windows_packaged_app_comes_first(home: Path) -> None:
    packaged = home / "AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude"
    packaged.mkdir(parents=True)
    found = BY_NAME["claude-desktop"].file(machine(home, WINDOWS))
    assert found == packaged / "claude_desktop_config.json"


def test_variables_move_folders(home: Path, install: Install) -> None:
    moved = home / "elsewhere"
    moved.mkdir()
    assert install("codex", "--sandbox", CODEX_HOME=str(moved)).returncode == 0
    assert "lead-mcp-sandbox" in (moved / "config.toml").read_text("utf-8")
