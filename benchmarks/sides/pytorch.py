"""PyTorch: a written-out training loop on images in memory, as one tensor, channels last.

A setting has "dtype": "float32", "autocast" (weights in float32, operations in bfloat16) or "bfloat16" (weights and
images too), and "compiled": whether torch.compile makes one program of the forward pass and the loss.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.sides import child
from benchmarks.sides.child import Json, Parent
from benchmarks.sides.layouts import channels_first

_ACTIVATIONS = {"relu": lambda: nn.ReLU(inplace=True), "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


class Training:
    """A net with its optimizer and images.

    Args:
        job: The recipe and the setting.
        images: uint8, (n, h, w, c).
        labels: Integers, (n,).
    """

    def __init__(self, job: Json, images: Any, labels: Any) -> None:
        self._job, self._recipe = job, job["recipe"]
        dtype = torch.bfloat16 if job["dtype"] == "bfloat16" else torch.float32
        self.images = torch.from_numpy(child.scaled(job, images)).to(dtype)
        self.labels = torch.from_numpy(labels.astype(np.int64))
        layers = child.layers_with_head(job)
        self.net = build(layers, images.shape[1:]).to(dtype, memory_format=torch.channels_last)
        self.optimizer = _optimizer(self._recipe, self.net)
        self.schedule = _schedule(self._recipe, self.optimizer, len(labels))
        self._loss_of = torch.compile(self._loss, dynamic=False) if job["compiled"] else self._loss

    def epoch(self) -> None:
        """Train one epoch in a new order."""
        self.net.train()
        for rows in torch.randperm(len(self.labels)).split(self._recipe["batch_size"]):
            images = self.images.index_select(0, rows).permute(0, 3, 1, 2)
            self.optimizer.zero_grad(set_to_none=True)
            self._loss_of(images, self.labels.index_select(0, rows)).backward()
            self.optimizer.step()
            if self.schedule is not None:
                self.schedule.step()

    def accuracy(self, images: torch.Tensor, labels: torch.Tensor) -> float:
        """Return the accuracy on images."""
        self.net.eval()
        with torch.inference_mode(), self._autocast():
            predictions = [self.net(part.permute(0, 3, 1, 2)).argmax(dim=1) for part in images.split(1000)]
        return float((torch.cat(predictions) == labels).float().mean())

    def _loss(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with self._autocast():
            logits = self.net(images)
        return nn.functional.cross_entropy(logits.float(), labels)

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast("cpu", torch.bfloat16) if self._job["dtype"] == "autocast" else nullcontext()


def build(layers: list[Json], shape: tuple[int, ...]) -> nn.Sequential:
    """Build the net up to its logits, with Keras's initial weights."""
    modules: list[nn.Module] = []
    probe = torch.zeros(1, shape[2], shape[0], shape[1])
    for layer in layers:
        added = _modules(layer, int(probe.shape[1]), flat=probe.ndim == 2)
        for module in added:
            if isinstance(module, nn.Conv2d | nn.Linear):
                _initialize(module, layer["kernel_initializer"])
            # One sample has no variance in training mode; batch normalization keeps the shape anyway.
            probe = module.eval()(probe)
        modules += added
    return nn.Sequential(*modules)


def _modules(layer: Json, inputs: int, *, flat: bool) -> list[nn.Module]:
    match layer["type"]:
        case "Dense":
            made: nn.Module = nn.Linear(inputs, layer["units"])
        case "Conv2D":
            padding = layer.get("padding", "valid")
            made = nn.Conv2d(inputs, layer["filters"], layer["kernel_size"], padding=padding)
        case "MaxPooling2D":
            return [nn.MaxPool2d(layer["pool_size"])]
        case "Flatten":
            return [nn.Flatten()]
        case "Dropout":
            return [nn.Dropout(layer["rate"])]
        case _:
            kind = nn.BatchNorm1d if flat else nn.BatchNorm2d
            return [kind(inputs, layer["epsilon"], 1 - layer["momentum"])]
    activation = _ACTIVATIONS.get(layer["activation"])
    return [made, activation()] if activation else [made]


