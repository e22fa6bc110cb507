"""One training of one recipe with Keras 3; runs in the environment of Keras and knows only the JSON of optotype.

    python keras_peer.py JOB.json [--paced]

A job contains a recipe (as JSON), a file of arrays, a seed, a backend and options; the answer is one line of JSON on
standard output. Keras runs in its fastest configuration: images in memory as float32, many steps per call, compiled
steps, and the thread settings of its backend.
"""

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Json = dict[str, Any]

# name -> (Keras backend, jit_compile)
BACKENDS = {
    "tensorflow": ("tensorflow", False),
    "tensorflow-xla": ("tensorflow", True),
    "jax": ("jax", True),
    "torch": ("torch", False),
}


@dataclass(frozen=True)
class Arrays:
    """Images as float32 in the recipe's pixel range, and labels, of the three splits.

    Attributes:
        train: The training images.
        validation: Scored at the end; None without validation images.
        watched: The validation images that are monitored after every epoch, for early stopping.
        test: Scored at the end.
    """

    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray] | None
    watched: tuple[np.ndarray, np.ndarray] | None
    test: tuple[np.ndarray, np.ndarray]


def read_arrays(job: Json) -> Arrays:
    """Read the job's arrays, scale the pixels as in the recipe, and separate the validation images.

    Args:
        job: "arrays" is an NPZ of uint8 images (n, h, w, c) and labels: train_images, train_labels, test_images,
            test_labels, and int64 indices "validation" into the training images (may be empty), with "watched" among
            them.

    Returns:
        The splits.
    """
    with np.load(job["arrays"]) as file:
        scale = np.float32(1 / 255 if job["recipe"]["pixels"] == "unit" else 1)
        images = file["train_images"].astype(np.float32) * scale
        labels = file["train_labels"].astype(np.int32)
        test = file["test_images"].astype(np.float32) * scale, file["test_labels"].astype(np.int32)
        validation_rows, watched = file["validation"], file["watched"]
    if not len(validation_rows):
        return Arrays((images, labels), None, None, test)
    train_rows = np.setdiff1d(np.arange(len(labels)), validation_rows)
    train, validation, monitored = (
        (images[rows], labels[rows]) for rows in (train_rows, validation_rows, watched)
    )
    return Arrays(train, validation, monitored, test)


def set_up(job: Json) -> None:
    """Set Keras's backend and threads; call it before Keras is imported."""
    backend, _ = BACKENDS[job["backend"]]
    os.environ["KERAS_BACKEND"] = backend
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    cores = job["cores"]
    # JAX has no setting for threads: it counts the processors that it may use.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    if backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415 - only where it is the backend

        tf.config.threading.set_intra_op_parallelism_threads(len(cores))
        tf.config.threading.set_inter_op_parallelism_threads(len(cores))
    if backend == "torch":
        import torch  # noqa: PLC0415 - only where it is the backend

        torch.set_num_threads(len(cores))


