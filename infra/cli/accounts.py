"""Accounts: who may ask, each an office with one role and a token."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from infra.accounts import NAME_PATTERN, Role, accounts, close_account, create_account
from infra.cli import terminal
from infra.cli.terminal import USED_WRONGLY, AsJson, fail, plain, say
from infra.operations import session

app = typer.Typer(no_args_is_help=True, help="Accounts: who may ask, and with which role.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="An office in short, never a person.")]
ROLES = ", ".join(role.value for role in Role)


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Say which accounts are open.

    For example:

        quartier accounts list --json
    """
    with session.opened():
        found = list(accounts())
    if as_json:
        terminal.answer([{"name": each.name, "role": each.role.value} for each in found])
        return
    for account in found:
        say(f"{plain(account.name):<30} {account.role.value:<25} {account.role.fr}")


@app.command("create")
def create_command(
    name: Name,
    role: Annotated[str, typer.Option(help=f"One of: {ROLES}.")],
    as_json: AsJson = False,
) -> None:
    """Open an account; its token is shown now and never again.

    For example:

        quartier accounts create finance-office --role finance
    """
    if not re.match(NAME_PATTERN, name):
        fail(
            "A name is 1 to 60 of a-z, 0-9, dot, hyphen and underscore, and no person's.",
            USED_WRONGLY,
        )
    chosen = next((each for each in Role if each.value == role), None)
    if chosen is None:
        fail(f"There is no role {plain(role)}; there are: {ROLES}.", USED_WRONGLY)
    with session.opened():
        if any(account.name == name for account in accounts()):
            fail(f"There is an account {name}: `quartier token {name}` gives it a new token.")
        token = create_account(name, chosen)
    _show(name, chosen, token, as_json=as_json)


@app.command("revoke")
def revoke_command(name: Name) -> None:
    """Close an account: its token opens nothing any more. What it recorded still names it.

    For example:

        quartier accounts revoke finance-office
    """
    with session.opened():
        if all(account.name != name for account in accounts()):
            fail(f"There is no open account {plain(name)}.")
        close_account(name)
    say(f"{plain(name)} is closed.")


def token_command(name: Name, as_json: AsJson = False) -> None:
    """Give an account a new token, shown now and never again; the old one opens nothing more.

    For example:

        quartier token finance-office
    """
    with session.opened():
        account = next((account for account in accounts() if account.name == name), None)
        if account is None:
            fail(f"There is no open account {plain(name)}.")
        token = create_account(account.name, account.role)
    _show(name, account.role, token, as_json=as_json)


def _show(name: str, role: Role, token: str, *, as_json: bool) -> None:
    if as_json:
        terminal.answer({"name": name, "role": role.value, "token": token})
    else:
        say(f"{plain(name)} ({role.fr}): {token}")
