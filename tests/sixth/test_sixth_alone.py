"""The folder alone is the vendor: nothing of lead-mcp names it, it imports what vendors share, and its registration ends."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from lead_mcp import capabilities, settings, vendors
from lead_mcp.errors import SettingsError
from tests.facts import INVENTED
from tests.sixth import VENDOR

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent.parent
ADAPTER: Final = [path for path in HERE.glob("*.py") if not path.name.startswith("test_") and path.stem != "facts"]
EMULATOR: Final = list((HERE / "emulator").glob("*.py"))
SHARED: Final = tuple(f"lead_mcp.{name}" for name in ("errors", "dates", "filters", "phones", "vendors.spec."))
HELPERS: Final = ("lead_mcp.vendors.replies", "lead_mcp.vendors.dated_events")


def imported(path: Path) -> Iterator[str]:
    for one in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(one, ast.ImportFrom):
            yield one.module or ""
        elif isinstance(one, ast.Import):
            yield from (alias.name for alias in one.names)


def test_nothing_of_lead_mcp_names_it() -> None:
    """And of the generic suites nothing but the table of invented vendors."""
    code = [path for path in (ROOT / "lead_mcp").rglob("*.py") if "sixth" in path.read_text("utf-8").casefold()]
    suites = [path for path in (ROOT / "tests" / "contract").glob("*.py") if "sixth" in path.read_text("utf-8")]
    assert code == suites == []


@pytest.mark.parametrize("path", ADAPTER, ids=lambda path: path.name)
def test_the_adapter_knows_itself_and_what_vendors_share(path: Path) -> None:
    ours = {name for name in imported(path) if name.startswith(("lead_mcp", "tests"))}
    strange = {name for name in ours if not name.startswith((*SHARED, *HELPERS, "tests.sixth"))}
    assert strange == set()
    assert not any(name.startswith("tests.sixth.emulator") for name in ours)
    assert not {"httpx2", "anyio", "starlette"} & {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", EMULATOR, ids=lambda path: path.name)
def test_the_emulator_knows_nothing_of_the_adapter(path: Path) -> None:
    ours = {name for name in imported(path) if name.startswith(("lead_mcp", "tests"))}
    assert {name for name in ours if not name.startswith(("lead_mcp.sandbox.", "tests.sixth.emulator"))} == set()


# --- the registry ---------------------------------------------------------------------------------------------------


def test_it_is_registered_for_as_long_as_the_block_runs() -> None:
    assert "sixth" not in vendors.names()
    with vendors.registered("tests.sixth") as found:
        assert vendors.names() == (*vendors.NAMES, "sixth")
        assert vendors.vendor("sixth") is vendors.every()["sixth"] is found
        assert vendors.emulators()["sixth"].__name__ == "tests.sixth.emulator"
        with vendors.registered("tests.sixth"):
            assert vendors.names() == (*vendors.NAMES, "sixth")
        assert "sixth" in vendors.names()
    assert vendors.names() == vendors.NAMES
    with pytest.raises(KeyError):
        vendors.vendor("sixth")


def test_registrations_may_end_in_any_order() -> None:
    one, other = vendors.registered("tests.sixth"), vendors.registered("tests.sixth")
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert "sixth" in vendors.names()
    other.__exit__(None, None, None)
    assert vendors.names() == vendors.NAMES


def test_a_name_is_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    impostor = ModuleType("impostor")
    impostor.VENDOR = replace(VENDOR, name=vendors.NAMES[0])  # type: ignore[attr-defined]  # a module takes any name
    monkeypatch.setitem(sys.modules, "impostor", impostor)
    with pytest.raises(ValueError, match="already"), vendors.registered("impostor"):
        pytest.fail("two vendors of one name")
    assert vendors.names() == vendors.NAMES


def test_its_settings_are_known_while_it_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIXTH_TOKEN", "a-token-of-nobody")
    assert "sixth" not in settings.load().accounts
    with vendors.registered("tests.sixth"):
        found = settings.load().accounts["sixth"]
        assert found.account.option("base_url") == "https://api.sixth.example/v3"
        monkeypatch.setenv("SIXTH_TOKEM", "x")
        with pytest.raises(SettingsError, match="SIXTH_TOKEN"):
            settings.load()


def test_the_table_of_capabilities_has_a_column_for_it() -> None:
    with vendors.registered("tests.sixth"):
        head, _, *rows = capabilities.table().splitlines()
    assert head.endswith("| Sixth |")
    said = {row.split("|")[1].strip(): row.split("|")[-2].strip() for row in rows}
    assert said["sorts by itself"] == "created_at, updated_at"
    assert said["find one person"] == "asked by e-mail and phone"


def test_every_invented_vendor_is_a_package_of_its_own() -> None:
    assert all(package.startswith("tests.") for package in INVENTED.values())
