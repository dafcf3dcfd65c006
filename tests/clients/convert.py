"""Run by the clients' own Python: what is left of each input schema after each client's conversion for a provider.

Reads ``{tool: schema}`` on stdin; prints ``{conversion: {tool: problem}}``, a problem being the arguments that got lost or
what was raised. It imports nothing of ours.
"""

import json
import sys


def openai_by_pydantic_ai(name, schema):
    from pydantic_ai.profiles.openai import OpenAIJsonSchemaTransformer

    return OpenAIJsonSchemaTransformer(schema, strict=True).walk()


def gemini_by_pydantic_ai(name, schema):
    from pydantic_ai.profiles.google import GoogleJsonSchemaTransformer

    return GoogleJsonSchemaTransformer(schema, strict=None).walk()


def openai_by_openai_agents(name, schema):
    from agents.strict_schema import ensure_strict_json_schema

    return ensure_strict_json_schema(schema)


def openai_by_langchain(name, schema):
    from langchain_core.utils.function_calling import convert_to_openai_tool

    found = convert_to_openai_tool({"title": name, "description": name, **schema}, strict=True)
    return found["function"]["parameters"]


def gemini_by_langchain(name, schema):
    from langchain_google_genai._function_utils import convert_to_genai_function_declarations

    found = convert_to_genai_function_declarations([{"name": name, "description": name, "parameters": schema}])
    tool = found if hasattr(found, "function_declarations") else found[0]
    return tool.function_declarations[0].parameters.model_dump(exclude_none=True, mode="json")


def anthropic_by_langchain(name, schema):
    from langchain_anthropic.chat_models import convert_to_anthropic_tool

    return convert_to_anthropic_tool({"name": name, "description": name, "input_schema": schema})["input_schema"]


def gemini_by_google_genai(name, schema):
    from google.genai import _mcp_utils
    from mcp import types

    tool = _mcp_utils.mcp_to_gemini_tool(types.Tool(name=name, description=name, inputSchema=schema))
    found = tool.function_declarations[0]
    parameters = found.parameters
    return parameters.model_dump(exclude_none=True, mode="json") if parameters else found.parameters_json_schema


CONVERSIONS = (
    openai_by_pydantic_ai,
    gemini_by_pydantic_ai,
    openai_by_openai_agents,
    openai_by_langchain,
    gemini_by_langchain,
    anthropic_by_langchain,
    gemini_by_google_genai,
)


def arguments(schema, path=()):
    """Every property and every list's item of a schema, by its path."""
    found = set()
    if isinstance(schema, dict):
        for name, inner in (schema.get("properties") or {}).items():
            found |= {(*path, name)} | arguments(inner, (*path, name))
        if schema.get("items"):
            found |= arguments(schema["items"], (*path, "[]"))
    return found


def problem(convert, name, schema):
    try:
        found = convert(name, json.loads(json.dumps(schema)))
    except Exception as error:  # noqa: BLE001 - whatever a client raises is what we want to know
        return f"{type(error).__name__}: {error}"[:300]
    lost = arguments(schema) - arguments(found)
    return "lost " + ", ".join(sorted(".".join(path) for path in lost)) if lost else None


def main():
    schemas = json.load(sys.stdin)
    found = {
        convert.__name__: {name: wrong for name, schema in schemas.items() if (wrong := problem(convert, name, schema))}
        for convert in CONVERSIONS
    }
    json.dump(found, sys.stdout)


main()
