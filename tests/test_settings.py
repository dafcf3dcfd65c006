"""Settings: environment and file, checked whole; what is wrong names the key and the fix, and no secret is ever shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from lead_mcp import vendors
from lead_mcp.errors import SettingsError
from lead_mcp.hosts import is_loopback
from lead_mcp.settings import (
    ConfiguredAccount,
    Rate,
    Server,
    Settings,
    load,
    load_for_sandbox,
    read_rate,
    settings_of,
)

OURS = ("LEAD_MCP_", *(f"{name.upper()}_" for name in vendors.NAMES))
SECRET = "s3cr3t-Kq9/x+Z="
WHOLE = {
    "convoso": {"CONVOSO_AUTH_TOKEN": SECRET},
    "leadexec": {
        "LEADEXEC_CLIENT_ID": SECRET + "id",
        "LEADEXEC_CLIENT_SECRET": SECRET,
        "LEADEXEC_LEAD_TYPE_UIDS": "11, 22",
    },
    "leadsquared": {"LEADSQUARED_ACCESS_KEY": SECRET + "a", "LEADSQUARED_SECRET_KEY": SECRET},
    "octanist": {"OCTANIST_API_KEY": SECRET},
    "leadtrackr": {"LEADTRACKR_API_KEY": SECRET},
}
Set = Callable[..., None]
Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of ours, and no way out, in the environment of whoever runs the tests."""
    for key in os.environ:
        if key.startswith(OURS) or key.upper().endswith("_PROXY") or key.startswith("SSL_CERT_"):
            monkeypatch.delenv(key)


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Set:
    def run(**variables: str) -> None:
        for key, text in variables.items():
            monkeypatch.setenv(key, text)

    return run


@pytest.fixture
def file(tmp_path: Path) -> Write:
    """Writes a configuration file that nobody else can read."""

    def run(text: str) -> Path:
        path = tmp_path / "lead-mcp.toml"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    return run


def clear(found: ConfiguredAccount) -> dict[str, str]:
    return {key: secret.get_secret_value() for key, secret in found.secrets.items()}


