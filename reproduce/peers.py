"""Keras 3 in a virtual environment of its own, created on first use; one process per training, driven by JSON."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

import optotype as ot
from optotype.data.splits import stratified_split
from optotype.training.plan import split_validation
from reproduce.machine import usable_cores
from reproduce.results import CACHE, ROOT, Results, Training, definition

ENVIRONMENT: Final = ROOT / ".venv-peers"
# JAX 0.10.2 is excluded: it was reported to give silently wrong results under jit on CPUs.
PACKAGES: Final = ("keras==3.15.1", "tensorflow-cpu==2.21.0", "jax==0.9.2", "jaxlib==0.9.2")
BACKENDS: Final = ("tensorflow", "tensorflow-xla", "jax")
_PROGRAM: Final = Path(__file__).with_name("keras_peer.py")

Answer = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One training for Keras.

    Attributes:
        recipe: The recipe, including the seed.
        backend: One of BACKENDS.
        epochs: Replaces the recipe's number of epochs, unless None.
        score: Whether to score the splits at the end.
    """

    recipe: ot.Recipe
    backend: str
    epochs: int | None = None
    score: bool = True


def make_environment() -> None:
    """Create .venv-peers with Keras and its backends, unless it exists.

    Raises:
        CalledProcessError: The packages could not be installed; pip's messages are on standard error.
    """
    marker = ENVIRONMENT / "made"
    requirements = "\n".join(PACKAGES)
    if marker.exists() and marker.read_text(encoding="utf-8") == requirements:
        return
    print(f"creating {ENVIRONMENT.name} with {', '.join(PACKAGES)}", flush=True)
    pip = [str(_python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
    subprocess.run([*pip, "--upgrade", "pip"], check=True)
    subprocess.run([*pip, *PACKAGES], check=True)
    # Written last, so that an incomplete environment is created again.
    marker.write_text(requirements, encoding="utf-8")


def write_arrays(data: ot.Dataset, recipe: ot.Recipe) -> tuple[Path, str]:
    """Write images, labels, validation indices and monitored indices of a recipe for Keras to read.

    Args:
        data: The data set; its test split is opened and counted in build/reproduce.
        recipe: It determines the split.

    Returns:
        The file, named after its contents, and the split's fingerprint.
    """
    split = stratified_split(data.labels, recipe.validation, recipe.split_seed)
    watched, _ = split_validation(recipe, data.labels, split)
    file = CACHE / f"{data.fingerprint[7:19]}-{split.fingerprint[7:19]}-{len(watched)}.npz"
    if not file.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        test = ot.open_test(data, CACHE, "reproduce")
        temporary = file.with_name(f".{os.getpid()}.{file.name}")
        np.savez(
            temporary,
            train_images=data.images,
            train_labels=data.labels,
            test_images=test.images,
            test_labels=test.labels,
            validation=split.validation,
            watched=watched,
        )
        temporary.replace(file)
    return file, split.fingerprint


def run_job(job: Job, arrays: Path, cores: Sequence[int]) -> Answer:
    """Run one job with Keras in a process of its own.

    Args:
        job: The training.
        arrays: A file written by write_arrays.
        cores: Numbers of the processor cores to use.

    Returns:
        The answer, as described by keras_peer.run.

    Raises:
        RuntimeError: The process failed; the message ends with the end of its standard error.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = _command(job, arrays, cores, Path(folder))
        completed = subprocess.run(command, capture_output=True, text=True, check=False)
    if completed.returncode:
        raise RuntimeError(
            f"Keras failed at {job.recipe.name}, seed {job.recipe.seed}: {completed.stderr[-2000:]}"
        )
    answer: Answer = json.loads(completed.stdout.splitlines()[-1])
    return answer


def run_paced(job: Job, arrays: Path, cores: Sequence[int], after: Callable[[], None]) -> Answer:
    """Run one job with Keras, and pause it after every epoch.

    Args:
        job: The training.
        arrays: A file written by write_arrays.
        cores: Numbers of the processor cores to use.
        after: Called after every epoch, while Keras is stopped.

    Returns:
        The peer's answer.

    Raises:
        RuntimeError: The process failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [*_command(job, arrays, cores, Path(folder)), "--paced"]
        pipe, devnull = subprocess.PIPE, subprocess.DEVNULL
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=devnull, text=True) as process:
            for _ in range(job.epochs or job.recipe.epochs):
                _ask(process, "\n")
                # Stopped by a signal, not only waiting: its idle threads would poll for work.
                process.send_signal(signal.SIGSTOP)
                after()
                process.send_signal(signal.SIGCONT)
            answer: Answer = json.loads(_ask(process, ""))
    return answer


def _ask(process: subprocess.Popen[str], line: str) -> str:
    """Send the process a line and wait for its answer."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("Keras was started without pipes, expected both. Start it with them.")
    process.stdin.write(line)
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(
            "Keras ended while it was timed, expected an answer. Run the same job without pacing."
        )
    return line


def _command(job: Job, arrays: Path, cores: Sequence[int], folder: Path) -> list[str]:
    keras_job = {
        "recipe": json.loads(job.recipe.to_json()),
        "arrays": str(arrays),
        "seed": job.recipe.seed,
        "backend": job.backend,
        "cores": list(cores),
        "epochs": job.epochs,
        "score": job.score,
    }
    file = folder / "job.json"
    file.write_text(json.dumps(keras_job), encoding="utf-8")
    return [str(_python()), str(_PROGRAM), str(file)]


def _python() -> Path:
    return ENVIRONMENT / "bin" / "python"


def train_all(data: ot.Dataset, jobs: Sequence[Job], workers: int) -> Iterator[Results]:
    """Train with Keras in parallel processes, each with its share of the cores.

    Args:
        data: The data set.
        jobs: The jobs, in the order of starting.
        workers: The number of parallel processes.

    Yields:
        The results of one training at a time, as they finish.
    """
    cores = usable_cores()
    share = max(1, len(cores) // workers)
    free: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
    for worker in range(workers):
        first = worker * share % len(cores)
        free.put(cores[first : first + share])
    # Before any thread starts, so that no two threads write the same file.
    files = {job.recipe.name: write_arrays(data, job.recipe) for job in jobs}

    def train(job: Job) -> Results:
        arrays, split = files[job.recipe.name]
        worker_cores = free.get()
        try:
            return results(job, split, run_job(job, arrays, worker_cores))
        finally:
            free.put(worker_cores)

    pool = ThreadPoolExecutor(workers)
    try:
        for future in as_completed([pool.submit(train, job) for job in jobs]):
            yield future.result()
    finally:
        # After a failure or Ctrl-C, waiting jobs must not start.
        pool.shutdown(cancel_futures=True)


def results(job: Job, split: str, answer: Answer) -> Results:
    """Return the record of a job's answer."""
    return Results(
        recipe=job.recipe.name,
        peer="keras",
        definition=definition(job.recipe),
        split=split,
        backend=job.backend,
        versions=answer["versions"],
        trainings=(Training.model_validate({name: answer[name] for name in Training.model_fields}),),
    )
