"""The tables of accuracy: the lesson's value, Keras, optotype, and the difference with its interval."""

from dataclasses import dataclass
from statistics import fmean
from typing import Final, Literal

from optotype.metrics.welch import mean_difference
from reproduce.lessons import LESSONS
from reproduce.results import Results, Score, Training

MARGIN: Final = -0.3  # percentage points: how far ours may fall behind, at the interval's lower end
NONE: Final = "-"
SplitName = Literal["test", "validation"]


@dataclass(frozen=True)
class Pair:
    """The results of both libraries with one recipe; None if there are none yet."""

    recipe: str
    keras: Results | None
    ours: Results | None


def accuracies(results: Results, split: SplitName) -> list[float]:
    """Return the accuracy of every training on a split, by seed; empty if the recipe has no such split."""
    scores: list[Score | None] = [getattr(training, split) for training in results.trainings]
    return [score.accuracy for score in scores if score is not None]


def accuracy_table(pairs: list[Pair], split: SplitName) -> str:
    """Render a table with one row per recipe."""
    head = [
        "| recipe | lesson | Keras today (range) | n | optotype (range) | n | difference, pp | 95 % interval | holds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(_row(pair, split) for pair in pairs)])


def _row(pair: Pair, split: SplitName) -> str:
    theirs = accuracies(pair.keras, split) if pair.keras else []
    ours = accuracies(pair.ours, split) if pair.ours else []
    lesson = getattr(LESSONS[pair.recipe], split) or "none"
    cells = [
        pair.recipe,
        lesson,
        spread(theirs),
        str(len(theirs)),
        spread(ours),
        str(len(ours)),
        *verdict(ours, theirs),
    ]
    return f"| {' | '.join(cells)} |"


def verdict(ours: list[float], theirs: list[float], margin: float = MARGIN) -> tuple[str, str, str]:
    """Format the difference of two means, its interval, and whether its lower bound is above the margin."""
    if min(len(ours), len(theirs)) < 2:
        return NONE, NONE, NONE
    found = mean_difference([100 * each for each in ours], [100 * each for each in theirs])
    holds = "yes" if found.low > margin else "**no**"
    return f"{found.mean:+.2f}", f"{found.low:+.2f} to {found.high:+.2f}", holds


def spread(values: list[float], digits: int = 4) -> str:
    """Format a mean and its range."""
    if not values:
        return NONE
    return f"{fmean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def first_epoch_line(pair: Pair) -> str:
    """Render the training accuracy of dnn-sigmoid after one epoch, the only result that its lesson mentions."""
    if pair.keras is None or pair.ours is None:
        return ""
    theirs, ours = (
        [each.history["accuracy"][0] for each in side.trainings] for side in (pair.keras, pair.ours)
    )
    return (
        f"The lesson of `{pair.recipe}` prints no result but asks why training accuracy is below 20 % after the first"
        f" epoch. It is {spread(theirs)} with Keras, {spread(ours)} with optotype."
    )


def early_table(pair: Pair) -> str:
    """Render when early stopping stops and which accuracy it reaches."""
    columns = (
        "epochs trained",
        "best epoch",
        "its validation loss",
        "its validation accuracy",
        "its test accuracy",
    )
    head = [f"| | {' | '.join(f'{column} (range)' for column in columns)} |", f"|---|{'---|' * len(columns)}"]
    sides = (("Keras", pair.keras), ("optotype", pair.ours))
    rows = [f"| {name} | {' | '.join(_stops(side))} |" for name, side in sides if side is not None]
    return "\n".join([*head, *rows])


def _stops(results: Results) -> list[str]:
    trained = [float(each.epochs) for each in results.trainings]
    best = [float(_best_epoch(each)) for each in results.trainings]
    losses = [each.validation.loss for each in results.trainings if each.validation]
    return [
        spread(trained, 1),
        spread(best, 1),
        spread(losses),
        spread(accuracies(results, "validation")),
        spread(accuracies(results, "test")),
    ]


def _best_epoch(training: Training) -> int:
    losses = training.history["val_loss"]
    return 1 + losses.index(min(losses))