def problem(config: Path | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load(config)
    assert SECRET not in str(caught.value)
    return str(caught.value)


# --- accounts of the environment ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", vendors.NAMES)
def test_a_vendors_variables_make_an_account_of_its_name(name: str, put: Set) -> None:
    put(**WHOLE[name])
    found = load()
    assert list(found.accounts) == [name]
    assert found.warnings == ()
    account = found.accounts[name].account
    assert (account.name, account.vendor) == (name, name)
    secrets = clear(found.accounts[name])
    defaults = {setting.default for setting in vendors.vendor(name).settings}
    assert set(secrets.values()) | set(account.options.values()) - defaults == set(WHOLE[name].values()) - defaults
    assert SECRET in secrets.values()


@pytest.mark.parametrize(
    ("name", "key", "default"),
    [
        ("convoso", "base_url", "https://api.convoso.com/v1"),
        ("convoso", "timezone", "America/Los_Angeles"),
        ("leadexec", "data_url", "https://apidata.leadexec.net"),
        ("leadexec", "account_url", "https://api.leadexec.net"),
        ("leadexec", "leads_url", "https://leads.leadexec.net"),
        ("leadsquared", "base_url", "https://api.leadsquared.com/v2"),
        ("octanist", "base_url", "https://octanist.com/api"),
        ("leadtrackr", "base_url", "https://app.leadtrackr.io/api"),
    ],
)
def test_an_optional_setting_has_the_contracts_default_and_can_be_set(
    name: str, key: str, default: str, put: Set
) -> None:
    put(**WHOLE[name])
    assert load().accounts[name].account.option(key) == default
    put(**{f"{name.upper()}_{key.upper()}": "Europe/Berlin" if key == "timezone" else "https://example.com/api"})
    assert load().accounts[name].account.option(key) != default


def test_a_ready_made_token_stands_for_the_key_pair(put: Set) -> None:
    put(LEADEXEC_ACCESS_TOKEN=SECRET, LEADEXEC_LEAD_TYPE_UIDS="11")
    assert clear(load().accounts["leadexec"]) == {"access_token": SECRET}


@pytest.mark.parametrize(
    ("variables", "missing", "beside"),
    [
        ({"LEADSQUARED_ACCESS_KEY": SECRET}, "LEADSQUARED_SECRET_KEY", "LEADSQUARED_ACCESS_KEY"),
        ({"LEADSQUARED_SECRET_KEY": SECRET}, "LEADSQUARED_ACCESS_KEY", "LEADSQUARED_SECRET_KEY"),
        (
            {"LEADEXEC_CLIENT_ID": SECRET, "LEADEXEC_LEAD_TYPE_UIDS": "1"},
            "LEADEXEC_CLIENT_SECRET",
            "LEADEXEC_CLIENT_ID",
        ),
        ({"LEADEXEC_ACCESS_TOKEN": SECRET}, "LEADEXEC_LEAD_TYPE_UIDS", "LEADEXEC_ACCESS_TOKEN"),
        (
            {"LEADEXEC_CLIENT_ID": SECRET, "LEADEXEC_CLIENT_SECRET": SECRET},
            "LEADEXEC_LEAD_TYPE_UIDS",
            "LEADEXEC_CLIENT_ID",
        ),
    ],
)
def test_half_a_credential_is_an_error_that_names_the_missing_half(
    variables: dict[str, str], missing: str, beside: str, put: Set
) -> None:
    put(**variables)
    said = problem()
    assert said.startswith(missing)
    assert beside in said.partition("beside")[2]


def test_an_empty_variable_is_not_set(put: Set) -> None:
    put(
        OCTANIST_API_KEY="",
        LEADSQUARED_ACCESS_KEY=" ",
        LEAD_MCP_CONFIG="",
        LEAD_MCP_WRITES="",
        LEAD_MCP_NO_SUCH_THING="",
    )
    found = load()
    assert (found.accounts, found.warnings, found.server.writes, found.server.config) == ({}, (), "confirm", None)


def test_without_an_account_the_settings_still_load() -> None:
    assert load().accounts == {}


def test_settings_without_a_credential_earn_a_warning(put: Set) -> None:
    put(CONVOSO_TIMEZONE="Europe/Berlin")
    found = load()
    assert found.accounts == {}
    assert "CONVOSO_TIMEZONE is set, but no credential of convoso" in found.warnings[0]


def test_a_vendors_unknown_variable_earns_a_warning(put: Set) -> None:
    put(OCTANIST_API_KEY=SECRET, OCTANIST_WEBHOOK="https://example.com")
    found = load()
    assert list(found.accounts) == ["octanist"]
    assert found.warnings == ("OCTANIST_WEBHOOK is no setting of octanist; it is not used.",)


def test_a_slip_of_the_pen_is_an_error_with_the_nearest(put: Set) -> None:
    put(OCTANIST_API_KEY=SECRET, OCTANIST_BASEURL="https://example.com")
    with pytest.raises(SettingsError, match=r"OCTANIST_BASEURL is no setting .* 'OCTANIST_BASE_URL'"):
        load()


# --- values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/api/",
        "http://127.0.0.1:8700/octanist",
        "http://127.9.9.9",
        "http://localhost:1",
        "http://[::1]:8700",
    ],
)
def test_a_base_url_is_https_or_on_this_machine(url: str, put: Set) -> None:
    put(OCTANIST_API_KEY=SECRET, OCTANIST_BASE_URL=url)
    assert load().accounts["octanist"].account.option("base_url") == url


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://example.com", "must start with https://"),
        ("http://localhost.example.com", "must start with https://"),
        ("http://10.0.0.1", "must start with https://"),
        ("http://0.0.0.0", "must start with https://"),
        ("ftp://example.com", "must be a URL"),
        ("example.com", "must be a URL"),
        (f"user:{SECRET}@example.com", "must be a URL"),
        ("https://", "must be a URL"),
        ("https://[bad", "must be a URL"),
        ("https://example.com:port", "must be a URL"),
        ("https://example.com:99999", "must be a URL"),
        ("https://user:secret@example.com", "no user, password"),
        ("https://example.com?key=1", "query"),
        ("https://example.com#x", "fragment"),
    ],
)
def test_any_other_base_url_is_an_error_that_names_the_key(url: str, says: str, put: Set) -> None:
    put(OCTANIST_API_KEY=SECRET, OCTANIST_BASE_URL=url)
    said = problem()
    assert said.startswith("OCTANIST_BASE_URL ")
    assert says in said


@pytest.mark.parametrize(
    ("host", "own"), [("::1", True), ("127.0.0.1", True), ("localhost", True), ("example.com", False)]
)
def test_loopback_is_this_machine(host: str, own: bool) -> None:
    assert is_loopback(host) is own


@pytest.mark.parametrize(
    ("text", "rate"), [("3/1s", Rate(3, 1)), ("25/5s", Rate(25, 5)), ("none", Rate()), ("", Rate())]
)
def test_a_rate_is_calls_in_seconds(text: str, rate: Rate) -> None:
    assert read_rate(text) == rate


