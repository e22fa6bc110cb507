"""`optotype judge`: loss and accuracy with its interval on training, validation and the unsealed test images."""

from typing import TYPE_CHECKING, Annotated

import typer

from optotype.cli.terminal import console, print_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from optotype.judging.judge import Judgement


def judge(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A run folder or a model file.")],
    json: Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON object only.")] = False,
) -> None:
    """Judge a finished run or its model on training, validation and test images.

    This opens the sealed test set. Every opening is counted and shown, for a test set that
    was looked at often says less about images that nobody has seen.
    """
    from optotype.judging.judge import judge as judge_target

    judgement = judge_target(target)
    if json:
        print_json(judgement.to_json())
        return
    print_judgement(console(), judgement)


def print_judgement(screen: "Console", judgement: "Judgement") -> None:
    """Print a judgement: a row for each split, and the test score in a line."""
    screen.print(_table(judgement))
    screen.print(f"test {judgement}", style="bold")


def _table(judgement: "Judgement") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("split")
    for heading in ("images", "loss", "accuracy", "95 % interval"):
        table.add_column(heading, justify="right")
    for name, score in judgement.splits.items():
        if score is None:
            table.add_row(name, "0", "-", "-", "-")
        else:
            interval = f"[{score.low:.4f}, {score.high:.4f}]"
            table.add_row(name, f"{score.n:,}", f"{score.loss:.4f}", f"{score.accuracy:.4f}", interval)
    return table
