"""Where a person's credential is looked for: a file of their own, variables, or a command's answer.

A person's name is spelled for all three in small letters, digits and ``_`` alone (``spelled``), so that it leads out of no
folder and is an option of no command. No shell is there.
"""

from __future__ import annotations

import json
import os
import re
import signal
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any, Final

import anyio
import anyio.to_thread
from anyio.abc import Process

from lead_mcp.settings import ConfiguredAccount, CredentialSource
from lead_mcp.settings.per_user import secret_keys, variable_text

PLAIN: Final = re.compile(r"[^a-z0-9]")
LONGEST: Final = 180
"""Characters of a spelled name; a file's name may have 255."""
MOST: Final = 64 * 1024
"""Bytes of a file or of a command's answer."""


class SourceFailed(Exception):
    """It could not be asked; the words hold no secret."""


def spelled(name: str) -> str:
    """``token:anna`` as ``token_3aanna``: each other character as ``_`` and two digits a byte; cut short by a digest."""
    found = PLAIN.sub(lambda one: "".join(f"_{byte:02x}" for byte in one[0].encode()), name)
    return found if len(found) <= LONGEST else f"{found[:100]}__{sha256(name.encode()).hexdigest()}"


async def ask(source: CredentialSource, found: ConfiguredAccount, principal: str) -> Mapping[str, Any] | None:
    """What the source has for that person and account: texts by settings key, or None. Raises SourceFailed."""
    account, user = found.account.name, spelled(principal)
    if source.folder is not None:
        texts = await anyio.to_thread.run_sync(_of_file, source.folder, user, account)
    elif source.pattern:
        texts = _of_variables(source.pattern, user, found)
    else:
        texts = await _of_command(source, user, account, principal)
    if texts is None or (isinstance(texts, Mapping) and all(isinstance(one, str) for one in texts.values())):
        return texts or None
    raise SourceFailed(f"what there is for {account} is no table of texts")


def place_of(source: CredentialSource, found: ConfiguredAccount, principal: str) -> str:
    """Where a person's credential is looked for, for whoever runs the server."""
    user, name = spelled(principal), found.account.name
    if source.folder is not None:
        return f"the table [{name}] of {source.folder / user}.toml"
    if source.pattern:
        return ", ".join(_variables(source.pattern, user, found).values())
    return f"what {source.command[0]} prints for {name} and {user}"


def _of_file(folder: Path, user: str, account: str) -> Any:
    if not folder.is_dir():
        raise SourceFailed("the folder of credentials is not there")
    try:
        with (folder / f"{user}.toml").open("rb") as file:
            text = file.read(MOST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SourceFailed(f"the person's file cannot be read ({error.strerror})") from None
    if len(text) > MOST:
        raise SourceFailed("the person's file is too long")
    try:
        return tomllib.loads(text.decode()).get(account)
    except ValueError as error:  # its words may quote the file
        raise SourceFailed(f"the person's file is not TOML ({type(error).__name__})") from None


def _of_variables(pattern: str, user: str, found: ConfiguredAccount) -> Any:
    return {key: text for key, name in _variables(pattern, user, found).items() if (text := variable_text(name))}


def _variables(pattern: str, user: str, found: ConfiguredAccount) -> dict[str, str]:
    """The variables' names by settings key."""
    account = spelled(found.account.name)
    return {key: pattern.format(user=user, account=account, key=key) for key in secret_keys(found)}


async def _of_command(source: CredentialSource, user: str, account: str, principal: str) -> Any:
    """The JSON object that the command prints; nothing, or an empty one, where the person has none."""
    words = [word.replace("{user}", user).replace("{account}", account) for word in source.command]
    question = json.dumps({"account": account, "user": user, "name": principal}).encode()
    answer = await _run(words, question, source.seconds)
    if not answer.strip():
        return None
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise SourceFailed(f"the command's answer is not JSON ({type(error).__name__})") from None
    if not isinstance(found, Mapping):
        raise SourceFailed("the command's answer is no JSON object")
    return found


async def _run(words: list[str], question: bytes, seconds: float) -> bytes:
    """What a command prints. Its whole group is ended where it takes too long."""
    try:
        process = await anyio.open_process(words, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True)
    except OSError as error:
        raise SourceFailed(f"the command cannot be started ({error.strerror})") from None
    try:
        with anyio.fail_after(seconds):
            answer = await _answer(process, question)
            code = await process.wait()
    except BaseException as error:
        _end(process)
        if isinstance(error, TimeoutError):
            raise SourceFailed(f"the command did not end within {seconds:g} s") from None
        raise
    finally:
        with anyio.CancelScope(shield=True):
            await process.aclose()
    if code:
        raise SourceFailed(f"the command ended with {code}")
    return answer


async def _answer(process: Process, question: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both were asked for")
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # it need not read what it is asked
        await process.stdin.send(question)
        await process.stdin.aclose()
    answer = bytearray()
    async for part in process.stdout:
        answer += part
        if len(answer) > MOST:
            raise SourceFailed("the command's answer is too long")
    return bytes(answer)


def _end(process: Process) -> None:
    """With whatever it has started and left behind."""
    with suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
