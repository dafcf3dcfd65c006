"""The exam of FastMCP's client, in the era that the plan names."""

from contextlib import asynccontextmanager

import fastmcp
from exam import ANSWER, ERA, TARGET, run, shown
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport
from mcp import types


async def asked(message, response_type, params, context):
    return ElicitResult(action=ANSWER["action"], content=ANSWER.get("content"))


class Client:
    asks = True

    def __init__(self, client):
        self.client = client

    async def greeting(self):
        return {**self.client.server_info.model_dump(mode="json"), "protocol": self.client.protocol_version}

    async def tools(self):
        return [tool.name for tool in await self.client.list_tools()]

    async def call(self, name, arguments):
        return shown(await self.client.call_tool(name, arguments, raise_on_error=False))

    async def call_with_progress(self, name, arguments, told):
        async def on_progress(done, total, message):
            told.append(done)

        return shown(await self.client.call_tool(name, arguments, progress_handler=on_progress))

    async def resource(self, uri):
        return (await self.client.read_resource(uri))[0].text

    async def templates(self):
        return [one.uri_template for one in await self.client.list_resource_templates()]

    async def prompt(self, name, arguments):
        return (await self.client.get_prompt(name, arguments)).messages[0].content.text

    async def completion(self, uri, argument):
        return (await self.client.complete(types.ResourceTemplateReference(uri=uri), argument)).values


@asynccontextmanager
async def opened():
    target = TARGET["url"] if "url" in TARGET else StdioTransport(**TARGET, keep_alive=False)
    mode = "auto" if ERA == "modern" else "legacy"
    async with fastmcp.Client(target, mode=mode, elicitation_handler=asked) as client:
        yield Client(client)


run(opened)
