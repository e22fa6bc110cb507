"""Output of all verbs: the console, text, tables, JSON and errors.

Colours, bars and moving lines appear on terminals only; a pipe gets plain text, one fact per line. Text is never read
as rich's markup, because file and class names may contain brackets.
"""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C."""

_MAX_WIDTH: Final = 10_000


class StoppedError(Exception):
    """Ctrl-C stopped a verb; the message says what was saved."""


def make_console(*, stderr: bool = False) -> "Console":
    """Return a console for standard output or standard error; rich follows NO_COLOR and TERM."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr,
        force_terminal=stream.isatty(),
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=True,
    )


def print_json(value: object) -> None:
    """Print a JSON value as a single line and flush it."""
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


def print_error(message: str, *, error_type: str, exit_code: int, arguments: Sequence[str]) -> int:
    """Print an error to standard error, or as JSON to standard output if --json is among the arguments.

    Args:
        message: The message for people.
        error_type: The name of the error's class, for programs.
        exit_code: The exit code that follows.
        arguments: The command's arguments.

    Returns:
        The exit code.
    """
    if "--json" in arguments:
        print_json({"error": {"type": error_type, "message": message}})
    else:
        from rich.text import Text

        label = "Interrupted" if exit_code == INTERRUPTED else "Error"
        print_text(make_console(stderr=True), Text.assemble((f"{label}: ", "bold red"), message))
    return exit_code


def print_text(console: "Console", text: "str | Text", *, bold: bool = False) -> None:
    """Print text: wrapped between words on a terminal, on a single line on a pipe."""
    console.print(text, style="bold" if bold else None, soft_wrap=not console.is_terminal)


def print_fact(console: "Console", name: str, value: object) -> None:
    """Print a name and its value, the values aligned with each other."""
    print_text(console, f"{name:<12} {value}")


def print_wide_table(console: "Console", table: "Table", min_width: int = 0) -> None:
    """Print a table with long names: fitted to a terminal, with one line per row on a pipe.

    Args:
        console: Where to print.
        table: The table.
        min_width: Columns that the table needs. A narrower terminal wraps its lines, which is better than cut values.
    """
    if console.is_terminal:
        console.width = max(console.width, min_width)
    else:
        options = console.options.update(width=_MAX_WIDTH)
        console.width = console.measure(table, options=options).maximum
    console.print(table, soft_wrap=False)


def new_table(*, show_footer: bool = False) -> "Table":
    """Return an empty table in the style that all tables have."""
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=show_footer)
