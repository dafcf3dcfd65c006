"""``lead-mcp token``: static tokens of a team's server."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lead_mcp.cli.options import Config, Json

if TYPE_CHECKING:
    from lead_mcp.identity.tokens import Tokens
    from lead_mcp.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list and revoke tokens of a team's server. Each has scopes and accounts of its own.",
)

Sandbox = Annotated[bool, typer.Option("--sandbox", help="For a server of the built-in emulators.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose it is, such as anna or nightly-report.")]


@app.command()
def new(
    name: Name,
    scopes: Annotated[str, typer.Option(help="A comma list, such as leads:read,pii:read.")],
    accounts: Annotated[str | None, typer.Option(help="A comma list of accounts; else all of them.")] = None,
    expires: Annotated[str | None, typer.Option(help="After how long it ends, such as 90d or 12h; else never.")] = None,
    config: Config = None,
    sandbox: Sandbox = False,
) -> None:
    """Make a token and print it, once. Only its salted hash is kept.

    Scopes: leads:read, leads:write, leads:delete, recordings:read, pii:read (else personal values are masked), sql:query.
    """
    from lead_mcp.errors import BadArgument, did_you_mean
    from lead_mcp.identity.scopes import read_scopes

    try:
        asked = sorted(read_scopes(_words("--scopes", scopes)))
    except ValueError as error:
        raise BadArgument(f"--scopes: {error}") from None
    settings, tokens = _tokens(config, sandbox=sandbox)
    named = None if accounts is None else _words("--accounts", accounts)
    for account in named or ():
        if account not in settings.accounts:
            there = f"there are {', '.join(settings.accounts)}" if settings.accounts else "none is configured"
            hint = did_you_mean(account, settings.accounts)
            raise BadArgument(f"--accounts: no account {account[:60]!r}; {there}.{hint}")
    made, text = tokens.new(name, asked, named, expires)
    print(text)
    sys.stderr.write(f"{made.name}: {' '.join(made.scopes)}; {_where(made.accounts)}; {_end(made.expires)}\n")
    sys.stderr.write("It is not shown again. Clients send it as `Authorization: Bearer TOKEN`.\n")


@app.command("list")
def list_tokens(
    as_json: Json = False,
    config: Config = None,
    sandbox: Sandbox = False,
) -> None:
    """List the tokens, oldest first; never their texts."""
    from lead_mcp.cli.output import json_line
    from lead_mcp.outgoing.render import table, text_table

    _, tokens = _tokens(config, sandbox=sandbox)
    columns = ("name", "state", "scopes", "accounts", "created", "expires")
    now = datetime.now(UTC)
    rows = [
        [
            one.name,
            one.state(now),
            " ".join(one.scopes),
            _where(one.accounts),
            one.created[:16],
            (one.expires or "never")[:16],
        ]
        for one in tokens.all()
    ]
    if as_json:
        print(json_line([dict(zip(columns, row, strict=True)) for row in rows]))
    elif rows:
        print(text_table(table(columns, rows)))
    else:
        print("no token")


@app.command()
def revoke(name: Name, config: Config = None, sandbox: Sandbox = False) -> None:
    """End a token. It counts no more from a running server's next request on."""
    _tokens(config, sandbox=sandbox)[1].revoke(name)
    print(f"revoked {name}")


def _tokens(config: Path | None, *, sandbox: bool) -> tuple[Settings, Tokens]:
    from lead_mcp.cli.opened import settings_for
    from lead_mcp.identity.tokens import Tokens

    settings, _ = settings_for(config, sandbox=sandbox)
    return settings, Tokens(settings.server.state_dir)


def _words(option: str, text: str) -> list[str]:
    from lead_mcp.errors import BadArgument

    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise BadArgument(f"{option}: a comma list, not empty.")
    return words


def _where(accounts: tuple[str, ...] | None) -> str:
    return "all accounts" if accounts is None else ", ".join(accounts)


def _end(expires: str | None) -> str:
    return f"ends {expires[:16]}" if expires else "never ends"
