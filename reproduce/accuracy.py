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
    optotype: Results | None


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
    keras = accuracies(pair.keras, split) if pair.keras else []
    optotype = accuracies(pair.optotype, split) if pair.optotype else []
    lesson = getattr(LESSONS[pair.recipe], split) or "none"
    cells = [
        pair.recipe,
        lesson,
        spread(keras),
        str(len(keras)),
        spread(optotype),
        str(len(optotype)),
        *verdict(optotype, keras),
    ]
    return f"| {' | '.join(cells)} |"


def verdict(optotype: list[float], keras: list[float], margin: float = MARGIN) -> tuple[str, str, str]:
    """Format the difference of two means, its interval, and whether its lower bound is above the margin."""
    if min(len(optotype), len(keras)) < 2:
        return NONE, NONE, NONE
    difference = mean_difference(
        [100 * accuracy for accuracy in optotype], [100 * accuracy for accuracy in keras]
    )
    holds = "yes" if difference.low > margin else "**no**"
    return f"{difference.mean:+.2f}", f"{difference.low:+.2f} to {difference.high:+.2f}", holds


def spread(values: list[float], digits: int = 4) -> str:
    """Format a mean and its range."""
    if not values:
        return NONE
    return f"{fmean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def first_epoch_line(pair: Pair) -> str:
    """Render the training accuracy of dnn-sigmoid after one epoch, the only result that its lesson mentions."""
    if pair.keras is None or pair.optotype is None:
        return ""
    keras, optotype = (
        [training.history["accuracy"][0] for training in side.trainings]
        for side in (pair.keras, pair.optotype)
    )
    return (
        f"The lesson of `{pair.recipe}` prints no result but asks why training accuracy is below 20 % after the first"
        f" epoch. It is {spread(keras)} with Keras, {spread(optotype)} with optotype."
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
    sides = (("Keras", pair.keras), ("optotype", pair.optotype))
    rows = [f"| {name} | {' | '.join(_stops(side))} |" for name, side in sides if side is not None]
    return "\n".join([*head, *rows])


def _stops(results: Results) -> list[str]:
    trained = [float(training.epochs) for training in results.trainings]
    best = [float(_best_epoch(training)) for training in results.trainings]
    losses = [training.validation.loss for training in results.trainings if training.validation]
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
