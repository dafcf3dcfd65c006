"""The exam of Pydantic AI: an agent whose model calls the tools as the plan says."""

from contextlib import asynccontextmanager

from exam import ANSWER, SECONDS, TARGET, run
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel


async def asked(message, response_type, params, context):
    return ElicitResult(action=ANSWER["action"], content=ANSWER.get("content"))


class Client:
    asks = True

    def __init__(self, toolset):
        self.toolset = toolset

    async def tools(self):
        return [tool.name for tool in await self.toolset.list_tools()]

    async def call(self, name, arguments):
        def model(messages, info):
            assert name in {tool.name for tool in info.function_tools}
            if len(messages) == 1:
                return ModelResponse(parts=[ToolCallPart(name, arguments)])
            return ModelResponse(parts=[TextPart("done")])

        done = await Agent(FunctionModel(model), toolsets=[self.toolset]).run("go")
        part = done.all_messages()[2].parts[0]
        structured = part.content if isinstance(part.content, dict) else None
        return {"text": part.model_response_str(), "structured": structured, "error": part.outcome != "success"}

    async def resource(self, uri):
        return await self.toolset.read_resource(uri)

    async def templates(self):
        return [one.uri_template for one in await self.toolset.list_resource_templates()]

    async def prompt(self, name, arguments):
        return (await self.toolset.get_prompt(name, arguments)).messages[0].content.content


@asynccontextmanager
async def opened():
    target = TARGET["url"] if "url" in TARGET else StdioTransport(**TARGET, keep_alive=False)
    async with MCPToolset(target, elicitation_handler=asked, init_timeout=SECONDS) as toolset:
        yield Client(toolset)


run(opened)
