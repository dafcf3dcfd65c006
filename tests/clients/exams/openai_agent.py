"""The exam of the OpenAI Agents SDK: an agent whose model calls the tools as the plan says. It asks no person."""

import json
from contextlib import asynccontextmanager

from agents import Agent, Model, ModelResponse, RunConfig, Runner, Usage, set_tracing_disabled
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp
from exam import SECONDS, TARGET, run
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

set_tracing_disabled(True)


class Planned(Model):
    """Calls one tool, and is done."""

    def __init__(self, name, arguments):
        self.name, self.arguments = name, arguments
        self.seen = None

    async def get_response(self, system_instructions, input, *rest, **keywords):  # noqa: A002 - the name it is called by
        last = input[-1] if isinstance(input, list) else {}
        if isinstance(last, dict) and last.get("type") == "function_call_output":
            self.seen = last["output"]
            text = ResponseOutputText(type="output_text", text="done", annotations=[])
            item = ResponseOutputMessage(id="m", type="message", role="assistant", status="completed", content=[text])
        else:
            item = ResponseFunctionToolCall(
                type="function_call", call_id="c", name=self.name, arguments=json.dumps(self.arguments)
            )
        return ModelResponse(output=[item], usage=Usage(), response_id=None)

    def stream_response(self, *arguments, **keywords):
        raise NotImplementedError("nothing is streamed here")


class Client:
    def __init__(self, server):
        self.server = server

    async def tools(self):
        return [tool.name for tool in await self.server.list_tools()]

    async def call(self, name, arguments):
        model = Planned(name, arguments)
        agent = Agent("exam", model=model, mcp_servers=[self.server], mcp_config={"convert_schemas_to_strict": True})
        await Runner.run(agent, "go", run_config=RunConfig(tracing_disabled=True))
        seen = model.seen if isinstance(model.seen, str) else model.seen[0]["text"]
        return {"text": seen, "structured": None, "error": None}

    async def resource(self, uri):
        return (await self.server.read_resource(uri)).contents[0].text

    async def templates(self):
        found = await self.server.list_resource_templates()
        return [one.uriTemplate for one in found.resourceTemplates]

    async def prompt(self, name, arguments):
        return (await self.server.get_prompt(name, arguments)).messages[0].content.text


@asynccontextmanager
async def opened():
    kind = MCPServerStreamableHttp if "url" in TARGET else MCPServerStdio
    async with kind(params=TARGET, client_session_timeout_seconds=SECONDS) as server:
        yield Client(server)


run(opened)