@pytest.mark.parametrize("name", vendors.NAMES)
def test_every_vendor_has_a_rate_and_some_have_a_default(name: str, put: Set) -> None:
    put(**WHOLE[name])
    default = {"convoso": Rate(3, 1), "leadsquared": Rate(25, 5)}.get(name, Rate())
    assert load().accounts[name].rate == default
    put(**{f"{name.upper()}_RATE": "7/2s"})
    assert load().accounts[name].rate == Rate(7, 2)
    put(**{f"{name.upper()}_RATE": "none"})
    assert load().accounts[name].rate == Rate()


@pytest.mark.parametrize(
    "text", ["3", "3/s", "3/1", "3 / 1s", "0/1s", "3/0s", "-3/1s", "1.5/1s", "3/1m", "many", "9999999/1s"]
)
def test_a_rate_in_another_form_is_an_error_with_an_example(text: str, put: Set) -> None:
    put(OCTANIST_API_KEY=SECRET, OCTANIST_RATE=text)
    assert problem().startswith("OCTANIST_RATE must be CALLS/SECONDSs, such as 25/5s")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "/etc/localtime", "-", "x" * 300])
def test_an_unknown_zone_is_an_error_with_an_example(zone: str, put: Set) -> None:
    put(CONVOSO_AUTH_TOKEN=SECRET, CONVOSO_TIMEZONE=zone)
    assert "CONVOSO_TIMEZONE" in (said := problem())
    assert "America/New_York" in said
    put(CONVOSO_TIMEZONE="", LEAD_MCP_TIMEZONE=zone)
    assert problem().startswith("LEAD_MCP_TIMEZONE: ")


@pytest.mark.parametrize("text", [f"{SECRET}\n{SECRET}", f"{SECRET}\u200b", f"“{SECRET}", f"{SECRET}\x00"])
def test_a_key_that_cannot_be_sent_is_found_at_start_up(text: str, file: Write) -> None:
    escaped = "".join(c if c.isascii() and c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    said = problem(file(f'[accounts.acme]\nvendor = "octanist"\napi_key = "{escaped}"'))
    assert said.startswith("[accounts.acme] api_key holds a character that no key has")


def test_white_space_round_a_value_is_nobodys_intention(put: Set) -> None:
    put(OCTANIST_API_KEY=f" {SECRET}\n", OCTANIST_BASE_URL=" https://example.com ")
    found = load().accounts["octanist"]
    assert (clear(found), found.account.option("base_url")) == ({"api_key": SECRET}, "https://example.com")


# --- server-wide --------------------------------------------------------------------------------------------------


def test_the_server_has_the_contracts_defaults() -> None:
    shown = load().server.model_dump(exclude={"timezone", "state_dir"})
    assert shown == {
        "config": None,
        "writes": "confirm",
        "deletes": "off",
        "pii": "full",
        "phone_region": "US",
        "deadline": 30,
        "scan_limit": 10_000,
        "summary_limit": 100_000,
        "reply_limit": 16 * 1024 * 1024,
        "log_level": "warning",
        "http_token": None,
        "http_origins": (),
        "journal_url": None,
        "journal_days": 90,
        "mirror": "off",
        "mirror_url": None,
        "mirror_max_age": 60,
        "mirror_trailing": 30,
        "mirror_days": None,
        "mirror_recordings": "off",
        "mirror_key": "off",
        "redis_url": None,
        "traces_url": None,
        "export_dir": None,
        "export_link_seconds": 900,
        "credentials_dir": None,
        "credentials_variables": None,
        "credentials_command": (),
        "credentials_timeout": 5,
        "state_keys": (),
        "oauth_issuer": (),
        "oauth_audience": None,
        "oauth_jwks_url": None,
        "oauth_algorithms": "RS256,ES256",
        "oauth_introspection_url": None,
        "oauth_introspection_client_id": None,
        "oauth_introspection_client_secret": None,
        "oauth_client_id": None,
        "oauth_client_secret": None,
    }
    assert load().server.zone.key
    assert load().server.state_dir.is_absolute()


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("WRITES", "off", "off"),
        ("DELETES", "allow", "allow"),
        ("PII", "masked", "masked"),
        ("TIMEZONE", "Europe/Berlin", "Europe/Berlin"),
        ("PHONE_REGION", "DE", "DE"),
        ("DEADLINE", "2.5", 2.5),
        ("SCAN_LIMIT", "5", 5),
        ("REPLY_LIMIT", "2048", 2048),
        ("STATE_DIR", "/var/lib/lead-mcp", Path("/var/lib/lead-mcp")),
        ("STATE_DIR", "~/leads", Path.home() / "leads"),
        ("LOG_LEVEL", "debug", "debug"),
        ("JOURNAL_DAYS", "1", 1),
        ("MIRROR", " On ", "on"),
        ("MIRROR_MAX_AGE", "0.5", 0.5),
        ("MIRROR_TRAILING", "7", 7),
        ("MIRROR_DAYS", "365", 365),
    ],
)
def test_a_server_setting_comes_from_the_environment(key: str, text: str, value: Any, put: Set) -> None:
    put(**{f"LEAD_MCP_{key}": text})
    assert getattr(load().server, key.lower()) == value


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("WRITES", "yes"),
        ("DELETES", "true"),
        ("PII", "none"),
        ("PHONE_REGION", "usa"),
        ("DEADLINE", "0"),
        ("DEADLINE", "nan"),
        ("DEADLINE", "inf"),
        ("DEADLINE", "soon"),
        ("SCAN_LIMIT", "0"),
        ("SUMMARY_LIMIT", "-1"),
        ("REPLY_LIMIT", "1"),
        ("LOG_LEVEL", "loud"),
        ("JOURNAL_DAYS", "0"),
    ],
)
def test_a_wrong_server_setting_is_an_error_that_names_it(key: str, text: str, put: Set) -> None:
    put(**{f"LEAD_MCP_{key}": text})
    assert problem().startswith(f"LEAD_MCP_{key}: ")


