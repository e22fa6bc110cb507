"""What every verb prints with: consoles, JSON, errors.

Colours, bars and moving lines are for terminals alone; on a pipe everything is plain text, one fact a line. Text is
never read as markup, since file and class names may hold brackets.
"""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_WIDEST: Final = 10_000


class StoppedError(Exception):
    """A verb was stopped by Ctrl-C, and has something to say about it."""


def console(*, stderr: bool = False) -> "Console":
    """Give a console on the standard output, or on the standard error; NO_COLOR and TERM are honoured by rich."""
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
    """Print one JSON value on a line of its own, at once."""
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


def fail(message: str, *, kind: str, code: int, given: Sequence[str]) -> int:
    """Say what went wrong: on the standard error, or as JSON on the standard output where --json was given.

    Args:
        message: Sentences for a person.
        kind: The error's name, for programs.
        code: The exit code to come.
        given: The command's arguments.

    Returns:
        The exit code.
    """
    if "--json" in given:
        print_json({"error": {"type": kind, "message": message}})
    else:
        from rich.text import Text

        label = "Interrupted" if code == 130 else "Error"
        text = Text.assemble((f"{label}: ", "bold red"), message)
        prose(console(stderr=True), text)
    return code


def prose(screen: "Console", text: "str | Text") -> None:
    """Print sentences: broken between words on a terminal, in one line on a pipe."""
    screen.print(text, soft_wrap=not screen.is_terminal)


def print_wide(screen: "Console", table: "Table", least: int = 0) -> None:
    """Print a table with long names: fitted into a terminal, on a pipe as wide as it is, a row a line.

    Args:
        screen: Where.
        table: What.
        least: Columns of a terminal that it needs; a narrower one breaks its lines, which is better than cut ones.
    """
    if screen.is_terminal:
        screen.width = max(screen.width, least)
    else:
        screen.width = screen.measure(table, options=screen.options.update(width=_WIDEST)).maximum
    screen.print(table, soft_wrap=False)