def build(job: Json, arrays: Arrays) -> Any:
    """Build and compile the recipe's net, including its head.

    Args:
        job: The job; its recipe's layers, head, optimizer and schedule are used.
        arrays: They determine the input shape and the number of classes and steps.

    Returns:
        A compiled keras.Sequential.
    """
    import keras  # noqa: PLC0415 - after set_up

    images, labels = arrays.train
    recipe = job["recipe"]
    specs = [
        *recipe["layers"],
        {"type": "Dense", "units": int(labels.max()) + 1, "activation": "softmax", **recipe["head"]},
    ]
    net = keras.Sequential([keras.Input(images.shape[1:]), *(_layer(keras, spec) for spec in specs)])
    steps = -(-len(labels) // recipe["batch_size"])
    net.compile(
        optimizer=_optimizer(keras, recipe, steps * recipe["epochs"]),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=BACKENDS[job["backend"]][1],
        # On PyTorch, Keras supports single steps only.
        steps_per_execution=1 if job["backend"] == "torch" else min(steps, 500),
    )
    return net


def _layer(keras: Any, spec: Json) -> Any:
    options = {key: value for key, value in spec.items() if key != "type"}
    if options.get("kernel_initializer") == "random_normal":
        options["kernel_initializer"] = keras.initializers.RandomNormal(stddev=0.05)
    return getattr(keras.layers, spec["type"])(**options)


def _optimizer(keras: Any, recipe: Json, steps: int) -> Any:
    options = {key: value for key, value in recipe["optimizer"].items() if key != "type"}
    if recipe["schedule"]["type"] == "one_cycle":
        rates = one_cycle(recipe["schedule"], options["learning_rate"], steps)
        options["learning_rate"] = _table(keras, rates)
    return getattr(keras.optimizers, recipe["optimizer"]["type"])(**options)


def one_cycle(schedule: Json, peak: float, steps: int) -> np.ndarray:
    """Return one learning rate per step, float32 of shape (steps,): two half cosines, as in PyTorch's OneCycleLR."""
    first = peak / schedule["div_factor"]
    last = first / schedule["final_div_factor"]
    top = max(schedule["pct_start"] * steps - 1, 0.5)
    at = np.arange(steps)
    rise = peak + (first - peak) / 2 * (1 + np.cos(np.pi * np.clip(at / top, 0, 1)))
    fall = last + (peak - last) / 2 * (
        1 + np.cos(np.pi * np.clip((at - top) / max(steps - 1 - top, 0.5), 0, 1))
    )
    rates: np.ndarray = np.where(at <= top, rise, fall).astype(np.float32)
    return rates


def _table(keras: Any, rates: np.ndarray) -> Any:
    class Table(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc] # Keras is untyped
        def __call__(self, step: Any) -> Any:
            index = keras.ops.minimum(keras.ops.cast(step, "int32"), len(rates) - 1)
            return keras.ops.take(keras.ops.convert_to_tensor(rates), index)

        def get_config(self) -> Json:
            return {}

    return Table()


class Clock:
    """Times epochs, including validation; if paced, each waits for a line on standard input and prints its seconds.

    Attributes:
        seconds: Wall-clock seconds of every epoch so far.
    """

    def __init__(self, *, paced: bool) -> None:
        self.seconds: list[float] = []
        self._paced = paced
        self._began = 0.0

    def begin(self, _epoch: int, _logs: Json | None = None) -> None:
        """Start an epoch."""
        if self._paced:
            sys.stdin.readline()
        self._began = time.perf_counter()

    def end(self, _epoch: int, _logs: Json | None = None) -> None:
        """End an epoch."""
        self.seconds.append(round(time.perf_counter() - self._began, 4))
        if self._paced:
            print(self.seconds[-1], flush=True)


def fit(job: Json, net: Any, arrays: Arrays) -> Json:
    """Train, and record the history, the seconds per epoch and the total seconds."""
    import keras  # noqa: PLC0415 - after set_up

    recipe = job["recipe"]
    clock = Clock(paced="--paced" in sys.argv)
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_begin=clock.begin, on_epoch_end=clock.end)]
    if recipe.get("early_stopping"):
        callbacks.append(keras.callbacks.EarlyStopping(**recipe["early_stopping"]))
    images, labels = arrays.train
    start = time.perf_counter()
    history = net.fit(
        images,
        labels,
        batch_size=recipe["batch_size"],
        epochs=job.get("epochs") or recipe["epochs"],
        validation_data=arrays.watched,
        validation_batch_size=1000,
        callbacks=callbacks,
        shuffle=True,
        verbose=0,
    ).history
    total = round(time.perf_counter() - start, 4)
    history.pop("learning_rate", None)
    rounded = {name: [round(float(value), 6) for value in values] for name, values in history.items()}
    return {"epochs": len(clock.seconds), "history": rounded, "seconds": clock.seconds, "total": total}


def score(net: Any, split: tuple[np.ndarray, np.ndarray] | None) -> Json | None:
    """Return the mean log loss and the accuracy on a split, from the net's probabilities."""
    if split is None:
        return None
    images, labels = split
    probabilities = net.predict(images, batch_size=1000, verbose=0).astype(np.float64)
    right = np.clip(probabilities[np.arange(len(labels)), labels], 1e-7, 1)
    accuracy = float(np.mean(probabilities.argmax(axis=1) == labels))
    return {"n": len(labels), "loss": round(float(-np.log(right).mean()), 6), "accuracy": round(accuracy, 6)}


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages."""
    from importlib import metadata  # noqa: PLC0415 - beside its use

    backends = {"tensorflow": ("tensorflow-cpu",), "jax": ("jax", "jaxlib"), "torch": ("torch",)}
    backend = backends[os.environ["KERAS_BACKEND"]]
    packages = {name: metadata.version(name) for name in ("keras", *backend, "numpy")}
    return {"python": ".".join(map(str, sys.version_info[:3])), **packages}


def run(job: Json) -> Json:
    """Run one job: train, then score unless only its seconds are wanted.

    Args:
        job: recipe, arrays, seed, backend, cores (their numbers); optionally "epochs" (instead of the recipe's)
            and "score": false.

    Returns:
        What fit gives, with seed, parameters, versions, and the scores of train, validation and test.
    """
    set_up(job)
    import keras  # noqa: PLC0415 - after set_up

    keras.utils.set_random_seed(int(job["seed"]))
    arrays = read_arrays(job)
    net = build(job, arrays)
    answer = {
        "seed": job["seed"],
        "parameters": net.count_params(),
        "versions": versions(),
        **fit(job, net, arrays),
    }
    if job.get("score", True):
        answer |= {name: score(net, getattr(arrays, name)) for name in ("train", "validation", "test")}
    return answer


if __name__ == "__main__":
    print(json.dumps(run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
