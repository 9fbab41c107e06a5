"""The `vitrine` command. Each sub-command is one file here; `main` is the entry point."""

import sys

import grpc
import typer

from lab.commands import (
    bench,
    boutique,
    clean,
    compose,
    demo,
    evaluate,
    exporting,
    held,
    importing,
    prepare,
    release,
    serve,
    simulate,
    train,
    up,
)
from lab.commands.options import CommandFailed
from lab.commands.terminal import errors
from lab.importing.problems import FileRefused, MappingRefused, ServiceRefused
from lab.supervisor.ensemble import AlreadyRunning
from lab.supervisor.postgres import DatabaseBroken
from lab.supervisor.topology import TopologyBroken
from lab.supervisor.unit import ProcessFailed
from services.kit.status import RemoteError, read_error

_READABLE = (
    CommandFailed, FileRefused, MappingRefused, ServiceRefused, AlreadyRunning, DatabaseBroken, TopologyBroken,
    ProcessFailed,
)  # fmt: skip

application = typer.Typer(
    name="vitrine",
    help="Every user their own shop window: bring a shop in, train, run, and look at its pages.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
application.command("import")(importing.import_file)
application.command("held")(held.held)
application.command("export")(exporting.export)
application.command("prepare")(prepare.prepare)
application.command("train")(train.train)
application.add_typer(release.application, name="release")
application.command("up")(up.up)
application.command("serve")(serve.serve)
application.command("compose")(compose.compose)
application.command("demo")(demo.demo)
application.add_typer(bench.application, name="bench")
application.command("clean")(clean.clean)
application.command("boutique")(boutique.boutique)
application.command("simulate")(simulate.simulate)
application.add_typer(evaluate.application, name="evaluate")


def main() -> None:
    """Run the command line; what a person can mend ends in one readable message and exit code 1."""
    try:
        application()
    except _READABLE as error:
        _fail(str(error))
    except grpc.RpcError as error:
        _fail(describe(read_error(error)))
    except RemoteError as error:
        _fail(describe(error))


def describe(error: RemoteError) -> str:
    """Say what a service refused, field by field, or that it is not there."""
    if error.code == grpc.StatusCode.UNAVAILABLE:
        return f"a service cannot be reached ({error.message}); start it with `vitrine up`"
    if error.code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return "a service did not answer in time; is it running (`vitrine up`), and what does its log say?"
    fields = [f"  {each.field}: {each.description}" for each in error.violations]
    return "\n".join([f"{error.reason or error.code.name}: {error.message}", *fields])


def _fail(message: str) -> None:
    errors().print(f"[bold red]error:[/] {_plain(message)}", highlight=False, soft_wrap=True)
    sys.exit(1)


def _plain(message: str) -> str:
    return message.replace("[", "\\[")
