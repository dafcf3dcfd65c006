"""What the program is handed out as: the registry's entry, the bundle's manifest and files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import jsonschema  # type: ignore[import-untyped]
import pytest

from channels import bundle
from lead_mcp import settings

ROOT: Final = Path(__file__).parent.parent
TEXT: Final = {"type": "string", "minLength": 1}
INPUT: Final = {
    "description": TEXT,
    "default": {"type": "string"},
    "choices": {"type": "array", "items": TEXT},
    "format": {"enum": ["string", "number", "boolean", "filepath"]},
    "isRequired": {"type": "boolean"},
    "isSecret": {"type": "boolean"},
    "name": TEXT,
}


def record(required: list[str], **properties: Any) -> dict[str, Any]:
    """An object of these properties alone: what the schemas allow and we do not use is left out."""
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


ARGUMENT: Final = record(["type", "value"], type={"const": "positional"}, value=TEXT)
PACKAGE: Final = record(
    ["registryType", "identifier", "version", "transport"],
    registryType={"const": "pypi"},
    identifier=TEXT,
    version={"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
    transport=record(["type"], type={"const": "stdio"}),
    packageArguments={"type": "array", "items": ARGUMENT},
    environmentVariables={"type": "array", "items": record(["name"], **INPUT)},
)
REGISTRY: Final = record(
    ["$schema", "name", "description", "version"],
    **{"$schema": {"const": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"}},
    name={"type": "string", "pattern": r"^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$", "maxLength": 200},
    title={**TEXT, "maxLength": 100},
    description={**TEXT, "maxLength": 100},
    version={"type": "string", "pattern": r"^\d+\.\d+\.\d+", "maxLength": 255},
    packages={"type": "array", "items": PACKAGE},
)
"""What the registry's schema of 2025-12-11 says of the parts that we use."""
PUBLISHED: Final = os.environ.get("MCP_SERVER_SCHEMA", "")
"""Where the registry's own schema lies, for whoever has it: it is other people's text, and not in this tree."""
Change = Callable[[dict[str, Any]], object]


def entry() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "server.json").read_text("utf-8"))
    return found


def package(found: dict[str, Any]) -> dict[str, Any]:
    one: dict[str, Any] = found["packages"][0]
    return one


def schemas() -> list[Any]:
    """Ours, and the registry's own where there is one."""
    own = [pytest.param(REGISTRY, id="ours")]
    if PUBLISHED:
        own.append(pytest.param(json.loads(Path(PUBLISHED).read_text("utf-8")), id="published"))
    return own


@pytest.mark.parametrize("schema", schemas())
def test_the_registrys_entry_is_as_its_schema_wants_it(schema: dict[str, Any]) -> None:
    jsonschema.validate(entry(), schema)
    assert schema is REGISTRY or schema["$id"] == entry()["$schema"]


WRONG: Final[dict[str, Change]] = {
    "a name without a namespace": lambda found: found.update(name="lead-mcp"),
    "a name of three parts": lambda found: found.update(name="io.github/lead-mcp/lead-mcp"),
    "a long description": lambda found: found.update(description="x" * 101),
    "no description": lambda found: found.pop("description"),
    "an empty title": lambda found: found.update(title=""),
    "no version": lambda found: found.pop("version"),
    "a package without a name": lambda found: package(found).pop("identifier"),
    "a package of whatever is the latest": lambda found: package(found).update(version="latest"),
    "a package that says not how it talks": lambda found: package(found).pop("transport"),
    "a transport that there is not": lambda found: package(found).update(transport={"type": "http"}),
    "an argument without a value": lambda found: package(found)["packageArguments"][0].pop("value"),
    "a variable without a name": lambda found: package(found)["environmentVariables"][0].pop("name"),
    "a format that there is not": lambda found: package(found)["environmentVariables"][0].update(format="path"),
    "a default that is no text": lambda found: package(found)["environmentVariables"][0].update(default=3),
    "a secret that is a word": lambda found: package(found)["environmentVariables"][0].update(isSecret="yes"),
}


@pytest.mark.parametrize("schema", schemas())
@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_the_registry_refuses_is_refused_here(change: Change, schema: dict[str, Any]) -> None:
    found = entry()
    change(found)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, schema)


def test_the_bundle_has_the_package_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    first, second = bundle.make(tmp_path / "a"), bundle.make(tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    with ZipFile(first) as file:
        names = set(file.namelist())
        manifest = json.loads(file.read("manifest.json"))
    assert {"pyproject.toml", "README.md", "LICENSE", "lead_mcp/py.typed", manifest["server"]["entry_point"]} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_the_bundles_form_asks_for_what_the_server_reads() -> None:
    made = bundle.manifest()
    form, env = made["user_config"], made["server"]["mcp_config"]["env"]
    assert {f"${{user_config.{key}}}" for key in form} == set(env.values())
    assert form["octanist_api_key"]["sensitive"] is True
    assert form["octanist_api_key"]["title"] == "Octanist: api key"
    assert form["lead_mcp_config"]["type"] == "file"
    assert form["lead_mcp_export_dir"]["type"] == "directory"
    assert not any(field["required"] for field in form.values())
    assert not any(field["sensitive"] and "default" in field for field in form.values())


def test_what_a_person_leaves_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client hands on an empty text, or the form's default, for what nobody filled in."""
    made = bundle.manifest()
    for name, place in made["server"]["mcp_config"]["env"].items():
        key = place.removeprefix("${user_config.").removesuffix("}")
        monkeypatch.setenv(name, str(made["user_config"][key].get("default", "")))
    assert settings.load().accounts == {}
    monkeypatch.setenv("OCTANIST_API_KEY", "k" * 20)
    assert list(settings.load().accounts) == ["octanist"]
