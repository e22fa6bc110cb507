"""Which of Keras's backends is fastest for a recipe: measured, and written down in results/RECIPE.backends.json."""

from pathlib import Path

import optotype as ot
from reproduce import peers
from reproduce.machine import Machine, this_machine, usable_cores
from reproduce.results import FOLDER, Definition, Frozen, definition, path, write


class Backends(Frozen):
    """Seconds of Keras's second epoch on each backend, on all cores: enough to choose by."""

    recipe: str
    definition: Definition
    machine: Machine
    seconds: dict[str, float]

    @property
    def fastest(self) -> str:
        """The backend whose epoch was shortest."""
        return min(self.seconds, key=lambda name: self.seconds[name])


def read_backends(recipe: str, folder: Path = FOLDER) -> Backends | None:
    """Read what was measured for a recipe; None where nothing was yet."""
    file = path(recipe, "backends", folder)
    return Backends.model_validate_json(file.read_text(encoding="utf-8")) if file.exists() else None


def fastest(data: ot.Dataset, recipe: ot.Recipe) -> str:
    """Name the backend on which Keras trains a recipe fastest, measuring it where that is not known."""
    known = read_backends(recipe.name)
    if known is None or known.definition != definition(recipe):
        known = measure(data, recipe)
    return known.fastest


def measure(data: ot.Dataset, recipe: ot.Recipe) -> Backends:
    """Train two epochs with Keras on each backend, and write down the seconds of the second."""
    arrays, _ = peers.write_arrays(data, recipe)
    seconds = {}
    for name in peers.BACKENDS:
        job = peers.Job(recipe, name, epochs=2, score=False)
        seconds[name] = peers.run_job(job, arrays, usable_cores())["seconds"][-1]
    found = Backends(
        recipe=recipe.name, definition=definition(recipe), machine=this_machine(), seconds=seconds
    )
    write(found, path(recipe.name, "backends"))
    return found
