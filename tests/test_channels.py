"""What the program is handed out as: the registry's entry, the bundle's manifest and files."""

from __future__ import annotations

import json
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


def test_the_registrys_entry_is_as_its_schema_wants_it() -> None:
    jsonschema.validate(json.loads((ROOT / "server.json").read_text("utf-8")), REGISTRY)


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
