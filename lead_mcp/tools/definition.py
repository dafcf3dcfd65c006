"""What a client is told of a tool, and how a call finds what answers it, which loads with the first call."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, Final

import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import Field

from lead_mcp.errors import LeadMcpError
from lead_mcp.tools.arguments.base import Arguments, read_arguments, schema_of
from lead_mcp.tools.outputs import ERROR

READS: Final = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True)
INSERTS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
)
CHANGES: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True
)

WRITES_A_FILE: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
)
"""A new file on this machine; of the vendors it only reads."""


LOADED: Final[dict[str, ModuleType]] = {}
"""Modules of answering functions, whole: ``sys.modules`` holds those too that a thread has begun to load."""


class LeadTool(Tool):
    """A tool whose arguments are read by a model of ours, and whose failures are structured error results.

    The SDK's own reading of arguments is passed by: it parses what looks like JSON in texts, and drops what it does not know.
    """

    model: Any = Field(default=None, exclude=True)

    async def run(self, arguments: dict[str, Any], context: Any, convert_result: bool = False) -> Any:
        """The tool's answer, masked where the settings say so; what the call itself named is known to be personal."""
        from lead_mcp.outgoing.masking import masked_by
        from lead_mcp.outgoing.times import times_in
        from lead_mcp.tools.failures import as_result, error_result
        from lead_mcp.tools.kit import masker_for, runtime_of

        try:
            runtime = runtime_of(context)
            masker = await masker_for(runtime)
        except LeadMcpError as error:
            return error_result(error)
        with masked_by(masker and masker.knowing(arguments)), times_in(runtime.server.zone):
            return await as_result(self._answer(arguments, context), self.name)

    async def _answer(self, arguments: dict[str, Any], context: Any) -> CallToolResult | InputRequiredResult:
        answer: CallToolResult | InputRequiredResult = await self.fn(
            context, read_arguments(self.model, arguments, self.name)
        )
        return answer


async def _loaded(module: str) -> ModuleType:
    """The module; loaded in a thread the first time, so that others have their turn meanwhile."""
    if module not in LOADED:
        LOADED[module] = await anyio.to_thread.run_sync(import_module, module)
    return LOADED[module]


def make_tool(
    handler: str,
    model: type[Arguments],
    title: str,
    output: Mapping[str, Any],
    annotations: ToolAnnotations = READS,
) -> LeadTool:
    """The tool named like its handler, ``module.function`` of this package, and described by its model's docstring.

    ``output``: the keys of its structured content.
    """
    module, _, name = handler.partition(".")

    async def answer(ctx: Context[Any, Any], asked: Any) -> CallToolResult | InputRequiredResult:
        found = getattr(await _loaded(f"lead_mcp.tools.{module}"), name)
        answered: CallToolResult | InputRequiredResult = await found(ctx, asked)
        return answered

    description = " ".join((model.__doc__ or "").split())
    output_schema = {"type": "object", "properties": {**output, "error": ERROR}}
    return LeadTool(
        fn=answer,
        name=name,
        title=title,
        description=description,
        parameters=schema_of(model),
        fn_metadata=FuncMetadata(arg_model=ArgModelBase, output_schema=output_schema),
        is_async=True,
        context_kwarg="ctx",
        annotations=annotations,
        model=model,
    )
