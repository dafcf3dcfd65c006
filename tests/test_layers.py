"""Who may know whom, held by reading every import: lower layers never import higher ones, vendors stay pure and apart."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

from lead_mcp import vendors

ROOT: Final = Path(__file__).parent.parent
PACKAGE: Final = ROOT / "lead_mcp"
LAYERS: Final = (
    ("errors",),
    ("characters", "dates", "periods", "phones", "hosts", "metrics", "recent", "state_dir"),
    ("filters", "uris"),
    ("vendors",),
    ("settings", "capabilities", "identity", "clients"),
    ("transport", "journal"),
    ("engine",),
    ("writing",),
    ("sql",),
    ("mirror",),
    ("outgoing",),
    ("exports",),
    ("runtime",),
    ("view",),
    ("tools",),
    ("server",),
    ("approvals",),
    ("serving",),
    ("cli", "__main__"),
)
"""Lowest first. ``sandbox`` stands apart."""
NETWORK: Final = frozenset(
    "httpx2 httpcore2 httpx requests aiohttp anyio asyncio socket ssl http urllib.request starlette uvicorn mcp".split()
)
SLEEPERS: Final = {
    "transport": "waiting is its job",
    "sandbox": "an emulator plays a slow vendor",
    "serving": "the server waits for its own listener to start and end",
    "cli": "a command tries again now and then, or waits for the server that it has started",
    "writing/claim.py": "another call with the same key is waited for",
    "mirror/lake": "another replica's lease is waited for, or another process that copies records",
    "writing/leases.py": "a lease is renewed now and then",
    "writing/settle.py": "a lead that a vendor has only taken is looked for until it is there",
}
GAPS: Final[dict[str, str]] = {}
READERS_OF_THE_ENVIRONMENT: Final = {
    "settings": "its job",
    "clients/machine.py": "where the clients' folders are",
    "cli/demo.py": "hands it on to the server process that it starts, and reads nothing from it",
}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    """``engine/search.py`` as ``lead_mcp.engine.search``; a package's own file as the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES: Final = sorted(PACKAGE.rglob("*.py"))
MODULES: Final = {name_of(path): path for path in FILES}
ADAPTERS: Final = [path for name in vendors.NAMES for path in (PACKAGE / "vendors" / name).glob("*.py")]
SHARED: Final = [
    *(path for path in (PACKAGE / "vendors").glob("*.py") if path.stem != "__init__"),
    *(PACKAGE / "vendors" / "spec").glob("*.py"),
]
EMULATORS: Final = sorted((PACKAGE / "vendors").glob("*/emulator/*.py"))


@cache
def imported(path: Path) -> frozenset[str]:
    """Every module the file imports, inside functions too; ``from a import b`` as ``a.b`` where that is a module."""
    found = set[str]()
    for one in ast.walk(tree(path)):
        if isinstance(one, ast.Import):
            found |= {alias.name for alias in one.names}
        elif isinstance(one, ast.ImportFrom):
            parents = path.relative_to(ROOT).parts[: -one.level] if one.level else ()
            module = ".".join([*parents, *filter(None, [one.module])])
            names = {f"{module}.{alias.name}" for alias in one.names}
            found |= (names & MODULES.keys()) | ({module} if names - MODULES.keys() else set())
    return frozenset(found)


def ours(path: Path) -> set[str]:
    return {name for name in imported(path) if name.split(".")[0] == "lead_mcp"}


def layer(module: str) -> int | None:
    """How high a module of ours stands; None for the package itself and for what stands apart."""
    part = module.split(".")[1] if "." in module else ""
    return next((height for height, names in enumerate(LAYERS) if part in names), None)


