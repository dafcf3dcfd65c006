"""The commands and their options. What a command needs loads when it runs."""

from __future__ import annotations

import gc
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lead_mcp import __version__
from lead_mcp.cli import starting
from lead_mcp.cli.journal.commands import app as journal
from lead_mcp.cli.mirror import app as mirror
from lead_mcp.cli.options import Config, Json, Sandbox
from lead_mcp.cli.output import guarded
from lead_mcp.cli.set_up import app as set_up
from lead_mcp.cli.starting import ServeOptions
from lead_mcp.cli.tokens import app as tokens

app = typer.Typer(
    name="lead-mcp",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="One MCP server over several lead vendors: search, summaries, one person's history, and confirmed writes.",
    epilog="Start with `lead-mcp demo`: no credentials needed.",
)


class OnDuplicate(StrEnum):
    FAIL = "fail"
    UPDATE = "update"
    ALLOW = "allow"


class Source(StrEnum):
    AUTO = "auto"
    LIVE = "live"
    MIRROR = "mirror"


class FileFormat(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"
    PARQUET = "parquet"


class Transport(StrEnum):
    STDIO = "stdio"
    HTTP = "http"
    SSE = "sse"


ALONE = ServeOptions()
"""What ``serve`` does without options."""


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.", is_eager=True)] = False,
) -> None:
    if context.invoked_subcommand != "serve":
        gc.enable()  # off while modules load (see __main__); ``serve`` turns it on once everything is built
        context.with_resource(guarded())
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def serve(
    transport: Annotated[
        Transport, typer.Option(help="stdio for desktop clients; http at /mcp; sse is legacy, at /sse.")
    ] = Transport.STDIO,
    host: Annotated[str, typer.Option(help="Beyond loopback callers must have tokens.")] = ALONE.host,
    port: Annotated[int, typer.Option(min=0, max=65535)] = ALONE.port,
    stateless: Annotated[
        bool, typer.Option("--stateless", help="http without sessions, for several replicas.")
    ] = ALONE.stateless,
    config: Config = ALONE.config,
    sandbox: Sandbox = ALONE.sandbox,
) -> None:
    """Run the server. End it with end of input, Ctrl-C or SIGTERM."""
    raise typer.Exit(starting.serve(ServeOptions(transport.value, host, port, stateless, config, sandbox)))


@app.command()
def demo(
    pause: Annotated[
        bool, typer.Option("--pause", help="A screen a question, to show it to others: waits for Enter.")
    ] = False,
) -> None:
    """Ask real questions over emulated vendors. Through a real server process; no credentials."""
    from lead_mcp.cli.demo import run

    raise typer.Exit(run(pause=pause))


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8700,
    leads: Annotated[int, typer.Option(min=1, max=100_000, help="Leads a vendor.")] = 2000,
    poisoned: Annotated[bool, typer.Option("--poisoned", help="Some leads carry hostile text.")] = False,
) -> None:
    """Serve the emulators over HTTP on loopback. For tests of your own: prints the environment that uses them."""
    from lead_mcp.cli.sandbox import run

    raise typer.Exit(run(port, leads, poisoned=poisoned))


@app.command()
def check(
    config: Config = None,
    as_json: Json = False,
    sandbox: Sandbox = False,
    principal: Annotated[
        str | None, typer.Option(help="Try this person's own credentials: a token's name, or ISSUER#SUBJECT.")
    ] = None,
) -> None:
    """Ask every configured account one cheap read-only question. Exit code 1 if any fails."""
    from lead_mcp.cli.check import run

    raise typer.Exit(run(config, principal, as_json=as_json, sandbox=sandbox))


