"""Official clients turn our input schemas into the forms that model providers take: every argument survives that."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from lead_mcp.tools.catalogue import LISTED, listed
from tests.clients.environments import python_with

pytestmark = pytest.mark.clients

HERE: Final = Path(__file__).parent
PATIENCE: Final = 300
CONVERSIONS: Final = (
    "openai_by_pydantic_ai",
    "gemini_by_pydantic_ai",
    "openai_by_openai_agents",
    "openai_by_langchain",
    "gemini_by_langchain",
    "anthropic_by_langchain",
    "gemini_by_google_genai",
)


@pytest.fixture(scope="module")
def converted() -> dict[str, dict[str, str]]:
    """What each conversion lost or raised, by tool."""
    schemas: dict[str, Any] = {tool.name: tool.input_schema for tool in (listed(one.make()) for one in LISTED)}
    done = subprocess.run(
        [python_with("requirements.txt"), str(HERE / "convert.py")],
        input=json.dumps(schemas),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_every_argument_survives(converted: dict[str, dict[str, str]], conversion: str) -> None:
    assert converted[conversion] == {}


def test_every_conversion_was_tried(converted: dict[str, dict[str, str]]) -> None:
    assert set(converted) == set(CONVERSIONS)
