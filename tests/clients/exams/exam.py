"""What the exams in Python share; run by the clients' own Python, it imports nothing of ours.

A plan comes on stdin (see tests/clients/plan.py); what came of it goes to stdout: ``{ability: {"result": ...} | {"failed":
"..."}}``. A client is an object with these coroutine methods, as far as it can do such a thing:

``greeting()``: the server's name and version · ``tools()``: names · ``call(name, arguments)``: as ``shown`` has it ·
``call_with_progress(name, arguments, told)``: fills a list · ``resource(uri)`` and ``prompt(name, arguments)``: text ·
``templates()``: URIs · ``completion(uri, argument)``: values. ``asks``: whether it can ask a person, who says ``ANSWER``.
"""

import asyncio
import json
import sys
import traceback
import urllib.request

SECONDS = 60
PLAN = json.load(sys.stdin)
TARGET, ORIGIN, ERA = PLAN["target"], PLAN["origin"], PLAN["era"]
PLAIN = {"connect": "greeting", "list": "tools", "templates": "templates"}
ANSWER = {"action": "decline"}


def shown(result):
    """What a model is shown of a result, by either spelling of the SDK's types."""
    structured = getattr(result, "structuredContent", None) or getattr(result, "structured_content", None)
    failed = bool(getattr(result, "isError", False) or getattr(result, "is_error", False))
    return {"text": next(b.text for b in result.content if b.type == "text"), "structured": structured, "error": failed}


def emulator(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(ORIGIN + path, data, method=method)  # noqa: S310 - an address of our own
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - as above
        return answer.read()


async def heard():
    """How many requests the octanist emulator has seen."""
    return len(json.loads(await asyncio.to_thread(emulator, "GET", "/_requests?vendor=octanist")))


async def cancelled(act, following):
    """Cancels a call that hangs at its vendor; the next call must be answered all the same."""
    before = await heard()
    await asyncio.to_thread(emulator, "POST", "/_faults", {"vendor": "octanist", "kind": "hold", "times": -1})
    try:
        call = asyncio.ensure_future(act())
        while await heard() <= before:  # noqa: ASYNC110 - another process tells
            await asyncio.sleep(0.03)
        call.cancel()
        try:
            await call
            outcome = "answered"
        except asyncio.CancelledError:
            outcome = "refused: cancelled"
        return {"call": outcome, "next": await following()}
    finally:
        await asyncio.to_thread(emulator, "DELETE", "/_faults")


def abilities(client):
    """What this client can do, by ability; in this order."""

    def call(name):
        asked = PLAN["calls"][name]
        return client.call(asked["name"], asked["arguments"])

    async def answered(name, **reply):
        ANSWER.clear()
        ANSWER.update(reply)
        return await call(name)

    async def progress():
        told, asked = [], PLAN["calls"]["progress"]
        return {**await client.call_with_progress(asked["name"], asked["arguments"], told), "told": told}

    prompt, completion = PLAN["prompt"], PLAN["completion"]
    every = {
        **{name: (method, getattr(client, method, None)) for name, method in PLAIN.items()},
        # not last: some clients tell the server nothing, and its late answer must find them still there
        "cancel": ("call", lambda: cancelled(lambda: call("search"), lambda: call("ordinary"))),
        **{name: ("call", lambda name=name: call(name)) for name in ("search", "summarise", "sql", "error")},
        "resource": ("resource", lambda: client.resource(PLAN["lead"])),
        "prompt": ("prompt", lambda: client.prompt(prompt["name"], prompt["arguments"])),
        "completion": ("completion", lambda: client.completion(completion["ref"]["uri"], completion["argument"])),
        "progress": ("call_with_progress", progress),
        "accept": ("call", lambda: answered("accept", action="accept", content={"confirm": True})),
        "decline": ("asks", lambda: answered("decline", action="decline")),
    }
    return {name: act for name, (needs, act) in every.items() if getattr(client, needs, None)}


async def take(client):
    found = {}
    for name, act in abilities(client).items():
        try:
            found[name] = {"result": await asyncio.wait_for(act(), SECONDS)}
        except Exception as error:  # noqa: BLE001 - whatever a client raises is what we want to know
            traceback.print_exc()
            found[name] = {"failed": f"{type(error).__name__}: {error}"[:500]}
    return found


def run(opened):
    """``opened``: an asynchronous context manager's maker, of the client."""

    async def examine():
        async with opened() as client:
            return await take(client)

    json.dump(asyncio.run(examine()), sys.stdout, default=str)
