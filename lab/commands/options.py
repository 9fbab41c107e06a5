"""Options that several commands share, so that they are called alike everywhere."""

from pathlib import Path
from typing import Annotated

import typer


class CommandFailed(Exception):  # noqa: N818  named like the errors of kit
    """A command that cannot go on; the message says why and what to do."""


Work = Annotated[
    Path,
    typer.Option(
        "--work", envvar="VITRINE_WORK", help="Folder for everything that is made at run time.", show_default=True
    ),
]
Shop = Annotated[str, typer.Option("--shop", help="The shop, such as boutique.")]
DEFAULT_WORK = Path("work")
DEFAULT_SHOP = "boutique"


def assignments(values: list[str], what: str) -> dict[str, int]:
    """Read `name=number` options. Raises: CommandFailed."""
    found = {}
    for value in values:
        name, sign, number = value.partition("=")
        if not sign or not number.isdigit():
            raise CommandFailed(f"{value!r} is not a number of {what}; write it as user_profile=2")
        found[name] = int(number)
    return found
