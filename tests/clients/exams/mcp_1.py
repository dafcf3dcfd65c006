"""The exam of the official Python client, line 1: ``mcp`` before version 2."""

from contextlib import asynccontextmanager

from exam import ANSWER, TARGET, run, shown
from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client
from pydantic import AnyUrl


async def asked(context, params):
    return types.ElicitResult(**ANSWER)


@asynccontextmanager
async def session_of(asked=asked):
    way = streamablehttp_client(TARGET["url"]) if "url" in TARGET else stdio_client(StdioServerParameters(**TARGET))
    async with way as (read, write, *_), ClientSession(read, write, elicitation_callback=asked) as session:
        yield session, await session.initialize()


class Client:
    asks = True

    def __init__(self, session, greeted):
        self.session, self.greeted = session, greeted

    async def greeting(self):
        return self.greeted.serverInfo.model_dump(mode="json")

    async def tools(self):
        return [tool.name for tool in (await self.session.list_tools()).tools]

    async def call(self, name, arguments):
        return shown(await self.session.call_tool(name, arguments))

    async def call_with_progress(self, name, arguments, told):
        async def on_progress(done, total, message):
            told.append(done)

        return shown(await self.session.call_tool(name, arguments, progress_callback=on_progress))

    async def resource(self, uri):
        return (await self.session.read_resource(AnyUrl(uri))).contents[0].text

    async def templates(self):
        return [one.uriTemplate for one in (await self.session.list_resource_templates()).resourceTemplates]

    async def prompt(self, name, arguments):
        return (await self.session.get_prompt(name, arguments)).messages[0].content.text

    async def completion(self, uri, argument):
        ref = types.ResourceTemplateReference(type="ref/resource", uri=uri)
        return (await self.session.complete(ref, argument)).completion.values


@asynccontextmanager
async def opened():
    async with session_of() as (session, greeted):
        yield Client(session, greeted)


if __name__ == "__main__":
    run(opened)
