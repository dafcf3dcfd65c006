"""The exam of Google's Gen AI SDK: a session is one of the model's tools, and the SDK calls what the model asks for.

The model is a local one that calls the tool which the plan names, and keeps what it is answered.
"""

import json
import threading
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from exam import run
from google import genai
from google.genai import types
from mcp_1 import session_of


class Model(BaseHTTPRequestHandler):
    wanted, seen, declared = None, None, []

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        parts = request["contents"][-1]["parts"]
        answers = [part["functionResponse"]["response"] for part in parts if "functionResponse" in part]
        Model.declared = [one["name"] for tool in request["tools"] for one in tool["functionDeclarations"]]
        if answers:
            Model.seen, part = answers[0], {"text": "done"}
        else:
            part = {"functionCall": Model.wanted}
        content = {"role": "model", "parts": [part]}
        body = json.dumps({"candidates": [{"content": content, "finishReason": "STOP"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        """Nothing."""


class Client:
    asks = True

    def __init__(self, session, port):
        self.session = session
        options = types.HttpOptions(base_url=f"http://127.0.0.1:{port}")
        self.client = genai.Client(api_key="not-a-key", http_options=options)

    async def call(self, name, arguments):
        Model.wanted, Model.seen = {"name": name, "args": arguments}, None
        config = {"tools": [self.session]}  # as a GenerateContentConfig it is copied deep, which no session survives
        await self.client.aio.models.generate_content(model="gemini-local", contents="go", config=config)
        answer = Model.seen.get("result") or Model.seen.get("error") or Model.seen
        text = next(block["text"] for block in answer["content"] if block["type"] == "text")
        return {"text": text, "structured": answer.get("structuredContent"), "error": bool(answer.get("isError"))}

    async def tools(self):
        await self.call("list_accounts", {})
        return Model.declared


@asynccontextmanager
async def opened():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    async with session_of() as (session, _):
        yield Client(session, server.server_address[1])


run(opened)
