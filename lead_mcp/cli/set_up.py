"""``lead-mcp init``, ``install`` and ``doctor``: their options. What they do loads when one runs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from lead_mcp.cli.options import Config

app = typer.Typer()


class SecretStore(StrEnum):
    KEYRING = "keyring"
    FILE = "file"
    ENV = "env"


@app.command()
def init(
    vendor: Annotated[str | None, typer.Option(help="leadexec, convoso, leadsquared, octanist or leadtrackr.")] = None,
    account: Annotated[str | None, typer.Option(help="What to call the account (else as its vendor).")] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the account; no secret.")
    ] = None,
    secret_env: Annotated[
        list[str] | None,
        typer.Option(metavar="[KEY=]NAME", help="A secret is in this environment variable; KEY where it has several."),
    ] = None,
    secrets: Annotated[
        SecretStore | None,
        typer.Option(help="Where secrets are kept. Else: keyring if it works for what is typed, env for --secret-env."),
    ] = None,
    zone: Annotated[str | None, typer.Option(help="IANA time zone in which dates are read.")] = None,
    region: Annotated[str | None, typer.Option(help="Country of phone numbers without a country code: US.")] = None,
    writes: Annotated[str | None, typer.Option(help="confirm, allow or off.")] = None,
    pii: Annotated[str | None, typer.Option(help="full or masked.")] = None,
    no_check: Annotated[bool, typer.Option("--no-check", help="Do not ask the vendor whether it takes it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: for scripts.")] = False,
    config: Config = None,
) -> None:
    """Write the configuration file. An account, its secrets, the server's settings; alone: asks for each.

    What the file holds already stays, comments too. Where the vendor refuses the credential, nothing is written unless you say
    so. Secrets are typed unseen, or come from the environment; none is printed.

    Example: lead-mcp init --vendor octanist --secret-env MY_KEY --yes
    """
    from lead_mcp.cli.init import run
    from lead_mcp.cli.init_form import InitOptions

    server = {"timezone": zone, "phone_region": region, "writes": writes, "pii": pii}
    given = {key: text for key, text in server.items() if text is not None}
    options = InitOptions(vendor, account, values or [], secret_env or [], secrets.value if secrets else None, given)
    raise typer.Exit(run(options, config=config, check=not no_check, yes=yes))


@app.command()
def install(
    clients: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CLIENT",
            help="claude-desktop, claude-code, cursor, vscode, windsurf, zed, codex, gemini, goose or lm-studio.",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every client that is found on this machine.")] = False,
    show: Annotated[bool, typer.Option("--print", help="Print what would be put in; write nothing.")] = False,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="An entry over the built-in emulators.")] = False,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Take the entry out again.")] = False,
    config: Config = None,
) -> None:
    """Add this server to a chat client. By the client's own command where it has one, else in its file.

    Other entries and comments stay as they are, and the old file is kept beside the new one. No credential is written: the
    entry names the configuration file. Exit code 1 if a client is not installed or its file cannot be kept.

    Example: lead-mcp install claude-desktop
    """
    from lead_mcp.cli.install import InstallOptions, run

    raise typer.Exit(run(InstallOptions(clients or [], every, show, sandbox, uninstall, config)))


@app.command()
def doctor(
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list of findings.")] = False,
) -> None:
    """Look at everything a first answer needs. Versions, configuration, state, accounts, network, clock, chat clients.

    Each finding has a severity and the next step. Nothing is changed. Exit code 1 if any finding is an error.
    """
    from lead_mcp.cli.doctor import run

    raise typer.Exit(run(config, as_json=as_json))
