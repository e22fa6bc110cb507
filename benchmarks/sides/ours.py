"""optotype, through its public Python interface."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import optotype as ot
from benchmarks.sides import child
from benchmarks.sides.child import Json, Parent
from optotype.engine.network import Network
from optotype.randomness import permutation

_STATUS: Final = Path("/proc/self/status")


def train(parent: Parent) -> Json:
    """Train one epoch per turn."""
    job = parent.job
    images, labels = child.read_images(job)
    network = build(job, images)
    trained = epochs(job, network, images, labels)
    for _ in range(job["turns"]):
        parent.begin()
        next(trained)
        parent.end()
    logits = network.logits(images[: child.SCORED])
    accuracy = float(np.mean(logits.argmax(axis=1) == labels[: child.SCORED]))
    return {"accuracy": accuracy, "isa": network.isa, "versions": versions()}


def build(job: Json, images: NDArray[Any]) -> Network:
    """Build the recipe's network, ready to train."""
    recipe = ot.Recipe.model_validate(job["recipe"])
    augment = ot.Augment(**job["augment"]) if job.get("augment") else None
    layers = recipe.network_layers(job["classes"])
    options = {"threads": len(job["cores"]), "precision": job["precision"]}
    height, width, channels = images.shape[1:]
    network = Network(layers, (height, width, channels), scale=recipe.scale, **options)
    network.compile(recipe.optimizer, recipe.batch_size, augment)
    network.initialize(job["seed"])
    return network


def epochs(job: Json, network: Network, images: NDArray[Any], labels: NDArray[Any]) -> Iterator[None]:
    """Train endlessly at the optimizer's learning rate, in a new order every epoch."""
    recipe = ot.Recipe.model_validate(job["recipe"])
    steps = -(-len(labels) // recipe.batch_size)
    rates = np.full(steps, recipe.optimizer.learning_rate, np.float32)
    epoch = 0
    while True:
        order = permutation(len(labels), job["seed"], epoch)
        network.train_epoch(
            images, labels, order, learning_rates=rates, key=(job["seed"], epoch), report=None
        )
        yield
        epoch += 1


def predict(parent: Parent) -> Json:
    """Predict in single precision from uint8 pixels."""
    job = parent.job
    images, _ = child.read_images(job)
    names = tuple(str(label) for label in range(job["classes"]))
    recipe = ot.Recipe.model_validate(job["recipe"])
    model = ot.Model(recipe, images.shape[1:], names, child.read_weights(job))
    return {**child.repeat(parent, model.predict_proba, images), "versions": versions()}


def fresh(parent: Parent) -> Json:
    """Train the complete recipe into a run folder, including model and curves."""
    recipe = ot.Recipe.model_validate(parent.job["recipe"])
    run = ot.train(ot.load("mnist"), recipe, out=Path(parent.job["folder"]) / "run")
    return {"accuracy": run.epochs[-1].val_accuracy, "versions": versions()}


def memory(parent: Parent) -> Json:
    """Train two epochs of MNIST, and compare peak memory with the size of data and plan.

    Returns:
        "above": the peak above the imported process; "data" and "plan": the uint8 images, and all that the network asks
        for. In bytes.
    """
    job = parent.job
    tiny = ot.Recipe(layers=(ot.Flatten(),), batch_size=1)
    pixel = np.zeros((2, 1, 1, 1), np.uint8), np.arange(2)
    before = status("VmData")
    # The smallest network that trains: the memory of its threads is not part of a plan.
    smallest = build({**job, "recipe": tiny.model_dump()}, pixel[0])
    threads = status("VmData") - before
    next(epochs({**job, "recipe": tiny.model_dump()}, smallest, *pixel))
    # Resets the peak, so that the peak of the import is not counted.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    idle = status("VmRSS")
    data = ot.load("mnist")
    before = status("VmData")
    network = build(job, data.images)
    plan = status("VmData") - before - threads
    trained = epochs(job, network, data.images, data.labels)
    for _ in range(2):
        next(trained)
    above = status("VmHWM") - idle
    return {"above": above, "data": data.images.nbytes, "plan": plan, "versions": versions()}


def status(name: str) -> int:
    """Return a memory size of this process, in bytes."""
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def growth(parent: Parent) -> Json:
    """Train on increasing numbers of images of a mapped file, alternating.

    Returns:
        "seconds" for each image, a list a round, for each size in the job's "sizes".
    """
    job = parent.job
    images = np.memmap(job["mapped"], np.uint8, "r").reshape(-1, 28, 28, 1)
    labels = np.arange(len(images)) % 10
    sizes = job["sizes"]
    network = build(job, images)
    trainings = {size: epochs(job, network, images[:size], labels[:size]) for size in sizes}
    seconds: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(job["turns"]):
        for size, trained in trainings.items():
            # Enough epochs of a small set to take about as long as one of a third of the largest.
            repeated = max(1, sizes[-1] // 3 // size)
            start = time.perf_counter()
            for _ in range(repeated):
                next(trained)
            seconds[size].append((time.perf_counter() - start) / repeated / size)
    return {"seconds": {str(size): rounds for size, rounds in seconds.items()}, "versions": versions()}


def versions() -> dict[str, str]:
    """Return the versions of the packages."""
    return child.versions("optotype", "numpy")


if __name__ == "__main__":
    child.run({"train": train, "predict": predict, "fresh": fresh, "memory": memory, "growth": growth})
