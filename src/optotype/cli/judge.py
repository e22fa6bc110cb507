"""`optotype judge`: loss and accuracy with its interval on training, validation and the unsealed test images."""

from typing import TYPE_CHECKING, Annotated

import typer

from optotype.cli.terminal import console, print_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from optotype.judging.judgement import Judgement


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
    screen.print(f"{judgement.on} {judgement}", style="bold")


def _table(judgement: "Judgement") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("split")
    for heading in ("images", "loss", "accuracy", "95 % interval", "macro F1", "top 3"):
        table.add_column(heading, justify="right")
    for name, score in judgement.splits.items():
        if score is None:
            table.add_row(name, "0", "-", "-", "-", "-", "-")
            continue
        interval = f"[{score.accuracy.low:.4f}, {score.accuracy.high:.4f}]"
        numbers = (score.log_loss, score.accuracy, score.f1, score.top3)
        loss, accuracy, f1, top3 = ("-" if each is None else f"{each.value:.4f}" for each in numbers)
        table.add_row(name, f"{score.n:,}", loss, accuracy, interval, f1, top3)
    return table
