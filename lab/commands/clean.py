"""`vitrine clean`: remove a work folder with its database."""

import shutil
from typing import Annotated

import typer

from lab.commands.options import DEFAULT_WORK, Work
from lab.commands.terminal import console
from lab.supervisor.ensemble import Ensemble


def clean(
    work: Work = DEFAULT_WORK,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove everything made at run time: the work folder, and the embedded database that belongs to it.

    Refused while its processes run. A database named by VITRINE_DATABASE_DSN is left alone.
    """
    if not (work / "secrets.json").exists():
        console().print(f"{work} is not a work folder of Vitrine; nothing removed")
        return
    if not yes:
        typer.confirm(f"Remove {work.resolve()} and its database, for good?", abort=True)
    with Ensemble(work) as ensemble:
        ensemble.start([])  # takes the folder's lock; starts nothing
        ensemble.stop()
        ensemble.remove_database()
    shutil.rmtree(work)
    console().print(f"removed {work} and its database")
