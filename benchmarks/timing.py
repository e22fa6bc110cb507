"""The lines with alternating sides: epochs, predictions, and trainings from a fresh process to a saved model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

import optotype as ot
from benchmarks import arrays, work
from benchmarks.children import Answer, Job, Side, SideFailedError, run_alone, take_turns
from benchmarks.results import Measured
from benchmarks.settings import (
    AVX2,
    FP32_TRAINERS,
    FRESH,
    PLAIN,
    PREDICTORS,
    TRAINERS,
    augmented,
    ours,
    with_variables,
)
from reproduce.machine import this_machine

_CLASSES: Final = 10
_DIGIT: Final = (28, 28, 1)
# Rounds of the trainings from a fresh process, which are long.
_FRESH_ROUNDS: Final = 3


@dataclass(frozen=True)
class Effort:
    """The amount of measuring.

    Attributes:
        rounds: Turns per side.
        images: The maximum number of training images per turn.
        trial: The same for the short timings of the peers' settings.
        seconds: Seconds of each loop that measures the processor's limit.
        load: Seconds per load on a server.
    """

    rounds: int
    images: int
    trial: int
    seconds: float
    load: float


FULL: Final = Effort(rounds=5, images=1_000_000, trial=6_000, seconds=0.05, load=4)
QUICK: Final = Effort(rounds=1, images=600, trial=300, seconds=0.01, load=1)


def epochs(line: str, effort: Effort, *, avx2: bool = False) -> Measured:
    """Time epochs of the built-in recipe with the line's name, on all of MNIST.

    Args:
        line: The name of a built-in recipe, with the suffix "-avx2" if all sides are restricted to AVX2.
        effort: The amount of measuring.
        avx2: Whether all sides are restricted to AVX2.
    """
    recipe = ot.load_recipe(line.removesuffix("-avx2")).override({"validation": 0, "early_stopping": "none"})
    return _training(line, recipe, _ImageFile(arrays.mnist(recipe), 60_000, _DIGIT), effort, avx2=avx2)


def convolutions(line: str, effort: Effort) -> Measured:
    """Time the 3x3 convolutions of a CIFAR net, forward and backward, on images of 31x31 pixels."""
    stages = (64, 64), (256, 256), (256,)
    layers: list[ot.Conv2D | ot.MaxPooling2D | ot.Flatten] = []
    for filters in stages:
        layers += [ot.Conv2D(n_filters, 3, "relu", padding="same") for n_filters in filters]
        layers += [ot.MaxPooling2D(2)]
    recipe = ot.Recipe(
        name=line, layers=(*layers, ot.Flatten()), optimizer=ot.SGD(0.01, 0.9), batch_size=256, validation=0
    )
    shape, n = (31, 31, 24), min(1024, effort.images)
    # One batch takes a second, which is enough to choose a setting.
    effort = replace(effort, trial=min(effort.trial, recipe.batch_size))
    return _training(line, recipe, _ImageFile(arrays.coloured(n, shape), n, shape), effort)


def augmentation(line: str, effort: Effort) -> Measured:
    """Time epochs of cnn-large without and with augmentation, alternating."""
    recipe = ot.load_recipe("cnn-large").override({"validation": 0})
    images = min(60_000, effort.images)
    job = {"task": "train", **job_of(recipe, arrays.mnist(recipe)), "images": images}
    results = take_turns(augmented(), job, effort.rounds)
    return record(line, "s", list(results.answers.values()), results.seconds)


@dataclass(frozen=True)
class _ImageFile:
    """A file of images, their number, and their shape."""

    file: Path
    n: int
    shape: tuple[int, int, int]


def _training(
    line: str, recipe: ot.Recipe, images: _ImageFile, effort: Effort, *, avx2: bool = False
) -> Measured:
    work.build_peak_program()
    variables = AVX2 if avx2 else {}
    peers = with_variables(FP32_TRAINERS if avx2 else TRAINERS, variables)
    our_sides = with_variables(ours()[-1:] if avx2 else ours(), variables)
    n = min(images.n, effort.images)
    job = {"task": "train", **job_of(recipe, images.file), "images": n}
    trial = min(n, effort.trial)
    tried, failed = _try(peers, {**job, "images": trial}, n / trial)
    limits: list[dict[str, float]] = []
    sides = (*our_sides, *_finalists(peers, tried))
    results = take_turns(sides, job, effort.rounds, lambda: limits.append(work.measure_peaks(effort.seconds)))
    measured = record(line, "s", list(results.answers.values()), results.seconds)
    isas = {
        side.name: f"{results.answers[side.name]['isa']} {side.settings['precision']}" for side in our_sides
    }
    checks = {name: round(answer["accuracy"], 4) for name, answer in results.answers.items()}
    update = {
        "tried": tried,
        "failed": failed,
        "checks": checks,
        "peaks": {name: tuple(limit[isa] for limit in limits) for name, isa in isas.items()},
        "flop": float(n * work.flop_of_image(recipe.network_layers(_CLASSES), images.shape)),
    }
    return measured.model_copy(update=update)


def prediction(line: str, effort: Effort, *, images: int, calls: int) -> Measured:
    """Time predictions with cnn-small, all sides in single precision and with the same weights.

    Args:
        line: The name of the line.
        effort: The amount of measuring.
        images: Images per call.
        calls: Calls per turn.
    """
    recipe = ot.load_recipe("cnn-small").override({"validation": 0})
    file, weights = arrays.mnist(recipe), arrays.first_weights(recipe)
    calls = min(calls, effort.images)
    job = {
        "task": "predict",
        **job_of(recipe, file),
        "images": images,
        "weights": str(weights),
        "calls": calls,
    }
    tried, failed = _try(PREDICTORS, job, 1 / calls)
    results = take_turns((PLAIN, *_finalists(PREDICTORS, tried)), job, effort.rounds)
    seconds = {name: tuple(turn / calls for turn in turns) for name, turns in results.seconds.items()}
    measured = record(line, "s", list(results.answers.values()), seconds)
    probabilities = {name: np.array(answer["probabilities"]) for name, answer in results.answers.items()}
    expected = probabilities[PLAIN.name]
    checks = {name: float(np.abs(values - expected).max().round(6)) for name, values in probabilities.items()}
    return measured.model_copy(update={"tried": tried, "failed": failed, "checks": checks})


def fresh(line: str, effort: Effort) -> Measured:
    """Time mnist-quick from the start of a process to a saved model."""
    recipe = ot.load_recipe("mnist-quick")
    if effort.images < recipe.batch_size * 100:
        recipe = recipe.override({"validation": 60_000 - effort.images, "epochs": 1})
    job = {"task": "fresh", **job_of(recipe, arrays.mnist(recipe))}
    sides = (PLAIN, *FRESH)
    seconds: dict[str, list[float]] = {side.name: [] for side in sides}
    answers: dict[str, Answer] = {}
    for _ in range(min(effort.rounds, _FRESH_ROUNDS)):
        for side in sides:
            duration, answers[side.name] = run_alone(side, job)
            seconds[side.name].append(duration)
    measured = record(
        line, "s", list(answers.values()), {name: tuple(times) for name, times in seconds.items()}
    )
    checks = {name: round(answer["accuracy"], 4) for name, answer in answers.items()}
    return measured.model_copy(update={"checks": checks})


def job_of(recipe: ot.Recipe, file: Path) -> Job:
    """Return the part of a job that all tasks share."""
    return {"recipe": json.loads(recipe.to_json()), "arrays": str(file), "seed": 0, "classes": _CLASSES}


def _try(sides: Sequence[Side], job: Job, scale: float) -> tuple[dict[str, float], dict[str, str]]:
    """Return the shorter of two turns per side, after a warm-up turn, and the last line of each error."""
    tried: dict[str, float] = {}
    failed: dict[str, str] = {}
    for side in sides:
        try:
            seconds = min(take_turns([side], job, 2).seconds[side.name])
            tried[side.name] = float(f"{seconds * scale:.4g}")
            print(f"    tried {side.name}: {tried[side.name]:g} s", flush=True)
        except SideFailedError as error:
            failed[side.name] = str(error).splitlines()[-1][:200]
            print(f"    {error}", flush=True)
    return tried, failed


def _finalists(sides: Sequence[Side], tried: Mapping[str, float]) -> list[Side]:
    """Return the fastest setting of each library."""
    fastest: dict[str, Side] = {}
    for side in sorted((side for side in sides if side.name in tried), key=lambda side: tried[side.name]):
        fastest.setdefault(side.library, side)
    return list(fastest.values())


def record(line: str, unit: str, answers: Sequence[Answer], values: dict[str, tuple[float, ...]]) -> Measured:
    """Return the record of values, with date, machine and versions."""
    versions: dict[str, str] = {}
    for answer in answers:
        versions |= answer["versions"]
    return Measured(
        line=line,
        date=datetime.now(UTC).date().isoformat(),
        machine=this_machine(),
        versions=versions,
        unit=unit,
        values={name: tuple(float(f"{value:.5g}") for value in rounds) for name, rounds in values.items()},
    )