def test_a_wrong_phone_region_is_told_what_one_looks_like(put: Set) -> None:
    put(LEAD_MCP_PHONE_REGION="usa")
    assert problem() == "LEAD_MCP_PHONE_REGION: two letters, such as US."


@pytest.mark.parametrize(
    "url", ["collector:4318", "grpc://collector:4317", "http://", "http://me:pass@collector/v1/traces"]
)
def test_where_traces_go_is_an_address_without_a_password(put: Set, url: str) -> None:
    put(LEAD_MCP_TRACES_URL=url)
    assert problem() == "LEAD_MCP_TRACES_URL must be a URL such as http://collector:4318/v1/traces."


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("LOG_LEVEL", "INFO", "info"),
        ("LOG_LEVEL", "Debug\r\n", "debug"),
        ("WRITES", " Allow\n", "allow"),
        ("DELETES", "CONFIRM", "confirm"),
        ("PII", "Masked", "masked"),
        ("PHONE_REGION", "us\n", "US"),
        ("TIMEZONE", " Europe/Berlin ", "Europe/Berlin"),
        ("SCAN_LIMIT", " 5\n", 5),
        ("HTTP_ORIGINS", "https://App.example.com , http://localhost:3000,", ("https://app.example.com", "http://localhost:3000")),
    ],
)  # fmt: skip
def test_a_word_is_the_same_in_capitals_and_with_space_round_it(
    key: str, text: str, value: Any, put: Set, file: Write
) -> None:
    name = key.lower()
    assert getattr(load(file(f"[server]\n{name} = {json.dumps(text)}")).server, name) == value
    put(**{f"LEAD_MCP_{key}": text})
    assert getattr(load().server, name) == value


def test_blank_is_not_set_and_leaves_it_to_the_file(put: Set, file: Write) -> None:
    put(LEAD_MCP_WRITES=" \n", LEAD_MCP_PII="")
    found = load(file('[server]\nwrites = "Off"\npii = "MASKED"\nlog_level = " "')).server
    assert (found.writes, found.pii, found.log_level) == ("off", "masked", "warning")


def test_words_of_an_account_are_folded_too(put: Set, file: Write) -> None:
    path = file(
        '[accounts.acme]\nvendor = " Octanist"\napi_key = "abcd"\nrate = "None"\n[accounts.acme.stages]\nSALE = " Won "'
    )
    account = load(path).accounts["acme"]
    assert (account.vendor.name, account.rate, account.account.stages["sale"]) == ("octanist", Rate(), "won")
    put(CONVOSO_AUTH_TOKEN=SECRET, CONVOSO_RATE="5/2S")
    assert load().accounts["convoso"].rate == Rate(5, 2)


