"""Trainings with optotype, through its public interface, in temporary run folders."""

import platform
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib import metadata
from pathlib import Path
from threading import Event
from typing import Final

import optotype as ot
from optotype.engine.processor import Precision, resolve_precision
from optotype.judging.judgement import Score as Judged
from reproduce.machine import usable_cores
from reproduce.results import CACHE, Peer, Results, Score, Training, definition

PEERS: Final[dict[Precision, Peer]] = {"fp32": "optotype-fp32", "bf16": "optotype-bf16"}


def precisions() -> list[Precision]:
    """Return the precisions of this processor: fp32, and bf16 if "auto" selects it."""
    return list(dict.fromkeys(resolve_precision(precision)[1] for precision in ("fp32", "auto")))


def train_all(data: ot.Dataset, recipes: Sequence[ot.Recipe], workers: int) -> Iterator[Results]:
    """Train and judge recipes in parallel, each with its share of the cores, which does not affect the results.

    Args:
        data: The data set; its test split is opened once per recipe, and counted in build/reproduce.
        recipes: Each with its seed and precision, in the order of starting.
        workers: The number of parallel trainings.

    Yields:
        The results of one training at a time, as they finish.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    threads = max(1, len(usable_cores()) // workers)
    stopping = Event()

    def stop_if_asked(_: object) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt

    def train(recipe: ot.Recipe) -> Results:
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            run = ot.train(
                data, recipe, out=Path(folder) / recipe.name, threads=threads, report=stop_if_asked
            )
            return results(recipe, run, ot.judge(run, runs_root=CACHE))

    pool = ThreadPoolExecutor(workers)
    try:
        for future in as_completed([pool.submit(train, recipe) for recipe in recipes]):
            yield future.result()
    finally:
        # After a failure or Ctrl-C, running trainings stop and waiting ones do not start.
        stopping.set()
        pool.shutdown(cancel_futures=True)


def results(recipe: ot.Recipe, run: ot.Run, judgement: ot.Judgement) -> Results:
    """Return the record of a run and its judgement."""
    fields = ("loss", "accuracy", "val_loss", "val_accuracy") if recipe.validation else ("loss", "accuracy")
    training = Training(
        seed=recipe.seed,
        epochs=len(run.epochs),
        history={name: tuple(round(getattr(epoch, name), 6) for epoch in run.epochs) for name in fields},
        train=_score(judgement.splits["train"]),
        validation=_score(judgement.splits["validation"]) if recipe.validation else None,
        test=_score(judgement.score),
    )
    return Results(
        recipe=recipe.name,
        peer=PEERS["bf16" if run.environment.precision == "bf16" else "fp32"],
        definition=definition(recipe),
        split=run.split.fingerprint,
        backend=str(run.environment.isa),
        versions=versions(),
        trainings=(training,),
    )


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages."""
    return {
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("optotype", "numpy")},
    }


def _score(judged: Judged | None) -> Score:
    if judged is None:
        raise ValueError("A split has no score, expected one. Judge the run again.")
    return Score(n=judged.n, loss=round(judged.log_loss.value, 6), accuracy=round(judged.accuracy.value, 6))
