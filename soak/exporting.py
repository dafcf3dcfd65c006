"""Files that a chat asks for: whole, then taken away, so that the folder stays as it is."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import anyio
from mcp import Client

from soak.calls import Run, call
from soak.reading import ask


async def exports(run: Run, client: Client, dice: random.Random) -> None:
    """One file after the other until the end of the run."""
    while run.clock.is_running:
        await ask(run, client, dice, one_file)
        await anyio.sleep(run.pace * dice.uniform(4, 12))


async def one_file(run: Run, client: Client, dice: random.Random) -> None:
    """Every lead of an account's window in a file; complete where no vendor fails."""
    account = dice.choice(list(run.truth.counts))
    answer = await call(run, client, "export_leads", {"account": account, **run.truth.window})
    path = run.house.exports / answer["file"]
    found = await anyio.to_thread.run_sync(_first_column, path)
    truth = run.truth.uris(account)
    if not set(found) <= truth or len(set(found)) != len(found) or (answer["complete"] and set(found) != truth):
        run.tally.fault("wrong", f"export of {account}: {len(found)} rows for {len(truth)}, {answer['complete']}")
    if not answer["complete"] and run.is_calm:
        run.tally.fault("incomplete without a fault", f"export of {account}: {answer['why']}")


def _first_column(path: Path) -> list[str]:
    """The URIs in a file, which is removed with its manifest."""
    with path.open(encoding="utf-8", newline="") as file:
        _, *rows = [row[0] for row in csv.reader(file)]
    path.unlink()
    path.with_name(f"{path.name}.manifest.json").unlink()
    return rows