def shown(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def every(paths: list[Path], gaps: Mapping[str, str] = MappingProxyType({})) -> pytest.MarkDecorator:
    """The test for every path; where a known gap is, it fails until somebody closes it."""
    marks = {place: pytest.mark.xfail(strict=True, reason=reason) for place, reason in gaps.items()}
    params = [pytest.param(path, id=shown(path), marks=marks.get(shown(path), ())) for path in paths]
    return pytest.mark.parametrize("path", params)


def test_every_module_stands_in_a_layer() -> None:
    apart = {name for name in MODULES if layer(name) is None}
    assert {name.split(".")[1] for name in apart if "." in name} == {"sandbox"}
    assert len(ADAPTERS) >= 3 * len(vendors.NAMES)
    assert len(EMULATORS) >= len(vendors.NAMES)


@every([path for path in FILES if layer(name_of(path)) is not None and path not in EMULATORS])
def test_a_module_imports_nothing_from_above_it(path: Path) -> None:
    height = layer(name_of(path))
    assert height is not None
    above = {name for name in ours(path) if (layer(name) or 0) > height}
    assert above == set()
    apart = {name for name in ours(path) if name.startswith("lead_mcp.sandbox")}
    assert apart == set() or shown(path).startswith("cli/")


@every(ADAPTERS)
def test_an_adapter_knows_itself_and_what_vendors_share(path: Path) -> None:
    own = name_of(path.parent / "__init__.py")
    shared = {"lead_mcp.errors", "lead_mcp.dates", "lead_mcp.filters", "lead_mcp.phones", *map(name_of, SHARED)}
    strangers = {name for name in ours(path) if name not in shared and name != own and not name.startswith(f"{own}.")}
    assert strangers == set()
    assert {name for name in ours(path) if ".sandbox" in name} == set()


@every([*ADAPTERS, *SHARED])
def test_an_adapter_has_no_network(path: Path) -> None:
    names = imported(path)
    assert {name for name in names if name in NETWORK or name.split(".")[0] in NETWORK} == set()


@every(EMULATORS)
def test_an_emulator_knows_nothing_of_the_adapter_it_tests(path: Path) -> None:
    siblings = name_of(path.parent / "__init__.py")
    assert {name for name in ours(path) if not name.startswith(("lead_mcp.sandbox.", siblings))} == set()


@every(sorted((PACKAGE / "sandbox").glob("*.py")))
def test_the_sandbox_knows_nothing_of_the_server(path: Path) -> None:
    assert {name for name in ours(path) if not name.startswith("lead_mcp.sandbox")} == set()


@every([path for path in FILES if not {*path.relative_to(PACKAGE).parts[:-1]} & {*vendors.NAMES}])
def test_a_single_vendors_code_is_reached_through_the_registry_alone(path: Path) -> None:
    assert {
        name for name in ours(path) if name.startswith(tuple(f"lead_mcp.vendors.{name}" for name in vendors.NAMES))
    } == set()


def words(node: ast.Module) -> Iterator[str]:
    """Every name and every text of the code; docstrings and comments may give a vendor as an example."""
    for one in ast.walk(node):
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
            one.value.value = ""
        yield from (value for _, value in ast.iter_fields(one) if isinstance(value, str))


@every(
    list(
        chain(
            *[
                (PACKAGE / part).rglob("*.py")
                for part in ("engine", "transport", "outgoing", "journal", "writing", "sql", "mirror")
            ]
        )
    ),
    GAPS,
)
def test_the_engine_names_no_vendor(path: Path) -> None:
    named = {
        name for word in words(ast.parse(path.read_text("utf-8"))) for name in vendors.NAMES if name in word.casefold()
    }
    assert named == set()


def calls(path: Path) -> Iterator[str]:
    """Dotted names that are called: ``anyio.sleep``, ``httpx2.AsyncClient``."""
    return (ast.unparse(one.func) for one in ast.walk(tree(path)) if isinstance(one, ast.Call))


def excused(path: Path, excuses: dict[str, str]) -> bool:
    return any(shown(path) == place or shown(path).startswith(f"{place}/") for place in excuses)


@every([path for path in FILES if not excused(path, SLEEPERS)])
def test_nobody_but_the_transport_sleeps_or_retries(path: Path) -> None:
    assert {
        name for name in calls(path) if name.rpartition(".")[2] in ("sleep", "sleep_until", "sleep_forever")
    } == set()
    assert {name.split(".")[0] for name in imported(path)} & {"stamina", "tenacity"} == set()


@every([path for path in FILES if shown(path) != "runtime/networks.py" and not shown(path).startswith("transport/")])
def test_nobody_but_the_transport_and_the_runtime_opens_an_http_client(path: Path) -> None:
    opening = ("httpx2.AsyncClient", "httpx2.Client", "httpx2.get", "httpx2.post", "httpx2.request", "httpx2.stream")
    assert {name for name in calls(path) if name.endswith(opening)} == set()
    assert "httpx2" not in {one.module for one in ast.walk(tree(path)) if isinstance(one, ast.ImportFrom)}


@every([path for path in FILES if not excused(path, READERS_OF_THE_ENVIRONMENT)])
def test_nobody_but_the_settings_reads_the_environment(path: Path) -> None:
    read = {ast.unparse(one) for one in ast.walk(tree(path)) if isinstance(one, ast.Attribute | ast.Name)}
    assert {name for name in read if name.endswith(("environ", "environb", "getenv"))} == set()


def test_every_excuse_is_still_needed() -> None:
    sleeping = [path for path in FILES if any(name.endswith(".sleep") for name in calls(path))]
    retrying = [path for path in FILES if imported(path) & {"stamina"}]
    assert all(any(excused(path, {place: why}) for path in sleeping + retrying) for place, why in SLEEPERS.items())
    reading = [path for path in FILES if "os.environ" in path.read_text("utf-8")]
    assert all(
        any(excused(path, {place: why}) for path in reading) for place, why in READERS_OF_THE_ENVIRONMENT.items()
    )


def test_whatever_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [lines for name, lines in project["optional-dependencies"].items() if name != "dev"]
    declared = {bare(line) for line in chain(project["dependencies"], *extras)}
    used = {name.split(".")[0] for path in FILES for name in imported(path)} - sys.stdlib_module_names - {"lead_mcp"}
    known = packages_distributions()
    assert {name for name in used if not declared & {bare(one) for one in known.get(name, [name])}} == set()


def bare(requirement: str) -> str:
    """``pydantic-settings>=2.10,<3`` as ``pydantic-settings``."""
    name = "".join(c if c.isalnum() or c in "-_." else " " for c in requirement).split()[0]
    return name.replace("_", "-").lower()