def _initialize(module: nn.Conv2d | nn.Linear, kind: str) -> None:
    if kind == "random_normal":
        nn.init.normal_(module.weight, std=0.05)
    else:
        nn.init.xavier_uniform_(module.weight)
    if module.bias is not None:
        nn.init.zeros_(module.bias)


def _optimizer(recipe: Json, net: nn.Module) -> torch.optim.Optimizer:
    options = recipe["optimizer"]
    rate = options["learning_rate"]
    match options["type"]:
        case "SGD":
            return torch.optim.SGD(net.parameters(), rate, options["momentum"], fused=True)
        case "RMSprop":
            # It has no fused implementation.
            return torch.optim.RMSprop(
                net.parameters(), rate, options["rho"], options["epsilon"], foreach=True
            )
        case _:
            decays = options["beta_1"], options["beta_2"]
            return torch.optim.Adam(net.parameters(), rate, decays, options["epsilon"], fused=True)


def _schedule(recipe: Json, optimizer: torch.optim.Optimizer, images: int) -> Any:
    options = recipe["schedule"]
    if options["type"] != "one_cycle":
        return None
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe["optimizer"]["learning_rate"],
        -(-images // recipe["batch_size"]) * recipe["epochs"] + 1,
        pct_start=options["pct_start"],
        cycle_momentum=False,
        div_factor=options["div_factor"],
        final_div_factor=options["final_div_factor"],
    )


def train(parent: Parent) -> Json:
    """Train one epoch per turn."""
    set_up(parent.job)
    training = Training(parent.job, *child.read_images(parent.job))
    for _ in range(parent.job["turns"]):
        parent.begin()
        training.epoch()
        parent.end()
    first = training.images[: child.SCORED], training.labels[: child.SCORED]
    return {"accuracy": training.accuracy(*first), "versions": child.versions("torch")}


def predict(parent: Parent) -> Json:
    """Predict in single precision."""
    job = parent.job
    set_up(job)
    images, _ = child.read_images(job)
    layers = child.layers_with_head(job)
    net = build(layers, images.shape[1:]).eval().to(memory_format=torch.channels_last)
    weights = channels_first(child.read_weights(job), layers, images.shape[1:])
    with torch.no_grad():
        for parameter, weight in zip(net.parameters(), weights.values(), strict=True):
            parameter.copy_(torch.from_numpy(weight))
    pixels = torch.from_numpy(child.scaled(job, images))
    return {**child.repeat(parent, _predicting(net), pixels), "versions": child.versions("torch")}


def _predicting(net: nn.Module) -> Callable[[Any], Any]:
    def predict(images: torch.Tensor) -> Any:
        with torch.inference_mode():
            probabilities = [net(part.permute(0, 3, 1, 2)).softmax(dim=1) for part in images.split(1000)]
            return torch.cat(probabilities).numpy()

    return predict


def fresh(parent: Parent) -> Json:
    """Train the complete recipe and save the model."""
    job = parent.job
    set_up(job)
    training = Training(job, *child.read_images(job))
    images, labels = child.read_images(job, "held")
    held_out = torch.from_numpy(child.scaled(job, images)), torch.from_numpy(labels)
    for _ in range(job["recipe"]["epochs"]):
        training.epoch()
        accuracy = training.accuracy(*held_out)
    torch.save(training.net.state_dict(), Path(job["folder"]) / "model.pt")
    return {"accuracy": accuracy, "versions": child.versions("torch")}


def set_up(job: Json) -> None:
    """Choose threads and seed."""
    torch.set_num_threads(len(job["cores"]))
    torch.manual_seed(job["seed"])


if __name__ == "__main__":
    child.run({"train": train, "predict": predict, "fresh": fresh})
