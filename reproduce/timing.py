"""Seconds per epoch of both libraries in one session: an epoch of Keras, an epoch of optotype, alternating.

Both are warm (the first epoch, which compiles and touches memory for the first time, is not counted), both use every
core, and neither computes while the other does. An epoch includes its validation.
"""

import tempfile
import time
from pathlib import Path
from typing import Final

import optotype as ot
from optotype.training.loop import epochs
from optotype.training.plan import build_network, plan_training
from reproduce import peers
from reproduce.backends import fastest
from reproduce.machine import Machine, this_machine, usable_cores
from reproduce.ours import versions
from reproduce.results import CACHE, FOLDER, Definition, Frozen, definition, path, write

# Counted epochs per library, after a warm-up epoch.
_ROUNDS: Final = 3
_WHOLE: Final = ("mnist-quick",)


class Seconds(Frozen):
    """The seconds of one library.

    Attributes:
        backend: Keras's backend, or optotype's instruction set.
        versions: The versions of Python and of the packages.
        epochs: Seconds of every counted epoch.
        whole: Seconds of complete trainings, including compilation; empty if not measured.
    """

    backend: str
    versions: dict[str, str]
    epochs: tuple[float, ...]
    whole: tuple[float, ...] = ()


class Timing(Frozen):
    """The seconds of one recipe on one machine, both libraries interleaved."""

    recipe: str
    definition: Definition
    machine: Machine
    keras: Seconds
    optotype: Seconds


def read_timing(recipe: str, folder: Path = FOLDER) -> Timing | None:
    """Read a recipe's timing; None if there is none yet."""
    file = path(recipe, "seconds", folder)
    return Timing.model_validate_json(file.read_text(encoding="utf-8")) if file.exists() else None


def measure(data: ot.Dataset, recipe: ot.Recipe) -> Timing:
    """Time a recipe with both libraries and save the result.

    Args:
        data: The data set.
        recipe: Trained for a warm-up epoch and three counted ones a side; where its claim is about the whole
            training, that too, three times.

    Returns:
        The saved timing.
    """
    machine = this_machine()
    # Early stopping would leave too few epochs to time.
    changes = {"early_stopping": "none", "epochs": max(recipe.epochs, _ROUNDS + 1)}
    paced = recipe.override(changes)
    job = peers.Job(paced, fastest(data, recipe), epochs=_ROUNDS + 1, score=False)
    keras, optotype = _epochs(data, job, machine)
    if recipe.name in _WHOLE:
        keras, optotype = _add_whole(data, recipe, keras, optotype)
    timing = Timing(
        recipe=recipe.name, definition=definition(recipe), machine=machine, keras=keras, optotype=optotype
    )
    write(timing, path(recipe.name, "seconds"))
    return timing


def _epochs(data: ot.Dataset, job: peers.Job, machine: Machine) -> tuple[Seconds, Seconds]:
    recipe = job.recipe
    plan = plan_training(data, recipe, machine.cores)
    network = build_network(plan)
    epochs_of_ours = epochs(plan, network)
    seconds: list[float] = []
    arrays, _ = peers.write_arrays(data, recipe)
    answer = peers.run_paced(
        job, arrays, usable_cores(), lambda: seconds.append(round(next(epochs_of_ours).seconds, 4))
    )
    keras = Seconds(backend=job.backend, versions=answer["versions"], epochs=answer["seconds"][1:])
    return keras, Seconds(backend=network.isa, versions=versions(), epochs=tuple(seconds[1:]))


def _add_whole(
    data: ot.Dataset, recipe: ot.Recipe, keras: Seconds, optotype: Seconds
) -> tuple[Seconds, Seconds]:
    """Return the timing with the seconds of complete trainings, alternating; optotype's include the run folder."""
    arrays, _ = peers.write_arrays(data, recipe)
    keras_totals, optotype_totals = [], []
    for _ in range(_ROUNDS):
        job = peers.Job(recipe, keras.backend, score=False)
        keras_totals.append(peers.run_job(job, arrays, usable_cores())["total"])
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            start = time.perf_counter()
            ot.train(data, recipe, out=Path(folder) / recipe.name)
            optotype_totals.append(round(time.perf_counter() - start, 4))
    keras = keras.model_copy(update={"whole": tuple(keras_totals)})
    return keras, optotype.model_copy(update={"whole": tuple(optotype_totals)})
