"""The command `optotype`: its verbs, and the only place that turns an error into a message and an exit code.

Exit codes: 0 success, 1 a problem with the input (data, recipe, model, run), 2 an invalid command, 130 stopped by
Ctrl-C. With --json an error is a JSON object on standard output.
"""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from optotype.cli.compare import compare
from optotype.cli.data import data
from optotype.cli.export import export
from optotype.cli.info import info
from optotype.cli.judge import judge
from optotype.cli.predict import predict
from optotype.cli.recipes import recipes
from optotype.cli.runs import runs
from optotype.cli.serve import serve
from optotype.cli.terminal import INTERRUPTED, StoppedError, print_error
from optotype.cli.train import train
from optotype.errors import OptotypeError

app = typer.Typer(
    name="optotype",
    help="Train, evaluate and use classifiers of small images. Every accuracy has a 95 % confidence interval.",
    epilog="Start with: optotype train mnist --judge",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _verb in (data, train, judge, compare, runs, predict, serve, export, recipes, info):
    app.command()(_verb)


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(f"optotype {version('optotype')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", metavar="", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    del version  # its callback prints it before any verb runs


def _print_usage_error(error: typer.TyperException, arguments: Sequence[str]) -> int:
    """Print why a command is invalid. Without arguments there is no message: typer has printed the help."""
    message = error.format_message()
    if not message:
        return 2
    path = getattr(getattr(error, "ctx", None), "command_path", "optotype")
    return print_error(
        f"{message.rstrip('.')}. See: {path} --help",
        error_type="UsageError",
        exit_code=2,
        arguments=arguments,
    )


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its code.

    Args:
        arguments: The arguments after the command's name; None for those of the process.

    Raises:
        SystemExit: Always.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        # A file name may contain bytes that the terminal's encoding lacks; printing it must not fail.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    try:
        code = app(arguments, prog_name="optotype", standalone_mode=False) or 0
        if code == INTERRUPTED:  # typer's result after Ctrl-C
            print_error("Stopped by Ctrl-C.", error_type="Interrupted", exit_code=code, arguments=arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the output is gone ("| head"). Without this, Python would fail again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except typer.TyperException as error:
        code = _print_usage_error(error, arguments)
    except (OptotypeError, OSError) as error:
        # Training adds a note on what it could save.
        message = " ".join([str(error), *getattr(error, "__notes__", ())])
        code = print_error(message, error_type=type(error).__name__, exit_code=1, arguments=arguments)
    except MemoryError:
        message = "There is not enough memory. Use fewer images, a smaller network or a smaller batch_size."
        code = print_error(message, error_type="MemoryError", exit_code=1, arguments=arguments)
    except (StoppedError, KeyboardInterrupt) as error:
        message = str(error) or "Stopped by Ctrl-C."
        code = print_error(message, error_type="Interrupted", exit_code=INTERRUPTED, arguments=arguments)
    raise SystemExit(code)
