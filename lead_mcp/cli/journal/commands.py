"""``lead-mcp journal``: its commands and their options. What they do loads when one runs (``records``, ``resolving``)."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from lead_mcp.cli.options import Config, Json

HELP: Final = "List, check, settle and undo writes. Alone: list the newest writes."
app = typer.Typer()

Name = Annotated[str, typer.Argument(metavar="ID", help="A write's id, as `lead-mcp journal` lists it.")]
Values = Annotated[bool, typer.Option("--values", help="Show personal values; else they are masked.")]
OfAccount = Annotated[str | None, typer.Option("--account", help="Only writes at this account.")]
OfTool = Annotated[str | None, typer.Option("--tool", help="Only writes by this tool, such as update_lead.")]
OfPrincipal = Annotated[
    str | None,
    typer.Option("--principal", help="Only writes of this person or token: its name, or an issuer's subject."),
]
State = Annotated[
    str | None,
    typer.Option(
        help="Only: pending, done, declined, refused, unknown, accepted, resolved, expired, intended or sending."
    ),
]
Unresolved = Annotated[
    bool, typer.Option("--unresolved", help="Only what has not ended: pending, unknown or accepted.")
]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="The newest so many.")]


@app.callback(invoke_without_command=True, help=HELP)
@app.command("list")
def list_writes(
    ctx: typer.Context,
    account: OfAccount = None,
    tool: OfTool = None,
    state: State = None,
    unresolved: Unresolved = False,
    principal: OfPrincipal = None,
    limit: Limit = 50,
    values: Values = False,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """List writes, newest first. Personal values are masked unless --values."""
    from lead_mcp.cli.journal.records import WriteQuery, list_writes

    if ctx.invoked_subcommand is not None:  # another command's turn
        return _check_no_options(ctx)
    query = WriteQuery(account, tool, state, unresolved, limit, principal)
    raise typer.Exit(list_writes(query, values=values, as_json=as_json, config=config))


def _check_no_options(ctx: typer.Context) -> None:
    """Raises BadParameter for an option before the command's name: it would be of no effect there."""
    sources = (ctx.get_parameter_source(name) for name in ctx.params)
    if any(source is not None and source.name == "COMMANDLINE" for source in sources):
        raise typer.BadParameter(f"options go behind the command: lead-mcp journal {ctx.invoked_subcommand} ...", ctx)


@app.command()
def show(name: Name, values: Values = False, as_json: Json = False, config: Config = None) -> None:
    """Tell one write's story: each step, before and after, the request. Personal values are masked unless --values."""
    from lead_mcp.cli.journal.records import show

    raise typer.Exit(show(name, values=values, as_json=as_json, config=config))


@app.command()
def verify(
    anchor: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:HASH", help="An anchor that an earlier verify printed: it must be there."),
    ] = None,
    config: Config = None,
) -> None:
    """Check the chain of hashes over every step. Exit code 1, and what is wrong, if a row was changed or is missing.

    Prints the chain's anchor. Kept elsewhere and given back with --anchor, it finds a chain that was wiped or written anew.
    """
    from lead_mcp.cli.journal.records import verify

    raise typer.Exit(verify(anchor, config))


@app.command()
def resolve(
    name: Name,
    created: Annotated[
        str | None, typer.Option(metavar="URI", help="It happened: an insert made this lead (lead://ACCOUNT/ID).")
    ] = None,
    done: Annotated[bool, typer.Option("--done", help="It happened.")] = False,
    not_done: Annotated[bool, typer.Option("--not-done", help="It did not happen; its key is free again.")] = False,
    config: Config = None,
) -> None:
    """Say what became of a write whose outcome is unknown. Look at the vendor first; nothing is sent.

    With --created or --done, the same call with its key answers so from now on; after --not-done it may be made again.
    """
    from lead_mcp.cli.journal.resolving import resolve

    raise typer.Exit(resolve(name, created=created, done=done, not_done=not_done, config=config))


@app.command()
def undo(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Config = None,
) -> None:
    """Undo a write, after showing what that changes.

    An update is undone by writing its old values back, unless the lead has changed since. An insert is undone by deleting
    the lead, where the vendor can and LEAD_MCP_DELETES is on. What cannot be undone says why.
    """
    from lead_mcp.cli.journal.undo import undo

    raise typer.Exit(undo(name, yes=yes, config=config))
