"""Keras on any of its backends; the net is built by the program that reproduces the lessons."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sides import child
from benchmarks.sides.child import Json, Parent
from reproduce import keras_peer


def train(parent: Parent) -> Json:
    """Train one epoch per turn: one call of `fit`, which waits before every epoch."""
    job = parent.job
    keras = set_up(job)
    images, labels = child.read_images(job)
    pixels = child.scaled(job, images), labels.astype(np.int32)
    net = keras_peer.build(job, keras_peer.Arrays(pixels, None, None, pixels))
    turns = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: parent.begin(), on_epoch_end=lambda *_: parent.end()
    )
    fit(net, job, pixels, epochs=job["turns"], callbacks=[turns])
    first = pixels[0][: child.SCORED], pixels[1][: child.SCORED]
    return {"accuracy": score(net, first), "versions": keras_peer.versions()}


def predict(parent: Parent) -> Json:
    """Predict in single precision, with `predict` or `predict_on_batch`."""
    job = parent.job
    set_up(job)
    images, _ = child.read_images(job)
    # The labels only determine the number of classes.
    pixels = child.scaled(job, images), np.full(len(images), job["classes"] - 1)
    net = keras_peer.build(job, keras_peer.Arrays(pixels, None, None, pixels))
    net.set_weights(list(child.read_weights(job).values()))
    ways = {
        "predict": partial(net.predict, batch_size=1000, verbose=0),
        "predict_on_batch": net.predict_on_batch,
    }
    return {**child.repeat(parent, ways[job["way"]], pixels[0]), "versions": keras_peer.versions()}


def fresh(parent: Parent) -> Json:
    """Train the complete recipe and save the model."""
    job = parent.job
    set_up(job)
    train_set, held_out = (
        (child.scaled(job, images), labels.astype(np.int32))
        for images, labels in (child.read_images(job, part) for part in ("train", "held"))
    )
    net = keras_peer.build(job, keras_peer.Arrays(train_set, held_out, held_out, held_out))
    epochs = job["recipe"]["epochs"]
    history = fit(net, job, train_set, epochs=epochs, validation_data=held_out, validation_batch_size=1000)
    net.save(Path(job["folder"]) / "model.keras")
    return {"accuracy": float(history["val_accuracy"][-1]), "versions": keras_peer.versions()}


def set_up(job: Json) -> Any:
    """Choose backend, threads and data types, and import Keras."""
    keras_peer.set_up(job)
    import keras  # noqa: PLC0415 - it reads its backend when it is imported

    keras.config.set_dtype_policy(job.get("policy", "float32"))
    keras.utils.set_random_seed(int(job["seed"]))
    return keras


def fit(net: Any, job: Json, pixels: tuple[Any, Any], **options: Any) -> Json:
    """Train in a new order every epoch, and return the history."""
    batch = job["recipe"]["batch_size"]
    history: Json = net.fit(*pixels, batch_size=batch, shuffle=True, verbose=0, **options).history
    return history


def score(net: Any, pixels: tuple[Any, Any]) -> float:
    """Return the accuracy on images."""
    images, labels = pixels
    return float(np.mean(net.predict(images, batch_size=1000, verbose=0).argmax(axis=1) == labels))


if __name__ == "__main__":
    child.run({"train": train, "predict": predict, "fresh": fresh})