@pytest.mark.parametrize(
    "origin", ["*", "null", "app.example.com", "https://app.example.com/", "https://a@b", "https://x?y", "https://"]
)
def test_an_origin_is_what_browsers_send(origin: str, put: Set) -> None:
    put(LEAD_MCP_HTTP_ORIGINS=f"https://fine.example,{origin}")
    assert problem().startswith("LEAD_MCP_HTTP_ORIGINS: ")


# --- pasted with something round it -------------------------------------------------------------------------------

PLACEHOLDERS = ("${OCTANIST_API_KEY}", "${user_config.octanist_key}", "$OCTANIST_API_KEY", "%OCTANIST_API_KEY%")


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
@pytest.mark.parametrize("name", sorted(vendors.every()))
def test_a_placeholder_that_nobody_filled_in_is_named(name: str, placeholder: str, put: Set, monkeypatch: Any) -> None:
    for key in settings_of(vendors.every()[name]):
        variable = f"{name.upper()}_{key.upper()}"
        put(**{**WHOLE[name], variable: placeholder})
        if key == "access_token":
            put(LEADEXEC_LEAD_TYPE_UIDS="1")
        assert problem().startswith(f"{variable} is {placeholder!r} as it stands")
        monkeypatch.delenv(variable)


@pytest.mark.parametrize("name", sorted(set(Server.model_fields) - {"config"}))
def test_so_it_is_among_the_servers_own(name: str, put: Set) -> None:
    put(**{f"LEAD_MCP_{name.upper()}": "${user_config.it}"})
    assert problem().startswith(f"LEAD_MCP_{name.upper()} is '${{user_config.it}}' as it stands")


def test_a_file_that_nobody_named_is_said_to_be_a_placeholder(put: Set) -> None:
    put(LEAD_MCP_CONFIG="${user_config.file}")
    assert problem().startswith("LEAD_MCP_CONFIG is '${user_config.file}' as it stands")


@pytest.mark.parametrize("quotes", ['""', "''", "``", "“”", "‘’"])
def test_quotation_marks_round_a_key_are_named(quotes: str, put: Set, file: Write) -> None:
    text = f"{quotes[0]}{SECRET}{quotes[1]}"
    put(OCTANIST_API_KEY=text)
    assert problem().startswith("OCTANIST_API_KEY has quotation marks round it")
    put(OCTANIST_API_KEY="", LEAD_MCP_HTTP_TOKEN=text)
    assert problem().startswith("LEAD_MCP_HTTP_TOKEN has quotation marks round it")


@pytest.mark.parametrize(
    "before", ["Bearer ", "bearer  ", "Basic ", "Token ", "Authorization: ", "Authorization: Bearer "]
)
def test_what_a_header_has_before_a_key_is_named(before: str, put: Set) -> None:
    put(CONVOSO_AUTH_TOKEN=before + SECRET)
    said = problem()
    assert said.startswith("CONVOSO_AUTH_TOKEN begins with ")
    assert before.strip() in said


