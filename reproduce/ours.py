"""optotype's side: every training goes through the public door, into a run folder that is thrown away."""

import platform
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import optotype as ot
from optotype.judging.judge import Score as Judged
from reproduce.results import CACHE, Results, Score, Training, definition


def train_all(data: ot.Dataset, recipes: list[ot.Recipe], threads: int | None) -> Iterator[Results]:
    """Train and judge recipes one after the other.

    Args:
        data: The data set; its test split is opened once a recipe, and counted in build/reproduce.
        recipes: Each with its seed.
        threads: For the engine; None for every core. The results do not depend on it.

    Yields:
        The results of one training at a time.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    for recipe in recipes:
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            run = ot.train(data, recipe, out=Path(folder) / recipe.name, threads=threads)
            yield results(recipe, run, ot.judge(run, runs_root=CACHE))


def results(recipe: ot.Recipe, run: ot.Run, judgement: ot.Judgement) -> Results:
    """Make a record of a run and its judgement."""
    fields = ("loss", "accuracy", "val_loss", "val_accuracy") if recipe.validation else ("loss", "accuracy")
    training = Training(
        seed=recipe.seed,
        epochs=len(run.epochs),
        history={name: tuple(round(getattr(each, name), 6) for each in run.epochs) for name in fields},
        train=_score(judgement.splits["train"]),
        validation=_score(judgement.splits["validation"]) if recipe.validation else None,
        test=_score(judgement.test),
    )
    return Results(
        recipe=recipe.name,
        peer="optotype",
        definition=definition(recipe),
        split=run.split.fingerprint,
        backend=str(run.environment["isa"]),
        versions=versions(),
        trainings=(training,),
    )


def versions() -> dict[str, str]:
    """Name the Python and the packages that did the work."""
    return {
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("optotype", "numpy")},
    }


def _score(judged: Judged | None) -> Score:
    if judged is None:
        raise ValueError("A split has no score, expected one. Judge the run again.")
    return Score(n=judged.n, loss=round(judged.loss, 6), accuracy=round(judged.accuracy, 6))
