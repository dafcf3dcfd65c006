"""What every tool's arguments share: nothing unknown, nothing empty, and a schema that every client can convert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, WithJsonSchema, model_validator
from pydantic.fields import FieldInfo

from lead_mcp.errors import BadArgument, did_you_mean
from lead_mcp.tools.arguments.readers import EMPTY, problem_of

PROBLEMS = 5
"""Problems of one call that its refusal names."""


class Arguments(BaseModel):
    """One tool's arguments. An optional argument that is null or empty was not given."""

    # built with its first call: a server that lists its tools needs their schemas alone
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty_ones(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        fields = cls.model_fields
        return {name: value for name, value in given.items() if not (_is_empty(value) and _is_optional(fields, name))}


def _is_optional(fields: Mapping[str, FieldInfo], name: str) -> bool:
    return name in fields and not fields[name].is_required()


def _is_empty(value: Any) -> bool:
    return value in EMPTY or (isinstance(value, str) and not value.strip())


A = TypeVar("A", bound=Arguments)


def read_arguments(model: type[A], given: Mapping[str, Any], tool: str) -> A:
    """The call's arguments as the tool takes them. Raises BadArgument: what is wrong, what is taken, an example."""
    unknown = next((name for name in given if name not in model.model_fields), None)
    if unknown is not None:
        takes, hint = ", ".join(model.model_fields), did_you_mean(unknown, model.model_fields)
        raise BadArgument(f"{unknown[:60]}: {tool} has no such argument; it takes {takes}.{hint}")
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)[:PROBLEMS]
        raise BadArgument(" ".join(map(problem_of, problems))) from None


def schema_of(model: type[Arguments]) -> dict[str, Any]:
    """The input schema: flat, without titles, definitions and null defaults. Every type says its own (``types``)."""
    properties = {name: _property(field) for name, field in model.model_fields.items()}
    required = [name for name, field in model.model_fields.items() if field.is_required()]
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


def _property(field: FieldInfo) -> dict[str, Any]:
    own = next((one.json_schema for one in field.metadata if isinstance(one, WithJsonSchema)), None)
    own = own or {"type": "string", "enum": list(get_args(field.annotation))}  # a closed list of words
    more = {"description": field.description, "default": None if field.is_required() else field.default}
    return dict(sorted([*own.items(), *((key, value) for key, value in more.items() if value is not None)]))