# --- the way out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "http_proxy"])
@pytest.mark.parametrize(
    ("proxy", "says"),
    [
        ("socks5://user:hush-hush@127.0.0.1:1080", "lead-mcp[socks]"),
        ("socks5h://127.0.0.1:1080", "lead-mcp[socks]"),
        ("ftp://hush-hush", "no proxy that can be used"),
        ("http://[bad", "no proxy that can be used"),
        ("http://host:port", "no proxy that can be used"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(variable: str, proxy: str, says: str, put: Set) -> None:
    if "socks" in proxy and find_spec("socksio"):
        pytest.skip("SOCKS works here")
    put(**{variable: proxy})
    assert load().accounts == {}, "without an account nobody needs it"
    put(OCTANIST_API_KEY=SECRET, OCTANIST_BASE_URL="http://127.0.0.1:1/api")
    assert load().accounts, "nobody needs it on this machine either"
    put(OCTANIST_BASE_URL="")
    said = problem()
    assert said.startswith(f"{variable} ")
    assert says in said
    assert "hush" not in said


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:3128", "127.0.0.1:3128", "https://user:word@proxy.example:8443"])
def test_a_proxy_that_can_be_used_is_none_of_our_business(proxy: str, put: Set) -> None:
    put(OCTANIST_API_KEY=SECRET, HTTPS_PROXY=proxy)
    assert load().accounts


def test_certificates_that_cannot_be_read_are_named(put: Set, tmp_path: Path) -> None:
    put(OCTANIST_API_KEY=SECRET, SSL_CERT_FILE=str(tmp_path / "none.pem"))
    assert problem().startswith(f"SSL_CERT_FILE: {tmp_path / 'none.pem'} cannot be read (No such file or directory)")
    (tmp_path / "text.pem").write_text("no certificate")
    put(SSL_CERT_FILE=str(tmp_path / "text.pem"))
    assert "holds no certificate" in problem()
    put(SSL_CERT_FILE="", SSL_CERT_DIR=str(tmp_path / "none"))
    assert problem().startswith("SSL_CERT_DIR: ")


# --- the machine's zone -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "says"),
    [
        ("America/New_York", "America/New_York"),
        (":Europe/Berlin", "Europe/Berlin"),
        ("EST5EDT", "EST5EDT"),
        ("UTC0", "UTC"),
        ("", "UTC"),
        ("Etc/UTC", "UTC"),
        ("Zulu", "UTC"),
        ("Mars/Olympus", "TZ: 'Mars/Olympus' is no time zone"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "TZ: 'CET-1CEST,M3.5.0,M10.5.0/3' has no name"),
        ("XYZ+7", "TZ: 'XYZ+7' has no name"),
    ],
)
def test_the_machines_zone_has_a_name_or_is_named_as_wrong(zone: str, says: str) -> None:
    """A process of its own: the zone is read once."""
    code = (
        "from lead_mcp.settings import load, SettingsError\n"
        "try: print(load().server.timezone)\nexcept SettingsError as error: print(error)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=True
    )
    assert ended.stdout.startswith(says), ended
    assert says == ended.stdout.strip() or "LEAD_MCP_TIMEZONE" in ended.stdout


def test_an_unknown_name_of_ours_is_an_error_with_the_nearest(put: Set) -> None:
    put(LEAD_MCP_WRITE="off")
    assert problem() == "LEAD_MCP_WRITE is no setting of lead-mcp. Did you mean 'LEAD_MCP_WRITES'?"


# --- the file -----------------------------------------------------------------------------------------------------

TWO = """
[server]
writes = "off"
deadline = 12
http_token = "env:WEB_TOKEN"

[accounts.north]
vendor = "octanist"
api_key = "env:NORTH_KEY"

[accounts.dialer-2]
vendor = "convoso"
auth_token = "literal-token"
base_url = "https://example.com/v1"
recording_hosts = ["a.example.com", "b.example.com"]
rate = "5/1s"

[accounts.dialer-2.fields]
email = "Email"

[accounts.dialer-2.stages]
SALE = "won"
"Straße" = "open"
"""


def test_a_file_configures_several_accounts(put: Set, file: Write) -> None:
    put(NORTH_KEY=SECRET, WEB_TOKEN=SECRET, OCTANIST_API_KEY="other-key")
    found = load(file(TWO))
    assert sorted(found.accounts) == ["dialer-2", "north", "octanist"]
    north, dialer = found.accounts["north"], found.accounts["dialer-2"]
    assert (clear(north), clear(dialer)) == ({"api_key": SECRET}, {"auth_token": "literal-token"})
    assert dialer.account.options == {
        "base_url": "https://example.com/v1",
        "timezone": "America/Los_Angeles",
        "recording_hosts": "a.example.com,b.example.com",
        "rate": "5/1s",
    }
    assert (dialer.rate, dialer.account.names) == (Rate(5, 1), {"email": "Email"})
    assert {"sale": "won", "strasse": "open"}.items() <= dialer.account.stages.items()
    assert (found.server.writes, found.server.deadline) == ("off", 12)
    assert found.server.http_token is not None
    assert found.server.http_token.get_secret_value() == SECRET
    assert found.warnings == ()


def test_the_environment_names_the_file_and_home_is_understood(put: Set, file: Write, tmp_path: Path) -> None:
    path = file('[accounts.acme]\nvendor = "octanist"\napi_key = "abcd"')
    put(LEAD_MCP_CONFIG=str(path))
    assert list(load().accounts) == ["acme"]
    put(HOME=str(tmp_path), LEAD_MCP_CONFIG="~/lead-mcp.toml")
    assert list(load().accounts) == ["acme"]


def test_the_environment_wins_over_the_file(put: Set, file: Write) -> None:
    put(LEAD_MCP_WRITES="allow", OCTANIST_API_KEY=SECRET)
    found = load(
        file(
            '[server]\nwrites = "off"\npii = "masked"\n[accounts.octanist]\nvendor = "octanist"\napi_key = "from-file"\n'
            'base_url = "https://example.com"\n[accounts.octanist.stages]\nopen = "won"'
        )
    )
    assert (found.server.writes, found.server.pii) == ("allow", "masked")
    octanist = found.accounts["octanist"]
    assert (clear(octanist), octanist.account.option("base_url")) == ({"api_key": SECRET}, "https://example.com")
    assert octanist.account.stages["open"] == "won"


def test_a_variable_the_file_refers_to_makes_no_second_account(put: Set, file: Write) -> None:
    put(OCTANIST_API_KEY=SECRET, CONVOSO_MAIN_TOKEN=SECRET)
    found = load(
        file(
            '[accounts.north]\nvendor = "octanist"\napi_key = "env:OCTANIST_API_KEY"\n'
            '[accounts.main]\nvendor = "convoso"\nauth_token = "env:CONVOSO_MAIN_TOKEN"'
        )
    )
    assert (sorted(found.accounts), found.warnings) == (["main", "north"], ())


OCTANIST = '[accounts.acme]\nvendor = "octanist"\napi_key = "abcd"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[acounts.acme]\nvendor = 1", "[acounts]: no such table. Did you mean 'accounts'?"),
        ("accounts = 5", "[accounts] in the configuration file must be a table"),
        ("[[accounts]]\nvendor = 'octanist'", "[accounts] in the configuration file must be a table"),
        ("server = 5", "[server] in the configuration file must be a table"),
        (
            "[octanist]\napi_key = 'x'",
            "[octanist]: no such table. An account is [accounts.octanist].",
        ),
        ("[server]\nLEAD_MCP_WRITES = 'off'", "server.LEAD_MCP_WRITES: no such setting. Did you mean 'writes'?"),
        (
            OCTANIST + "OCTANIST_API_KEY = 'x'",
            "[accounts.acme] OCTANIST_API_KEY: no such setting of octanist. Did you mean 'api_key'?",
        ),
        ("[server]\nwrite = 'off'", "server.write: no such setting. Did you mean 'writes'?"),
        ("[server]\nwrites = false", "server.writes: "),
        ("[server]\ntimezone = 'Mars'", "server.timezone"),
        ("[server]\nhttp_origins = ['app']", "server.http_origins: 'app' is no origin"),
        ("[server]\nhttp_token = 'env:NOWHERE'", "[server] http_token = 'env:NOWHERE': the environment has no NOWHERE"),
        ("[accounts.acme]\napi_key = 'x'", '[accounts.acme] needs vendor = "..." (one of leadexec, convoso'),
        ("[accounts.acme]\nvendor = ['octanist']", "[accounts.acme] needs vendor"),
        ("[accounts]\nacme = 'octanist'", "[accounts.acme] needs vendor"),
        ("[accounts.acme]\nvendor = 'octanst'", "Did you mean 'octanist'?"),
        ("[accounts.Acme]\nvendor = 'octanist'", "[accounts.Acme]: an account's name is lower-case"),
        ("[accounts.-a]\nvendor = 'octanist'", "[accounts.-a]: an account's name is lower-case"),
        ("[accounts.'a b']\nvendor = 'octanist'", "[accounts.a b]: an account's name is lower-case"),
        ("[accounts.convoso]\nvendor = 'octanist'", "[accounts.convoso]: that is the name of another vendor"),
        (OCTANIST + "apikey = 'x'", "[accounts.acme] apikey: no such setting of octanist. Did you mean 'api_key'?"),
        (OCTANIST + "auth_token = 'x'", "[accounts.acme] auth_token: no such setting of octanist."),
        (OCTANIST + "base_url = 'http://example.com'", "[accounts.acme] base_url must start with https://"),
        (OCTANIST + "base_url = true", "[accounts.acme] base_url must be a text"),
        (OCTANIST + "rate = 1.5", "[accounts.acme] rate must be a text"),
        (OCTANIST + "rate = '3'", "[accounts.acme] rate must be CALLS/SECONDSs"),
        (OCTANIST + "fields = 5", "[accounts.acme.fields] must be a table of texts"),
        (OCTANIST + "[accounts.acme.fields]\nemial = 'E'", "[accounts.acme.fields] emial: no field of ours. Did you mean"),
        (OCTANIST + "[accounts.acme.fields]\nemail = 5", "[accounts.acme.fields] must be a table of texts"),
        (OCTANIST + "[accounts.acme.stages]\nSALE = 'sold'", "[accounts.acme.stages] SALE: 'sold' is none of open, qualified"),
        ("[accounts.acme]\nvendor = 'octanist'", "[accounts.acme] api_key must be set for Octanist"),
        ("[accounts.acme]\nvendor = 'octanist'\napi_key = ' '", "[accounts.acme] api_key must be set for Octanist"),
        ("[accounts.acme]\nvendor = 'octanist'\napi_key = 'env:NOWHERE'", "the environment has no NOWHERE"),
        ("[accounts.acme]\nvendor = 'leadsquared'\naccess_key = 'abcd'", "[accounts.acme] secret_key must be set beside"),
        ("[accounts.acme\n", "the configuration file is not TOML"),
        ("[server]\nwrites = 'off'\nwrites = 'off'", "the configuration file is not TOML"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_wrong_file_is_an_error_that_names_place_and_fix(text: str, says: str, mode: int, file: Write) -> None:
    path = file(text)
    path.chmod(mode)
    assert says in problem(path)


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    """Windows' editors begin a file with one."""
    (tmp_path / "bom.toml").write_bytes(b"\xef\xbb\xbf[server]\r\nwrites = 'off'\r\n")
    assert load(tmp_path / "bom.toml").server.writes == "off"
    (tmp_path / "wide.toml").write_text("[server]", encoding="utf-16")
    assert "not in UTF-8" in problem(tmp_path / "wide.toml")


def test_a_missing_key_says_where_to_find_it(put: Set) -> None:
    put(LEADSQUARED_ACCESS_KEY=SECRET)
    assert problem().endswith("for LeadSquared (secret_key: the other half of the pair).")


def test_a_file_that_cannot_be_read_is_an_error_that_says_why(tmp_path: Path, put: Set) -> None:
    assert problem(tmp_path / "none.toml").endswith("cannot be read (No such file or directory).")
    assert "cannot be read (Is a directory)" in problem(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
    assert "is not TOML" in problem(tmp_path / "latin.toml")
    put(LEAD_MCP_CONFIG=str(tmp_path / "gone.toml"))
    assert "gone.toml" in problem()


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
@pytest.mark.parametrize(
    ("text", "mode", "places"),
    [
        (OCTANIST, 0o600, []),
        (OCTANIST, 0o640, ["[accounts.acme] api_key"]),
        (OCTANIST, 0o604, ["[accounts.acme] api_key"]),
        ("[server]\nhttp_token = 'abcd'\n" + OCTANIST, 0o644, ["[accounts.acme] api_key", "[server] http_token"]),
        ("[accounts.acme]\nvendor = 'octanist'\napi_key = 'env:SOME_KEY'", 0o644, []),
        ("[server]\nwrites = 'off'", 0o644, []),
    ],
)
def test_a_file_others_can_read_earns_a_warning_if_it_holds_a_secret(
    text: str, mode: int, places: list[str], file: Write, put: Set
) -> None:
    put(SOME_KEY=SECRET)
    path = file(text)
    path.chmod(mode)
    expected = f"Others can read {path}, which holds {', '.join(places)}: chmod 600 it, or use env:NAME."
    assert load(path).warnings == ((expected,) if places else ())


# --- secrets ------------------------------------------------------------------------------------------------------


def test_no_secret_is_in_any_text_of_the_settings(put: Set) -> None:
    for variables in WHOLE.values():
        put(**variables)
    put(LEADEXEC_API_KEY=SECRET, LEAD_MCP_HTTP_TOKEN=SECRET, LEAD_MCP_JOURNAL_URL=f"sqlite:///{SECRET}")
    found = load()
    assert len(found.accounts) == len(vendors.NAMES)
    texts = [str(part) + repr(part) for part in (found, found.server, found.server.model_dump(), *every_part(found))]
    assert not any(SECRET in text or SECRET[:9] in text for text in texts)


def every_part(found: Settings) -> list[object]:
    parts = [(one, one.account, one.account.options, one.secrets, one.rate) for one in found.accounts.values()]
    return [*sum(parts, ()), found.server.model_dump_json()]


def test_the_sandbox_takes_the_machines_server_settings_and_nobodys_credentials(put: Set) -> None:
    put(OCTANIST_API_KEY=SECRET, LEAD_MCP_WRITES="allow", LEAD_MCP_DEADLINE="", LEAD_MCP_WRITEZ="")
    found = load_for_sandbox({"CONVOSO_AUTH_TOKEN": "sandbox", "CONVOSO_BASE_URL": "http://127.0.0.1:8700"})
    assert (list(found.accounts), found.server.writes) == (["convoso"], "allow")
    put(LEAD_MCP_WRITEZ="off")
    with pytest.raises(SettingsError, match="LEAD_MCP_WRITEZ"):
        load_for_sandbox({})


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().server.writes = "allow"
