"""The exam of LangChain's adapters: tools as LangChain calls them for a model."""

from contextlib import asynccontextmanager

from exam import ANSWER, TARGET, run
from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.prompts import load_mcp_prompt
from langchain_mcp_adapters.resources import get_mcp_resource
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp import types

TOLD = []


async def asked(mcp_context, params, context):
    return types.ElicitResult(**ANSWER)


async def on_progress(progress, total, message, context):
    TOLD.append(progress)


class Client:
    asks = True

    def __init__(self, session, found):
        self.session, self.found = session, {tool.name: tool for tool in found}

    async def tools(self):
        return list(self.found)

    async def call(self, name, arguments):
        call = {"type": "tool_call", "id": "1", "name": name, "args": arguments}
        message = await self.found[name].ainvoke(call)
        text = next(block["text"] for block in message.content if block["type"] == "text")
        structured = (message.artifact or {}).get("structured_content")
        return {"text": text, "structured": structured, "error": message.status == "error"}

    async def call_with_progress(self, name, arguments, told):
        TOLD.clear()
        found = await self.call(name, arguments)
        told += TOLD
        return found

    async def resource(self, uri):
        return (await get_mcp_resource(self.session, uri))[0].as_string()

    async def prompt(self, name, arguments):
        return (await load_mcp_prompt(self.session, name, arguments=arguments))[0].content


@asynccontextmanager
async def opened():
    way = {"transport": "http", **TARGET} if "url" in TARGET else {"transport": "stdio", **TARGET}
    callbacks = Callbacks(on_elicitation=asked, on_progress=on_progress)
    client = MultiServerMCPClient({"leads": way}, callbacks=callbacks)
    async with client.session("leads") as session:
        tools = await load_mcp_tools(session, callbacks=callbacks, server_name="leads")
        yield Client(session, tools)


run(opened)
