"""The pipe of a timed program: it reads a job as a line of JSON, then a line per turn, and writes answers."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

Json = dict[str, Any]

# Training images that measure the accuracy after the last turn.
SCORED = 10_000


class Parent:
    """The parent process.

    Attributes:
        job: The job; "task" is the name of the task.
    """

    def __init__(self) -> None:
        # Libraries may print to standard output, but only answers may reach the parent.
        self._answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self.job: Json = json.loads(sys.stdin.readline())
        self._began = 0.0

    def begin(self) -> None:
        """Wait for a turn, and start the clock."""
        sys.stdin.readline()
        self._began = time.perf_counter()

    def end(self) -> None:
        """Stop the clock, and send the seconds."""
        self.answer({"seconds": time.perf_counter() - self._began})

    def answer(self, message: Json) -> None:
        """Send a line of JSON."""
        print(json.dumps(message), file=self._answers, flush=True)


def run(tasks: Mapping[str, Callable[[Parent], Json]]) -> None:
    """Run the job's task, and answer with its result and the version of Python."""
    parent = Parent()
    if hasattr(os, "sched_setaffinity"):
        # Some libraries have no setting for threads: they count the processors that they may use.
        os.sched_setaffinity(0, parent.job["cores"])
    result = tasks[parent.job["task"]](parent)
    result["versions"] = {"python": ".".join(map(str, sys.version_info[:3])), **result["versions"]}
    parent.answer(result)


def versions(*names: str) -> dict[str, str]:
    """Return the versions of packages."""
    return {name: metadata.version(name) for name in names}


def read_images(job: Json, part: str = "train") -> tuple[NDArray[Any], NDArray[Any]]:
    """Read images and labels.

    Args:
        job: "arrays" is an NPZ with PART_images (uint8, n, h, w, c) and PART_labels (int64, n); "images", if present,
            is the number of images to use.
        part: "train" or "held".

    Returns:
        Images and labels, as stored in the file.
    """
    with np.load(job["arrays"]) as file:
        images, labels = file[f"{part}_images"], file[f"{part}_labels"]
    n = job.get("images") or len(labels)
    return images[:n], labels[:n]


def scaled(job: Json, images: NDArray[Any]) -> NDArray[np.float32]:
    """Return the images as float32 in the recipe's pixel range."""
    return images.astype(np.float32) * np.float32(1 / 255 if job["recipe"]["pixels"] == "unit" else 1)


def read_weights(job: Json) -> dict[str, NDArray[np.float32]]:
    """Read the weights for prediction, in Keras's layouts and order: "0.kernel", "0.bias", ..."""
    with np.load(job["weights"]) as file:
        return {name: file[name] for name in file.files}


def layers_with_head(job: Json) -> list[Json]:
    """Return the recipe's layers and its head."""
    head = {"type": "Dense", "units": job["classes"], "activation": "softmax", **job["recipe"]["head"]}
    return [*job["recipe"]["layers"], head]


def repeat(parent: Parent, predict: Callable[[NDArray[Any]], NDArray[Any]], images: NDArray[Any]) -> Json:
    """Predict in turns, each of "calls" calls.

    Args:
        parent: Its job has the number of turns.
        predict: From images to probabilities.
        images: Images in the library's format.

    Returns:
        "probabilities" of the first images, so that the sides can be compared.
    """
    for _ in range(parent.job["turns"]):
        parent.begin()
        for _ in range(parent.job["calls"]):
            probabilities = predict(images)
        parent.end()
    return {"probabilities": np.asarray(probabilities[:100], np.float64).round(6).tolist()}
