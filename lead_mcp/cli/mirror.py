"""``lead-mcp mirror``: its commands and their options. What they do loads when one runs (``mirroring``, ``erasing``)."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lead_mcp.cli.options import Config, Json, Sandbox

app = typer.Typer(
    help="Keep the accounts' records on this machine. Any question is then answered at once; opt in: LEAD_MCP_MIRROR=on.",
    no_args_is_help=True,
)


class FileFormat(StrEnum):
    PARQUET = "parquet"


@app.command()
def sync(
    account: Annotated[str | None, typer.Option(help="An account, a vendor, or a comma list; all without it.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="How far back the first reading goes: 2026-01-01, -90d.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again: finds what was deleted.")] = False,
    watch: Annotated[
        float | None, typer.Option(min=1, metavar="SECONDS", help="Sync again and again, so long after each.")
    ] = None,
    config: Config = None,
    sandbox: Sandbox = False,
) -> None:
    """Read what is new, what changed and what was never read. Killed or stopped, run it again. Exit code 1 if any failed."""
    from lead_mcp.cli.mirroring import SyncOptions, sync

    raise typer.Exit(sync(SyncOptions(account, since, full, watch), config, sandbox=sandbox))


@app.command()
def status(as_json: Json = False, config: Config = None, sandbox: Sandbox = False) -> None:
    """Tell what is mirrored of each account. And how fresh it is, how far back it reaches, what failed last."""
    from lead_mcp.cli.mirroring import status

    raise typer.Exit(status(config, as_json=as_json, sandbox=sandbox))


@app.command()
def forget(
    email: Annotated[str | None, typer.Option(help="Every record with this e-mail.")] = None,
    phone: Annotated[str | None, typer.Option(help="Every record with this telephone number.")] = None,
    uri: Annotated[str | None, typer.Option(metavar="lead://...", help="This lead, and its pings.")] = None,
    config: Config = None,
    sandbox: Sandbox = False,
) -> None:
    """Erase a person or a lead from the mirror, for good. No later sync brings them back; the vendor keeps its records."""
    from lead_mcp.cli.mirroring import forget

    raise typer.Exit(forget(email, phone, uri, config, sandbox=sandbox))


@app.command()
def drop(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Config = None,
    sandbox: Sandbox = False,
) -> None:
    """Remove the whole mirror from this machine. What was forgotten included."""
    from lead_mcp.cli.mirroring import drop

    raise typer.Exit(drop(config, yes=yes, sandbox=sandbox))


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder, or one with an earlier export.")],
    form: Annotated[FileFormat, typer.Option("--format", help="Of the files.")] = FileFormat.PARQUET,
    config: Config = None,
    sandbox: Sandbox = False,
) -> None:
    """Write the tables as files for other engines. By account and month, with a manifest."""
    from lead_mcp.cli.mirroring import export

    raise typer.Exit(export(folder, config, sandbox=sandbox))
