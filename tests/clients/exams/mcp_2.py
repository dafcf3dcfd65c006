"""The exam of the official Python client, line 2, in the era that the plan names."""

from contextlib import asynccontextmanager

import mcp
from exam import ANSWER, ERA, TARGET, run, shown
from mcp import types


async def asked(context, params):
    return types.ElicitResult(**ANSWER)


class Client:
    asks = True

    def __init__(self, client):
        self.client = client

    async def greeting(self):
        return {**self.client.server_info.model_dump(mode="json"), "protocol": self.client.protocol_version}

    async def tools(self):
        return [tool.name for tool in (await self.client.list_tools()).tools]

    async def call(self, name, arguments):
        return shown(await self.client.call_tool(name, arguments))

    async def call_with_progress(self, name, arguments, told):
        async def on_progress(done, total, message):
            told.append(done)

        return shown(await self.client.call_tool(name, arguments, progress_callback=on_progress))

    async def resource(self, uri):
        return (await self.client.read_resource(uri)).contents[0].text

    async def templates(self):
        return [one.uri_template for one in (await self.client.list_resource_templates()).resource_templates]

    async def prompt(self, name, arguments):
        return (await self.client.get_prompt(name, arguments)).messages[0].content.text

    async def completion(self, uri, argument):
        found = await self.client.complete(ref=types.ResourceTemplateReference(uri=uri), argument=argument)
        return found.completion.values


@asynccontextmanager
async def opened():
    target = TARGET["url"] if "url" in TARGET else mcp.StdioServerParameters(**TARGET)
    mode = "auto" if ERA == "modern" else "legacy"
    async with mcp.Client(target, mode=mode, elicitation_callback=asked) as client:
        yield Client(client)


run(opened)
