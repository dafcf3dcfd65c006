"""``lead-mcp init``: the file it writes, what it keeps of the old one, where secrets go, what it refuses."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from lead_mcp.sandbox.app import Sandbox
from tests.installing.conftest import Command
from tests.installing.memory import Memory
from tests.process.terminal import typed

KEY = "sandbox-octanist-api-key"
OLD = """# ours
[server]
writes = "off"   # until the audit is over

[accounts.dialer]
vendor = "convoso"
auth_token = "env:DIALER"  # from the vault
"""


@pytest.fixture
def file(home: Path) -> Path:
    return home / ".config" / "lead-mcp" / "config.toml"


def tables(file: Path) -> Any:
    return tomllib.loads(file.read_text("utf-8"))


def octanist(origin: str) -> list[str]:
    return ["--vendor", "octanist", "--set", f"base_url={origin}/octanist/api"]


# --- by flags -----------------------------------------------------------------------------------------------------


def test_an_account_by_flags_is_checked_written_and_used(command: Command, file: Path, origin: str) -> None:
    words = [
        *octanist(origin),
        "--secret-env",
        "MY_KEY",
        "--zone",
        "Europe/Berlin",
        "--region",
        "de",
        "--pii",
        "masked",
    ]
    ended = command("init", *words, "--yes", MY_KEY=KEY)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    assert "octanist: the vendor takes it" in ended.stdout
    assert KEY not in ended.stdout
    assert tables(file) == {
        "server": {"timezone": "Europe/Berlin", "phone_region": "de", "pii": "masked"},
        "accounts": {"octanist": {"vendor": "octanist", "base_url": f"{origin}/octanist/api", "api_key": "env:MY_KEY"}},
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    checked = command("check", "--json", MY_KEY=KEY)
    assert [(line["account"], line["ok"]) for line in json.loads(checked.stdout)] == [("octanist", True)]


def test_what_the_file_holds_stays(command: Command, file: Path, origin: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(OLD, "utf-8")
    file.chmod(0o644)
    words = [*octanist(origin), "--account", "dental", "--secret-env", "api_key=MY_KEY", "--zone", "UTC", "--yes"]
    assert command("init", *words, MY_KEY=KEY).returncode == 0
    text = file.read_text("utf-8")
    assert [line for line in OLD.splitlines() if line not in text.splitlines()] == []
    found = tables(file)
    assert found["server"] == {"writes": "off", "timezone": "UTC"}
    assert set(found["accounts"]) == {"dialer", "dental"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (backup,) = file.parent.glob("*.bak")
    assert backup.read_text("utf-8") == OLD
    assert command("init", *words, MY_KEY=KEY).returncode == 0
    assert (file.read_text("utf-8"), len(list(file.parent.glob("*.bak")))) == (text, 1), "a second run changes nothing"


def test_the_servers_settings_alone(command: Command, file: Path) -> None:
    assert command("init", "--writes", "allow", "--yes").returncode == 0
    assert tables(file) == {"server": {"writes": "allow"}}


def test_a_refused_credential_is_not_written(command: Command, file: Path, origin: str) -> None:
    ended = command("init", *octanist(origin), "--secret-env", "MY_KEY", "--yes", MY_KEY="a-wrong-key")
    assert ended.returncode == 1
    assert "unauthorized" in ended.stdout
    assert "a-wrong-key" not in ended.stdout + ended.stderr
    assert not file.exists()
    ended = command("init", *octanist(origin), "--secret-env", "MY_KEY", "--yes", "--no-check", MY_KEY="a-wrong-key")
    assert (ended.returncode, file.exists()) == (0, True)


def test_the_vendors_own_variable_does_not_stand_in_for_what_is_written(command: Command, origin: str) -> None:
    words = [*octanist(origin), "--secret-env", "MY_KEY", "--yes"]
    ended = command("init", *words, MY_KEY="a-wrong-key", OCTANIST_API_KEY=KEY)
    assert (ended.returncode, "unauthorized" in ended.stdout) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--vendor", "octanst"], "Did you mean 'octanist'?"),
        (["--vendor", "octanist"], "--secret-env api_key=NAME"),
        (["--vendor", "leadsquared", "--secret-env", "access_key=A"], "needs secret_key"),
        (["--vendor", "leadsquared", "--secret-env", "A"], "access_key, secret_key"),
        (["--vendor", "octanist", "--set", "api_key=s3cret"], "where others can read it"),
        (["--vendor", "octanist", "--set", "api_kee=x"], "Did you mean 'api_key'?"),
        (["--vendor", "octanist", "--set", "base_url"], "KEY=VALUE"),
        (["--vendor", "octanist", "--secret-env", "NOT_THERE"], "the environment has no NOT_THERE"),
        (["--vendor", "octanist", "--secret-env", "A", "--account", "Big One"], "lower-case"),
        (["--vendor", "octanist", "--secret-env", "A", "--zone", "Mars"], "timezone"),
        (["--vendor", "octanist", "--secret-env", "A", "--writes", "perhaps"], "writes"),
        (["--vendor", "octanist", "--secret-env", "A", "--secrets", "keyring"], "no keyring that can be used"),
        ([], "--vendor is missing"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(
    words: list[str], said: str, command: Command, file: Path
) -> None:
    ended = command("init", *words, "--yes", A="x" * 20)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "s3cret" not in ended.stderr
    assert not file.exists()


def test_a_file_that_cannot_be_kept_is_left(command: Command, file: Path, home: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_text("accounts = 3\n", "utf-8")
    words = ["--vendor", "octanist", "--secret-env", "A", "--yes", "--no-check"]
    for text in ("accounts = 3\n", "not toml"):
        file.write_text(text, "utf-8")
        ended = command("init", *words, A="x" * 20)
        assert (ended.returncode, ended.stderr.count("\n"), file.read_text("utf-8")) == (2, 1, text)
    real = file.rename(home / "real.toml")
    file.symlink_to(real)
    ended = command("init", *words, A="x" * 20)
    assert (ended.returncode, "link" in ended.stderr) == (2, True)


# --- the keyring --------------------------------------------------------------------------------------------------


def test_a_secret_in_the_keyring(command: Command, file: Path, origin: str, memory: Memory) -> None:
    words = [*octanist(origin), "--secret-env", "MY_KEY", "--secrets", "keyring", "--yes"]
    assert command("init", *words, MY_KEY=KEY).returncode == 0
    assert tables(file)["accounts"]["octanist"]["api_key"] == "keyring:octanist/api_key"
    assert memory.held == {("lead-mcp", "octanist/api_key"): KEY}
    file.chmod(0o644)
    ended = command("check", "--json")
    assert json.loads(ended.stdout)[0]["ok"] is True
    assert ended.stderr == "", "no secret stands in the file"
    memory.locked = True
    ended = command("check")
    assert (ended.returncode, "locked" in ended.stderr, "s3cret" in ended.stderr) == (2, True, False)
    memory.locked = False
    memory.held.clear()
    assert "holds no 'octanist/api_key'" in command("check").stderr


def test_without_a_keyring_a_reference_is_a_clear_error(command: Command, file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_text('[accounts.a]\nvendor = "octanist"\napi_key = "keyring:a"\n', "utf-8")
    ended = command("check")
    assert (ended.returncode, "no keyring that can be used" in ended.stderr) == (2, True)


def test_a_refused_secret_does_not_go_to_the_keyring(command: Command, origin: str, memory: Memory) -> None:
    words = [*octanist(origin), "--secret-env", "MY_KEY", "--secrets", "keyring", "--yes"]
    assert command("init", *words, MY_KEY="a-wrong-key").returncode == 1
    assert memory.held == {}


# --- by questions -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_a_person_answers_questions(own: dict[str, str], file: Path, origin: str, box: Sandbox) -> None:
    environment = {**own, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "TZ": "America/New_York"}
    answers = [
        ("Vendor", "leadsqared"),
        ("Did you mean 'leadsquared'?", "leadsquared"),
        ("Account name", "My Account"),
        ("lower-case letters", ""),
        ("access_key", '"sandbox-leadsquared-access-key"'),
        ("quotation marks round it", "sandbox-leadsquared-access-key"),
        ("secret_key", "sandbox-leadsquared-secret-key"),
        ("base_url", f"{origin}/leadsquared/v2"),
        ("Time zone", "NY"),
        ("no IANA time zone", ""),
        ("Country", "GB"),
        ("Writes", "off"),
        ("Personal values", ""),
    ]
    code, said = typed(environment, answers, "init")
    assert code == 0, said
    assert "secrets go into the file" in said
    assert "sandbox-leadsquared" not in said, "typed unseen"
    found = tables(file)
    assert found["server"] == {
        "timezone": "America/New_York", "phone_region": "GB", "writes": "off", "pii": "full"
    }  # fmt: skip
    assert found["accounts"]["leadsquared"]["secret_key"] == "sandbox-leadsquared-secret-key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = [("Vendor", "leadsquared"), ("Account name", ""), ("anew", "y"), ("access_key", "wrong"), ("secret_key", "wrong"),
             ("all the same", "n")]  # fmt: skip
    before = file.read_bytes()
    code, said = typed(environment, again, "init")
    assert (code, file.read_bytes()) == (1, before)
    assert "unauthorized" in said
