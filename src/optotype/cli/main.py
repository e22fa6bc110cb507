"""The command `optotype`: its verbs, and the one place where an error becomes a sentence and an exit code.

Exit codes: 0 done, 1 a problem with what was given (data, recipe, model, run), 2 a command that cannot be understood,
130 stopped by Ctrl-C. With --json, an error is a JSON object on the standard output.
"""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Final

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
from optotype.cli.terminal import StoppedError, fail
from optotype.cli.train import train
from optotype.errors import OptotypeError

_INTERRUPTED: Final = 130

app = typer.Typer(
    name="optotype",
    help="Train, judge and use classifiers of small images; every accuracy comes with its 95 % interval.",
    epilog="Start with: optotype train mnist --judge",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _verb in (data, train, judge, compare, runs, predict, serve, export, recipes, info):
    app.command()(_verb)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"optotype {version('optotype')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", metavar="", callback=_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    del version  # handled by its callback, before any verb


def _misused(error: typer.TyperException, given: Sequence[str]) -> int:
    """Explain a command that cannot be understood; one without any arguments was answered by the help."""
    message = error.format_message()
    if not message:
        return 2
    path = getattr(getattr(error, "ctx", None), "command_path", "optotype")
    return fail(f"{message.rstrip('.')}. See: {path} --help", kind="UsageError", code=2, given=given)


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its code.

    Args:
        arguments: What follows the command's name; None for the process's own.

    Raises:
        SystemExit: Always.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        # A file name may hold bytes that the terminal's encoding lacks; that must not be an error of its own.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    try:
        code = app(given, prog_name="optotype", standalone_mode=False) or 0
        if code == _INTERRUPTED:  # typer's answer to Ctrl-C
            fail("Stopped by Ctrl-C.", kind="Interrupted", code=code, given=given)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has gone ("| head"): nobody is left to tell, and Python must not try at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except typer.TyperException as error:
        code = _misused(error, given)
    except (OptotypeError, OSError) as error:
        # Training adds a note of what it could keep.
        message = " ".join([str(error), *getattr(error, "__notes__", ())])
        code = fail(message, kind=type(error).__name__, code=1, given=given)
    except MemoryError:
        message = "There is not enough memory for this. Use fewer images, a smaller network or a smaller batch_size."
        code = fail(message, kind="MemoryError", code=1, given=given)
    except (StoppedError, KeyboardInterrupt) as error:
        code = fail(str(error) or "Stopped by Ctrl-C.", kind="Interrupted", code=_INTERRUPTED, given=given)
    raise SystemExit(code)