@app.command()
def call(
    tool: Annotated[str, typer.Argument(help="A tool's name, such as search_leads.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="name=value ...; lists and objects as JSON.")] = None,
    json_text: Annotated[str | None, typer.Option("--json", help="The arguments as one JSON object.")] = None,
    config: Config = None,
    sandbox: Sandbox = False,
    raw: Annotated[bool, typer.Option("--raw", help="Print the whole result as JSON.")] = False,
) -> None:
    """Call one tool and print its answer. Exit code 1 on a tool error. Example: lead-mcp call search_leads since=-7d"""
    from lead_mcp.cli.call import run

    raise typer.Exit(run(tool, arguments or [], json_text, config=config, sandbox=sandbox, raw=raw))


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The file to write; FILE.manifest.json is written beside it.")],
    tool: Annotated[str, typer.Option(help="search_leads, query_pings or query_sql.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="The question: name=value ...; lists and objects as JSON.")
    ] = None,
    json_text: Annotated[str | None, typer.Option("--json", help="The arguments as one JSON object.")] = None,
    form: Annotated[FileFormat | None, typer.Option("--format", help="Else by the file's ending, else csv.")] = None,
    excel: Annotated[bool, typer.Option("--excel", help="csv as Excel opens it by a double click.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE, and drop what another export began.")] = False,
    config: Config = None,
    sandbox: Sandbox = False,
) -> None:
    """Write every page of a tool's answer to a file. Killed or stopped, run it again: it goes on.

    Exit code 1 if something is missing from the file (and it says what), 2 for wrong usage.

    Example: lead-mcp export october.csv --tool search_leads period=2026-10
    """
    from lead_mcp.cli.export import ExportOptions, run

    format_name = form.value if form else None
    raise typer.Exit(
        run(ExportOptions(file, tool, arguments or [], json_text, format_name, excel, force, config, sandbox=sandbox))
    )


@app.command()
def tools(
    config: Config = None,
    sandbox: Sandbox = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the definitions as a client gets them.")] = False,
) -> None:
    """List the tools as a client sees them."""
    from lead_mcp.cli.call import list_tools

    raise typer.Exit(list_tools(config=config, sandbox=sandbox, as_json=as_json))


@app.command()
def approve(
    name: Annotated[str, typer.Argument(metavar="ID", help="The id in the tool's answer, such as w-0123456789abcdef.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: for scripts.")] = False,
    decline: Annotated[bool, typer.Option("--decline", help="Drop it without asking; its key is free again.")] = False,
    config: Config = None,
) -> None:
    """Settle a write that waits for a person. Shows it, asks, sends it once, prints the outcome.

    A client that cannot ask leaves its writes waiting; `lead-mcp journal --unresolved` lists them. The same call with the
    same idempotency key then answers with this outcome.
    """
    from lead_mcp.cli.approve import run

    raise typer.Exit(run(name, yes=yes, decline=decline, config=config))


app.add_typer(set_up)
app.add_typer(journal, name="journal")
app.add_typer(mirror, name="mirror")
app.add_typer(tokens, name="token")


@app.command("import")
def import_leads(
    file: Annotated[Path, typer.Argument(help="A .csv file with a header, or .jsonl with one object a line; UTF-8.")],
    account: Annotated[str, typer.Option(help="The account that gets the leads.")],
    maps: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=FIELD",
            help="A column's field; vendor:NAME for the vendor's own; COLUMN= for none.",
        ),
    ] = None,
    on_duplicate: Annotated[
        OnDuplicate, typer.Option(help="A lead with the same e-mail or phone: leave it, update it, or add another.")
    ] = OnDuplicate.FAIL,
    source: Annotated[
        Source,
        typer.Option(help="Where that lead is looked for: at the vendor, or in the mirror; auto: if it has all."),
    ] = Source.LIVE,
    ignore_unmapped: Annotated[
        bool, typer.Option("--ignore-unmapped", help="Leave out columns that are no field; else they are an error.")
    ] = False,
    max_failures: Annotated[int, typer.Option(min=0, help="Stop once more rows than this have failed.")] = 10,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look and count, duplicates too; send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: for scripts.")] = False,
    config: Config = None,
) -> None:
    """Import a file of leads. The whole file is checked before anything is sent.

    Columns named like our fields (first_name, "First Name", email, phone ...) need no --map. Each row's result goes to
    FILE.results.jsonl. Killed or stopped, run the same command again: rows that were sent are not sent again, failed ones are
    tried again. Exit code 1 if a row failed, 2 if the file is not usable. Duplicates that are left alone are no failure.

    Example: lead-mcp import leads.csv --account octanist --map "Web address=website" --dry-run
    """
    from lead_mcp.cli.importing.command import run
    from lead_mcp.cli.importing.plan import ImportOptions

    name = account.strip().casefold()
    options = ImportOptions(name, maps or [], on_duplicate.value, ignore_unmapped, max_failures, source.value)
    raise typer.Exit(run(file, options, yes=yes, dry_run=dry_run, config=config))
