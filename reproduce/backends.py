"""The fastest Keras backend for a recipe, measured and saved in results/RECIPE.backends.json."""

from pathlib import Path

import optotype as ot
from reproduce import peers
from reproduce.machine import Machine, this_machine, usable_cores
from reproduce.results import FOLDER, Definition, Frozen, definition, path, write


class Backends(Frozen):
    """Seconds of Keras's second epoch on each backend, on all cores: enough to choose one."""

    recipe: str
    definition: Definition
    machine: Machine
    seconds: dict[str, float]

    @property
    def fastest(self) -> str:
        """The backend with the shortest epoch."""
        return min(self.seconds, key=lambda name: self.seconds[name])


def read_backends(recipe: str, folder: Path = FOLDER) -> Backends | None:
    """Read the measurements of a recipe; None if there are none yet."""
    file = path(recipe, "backends", folder)
    return Backends.model_validate_json(file.read_text(encoding="utf-8")) if file.exists() else None


def fastest(data: ot.Dataset, recipe: ot.Recipe) -> str:
    """Return the backend on which Keras trains a recipe fastest; measure it if it is not known."""
    known = read_backends(recipe.name)
    if known is None or known.definition != definition(recipe):
        known = measure(data, recipe)
    return known.fastest


def measure(data: ot.Dataset, recipe: ot.Recipe) -> Backends:
    """Train two epochs with Keras on each backend, and save the seconds of the second."""
    arrays, _ = peers.write_arrays(data, recipe)
    seconds = {}
    for name in peers.BACKENDS:
        job = peers.Job(recipe, name, epochs=2, score=False)
        seconds[name] = peers.run_job(job, arrays, usable_cores())["seconds"][-1]
    backends = Backends(
        recipe=recipe.name, definition=definition(recipe), machine=this_machine(), seconds=seconds
    )
    write(backends, path(recipe.name, "backends"))
    return backends
