"""Measurements of `optotype serve`: capacity, overload, and comparison with other servers."""

import io
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

import optotype as ot
from benchmarks.results import Measured
from benchmarks.serving import wrk
from benchmarks.serving.arrivals import send_at_rate
from benchmarks.serving.servers import (
    Program,
    Server,
    ServerFailedError,
    ours,
    peers,
    predict_labels,
    start_server,
)
from benchmarks.serving.wrk import TIMEOUT_SECONDS, LoadResult, run_wrk
from benchmarks.timing import Effort, record
from reproduce.ours import versions

_IMAGES: Final = 32
_CONNECTIONS: Final = (1, 8, 32, 64)
_FULL_LOAD_CONNECTIONS: Final = 64
"""Connections that keep a server busy without overload."""
_OVERLOAD_CONNECTIONS: Final = 1000
"""Connections far beyond the limit on concurrent requests."""
_OVERLOAD_FACTOR: Final = 3
"""Request rate of the overload, as a multiple of the capacity."""
_LONG_FACTOR: Final = 15
"""Duration of the memory measurement, as a multiple of other loads: memory grows slowly."""
_ROW_UNIT: Final = "the row's unit"
_PACKAGES: Final = ("fastapi", "starlette", "uvicorn", "httptools", "uvloop", "pillow")


@dataclass(frozen=True)
class _Images:
    """Some of MNIST's training images as PNG files, and the contents of these files."""

    files: tuple[Path, ...]
    contents: tuple[bytes, ...]


def capacity(line: str, effort: Effort) -> Measured:
    """Measure requests per second and response times for increasing numbers of connections."""
    values: dict[str, tuple[float, ...]] = {}
    with _prepare() as (run, images), start_server(ours(run), images.contents[0]) as server:
        _load(server, images, _FULL_LOAD_CONNECTIONS, effort.load)
        for _ in range(effort.rounds):
            for connections in _CONNECTIONS:
                load = _load(server, images, connections, effort.load)
                _require_success(load)
                measured = {"requests/s": load.rate(200), "p50, ms": load.p50, "p99, ms": load.p99}
                for quantity, value in measured.items():
                    name = f"{connections} at once: {quantity}"
                    values[name] = (*values.get(name, ()), value)
    return record(line, _ROW_UNIT, [_versions()], values)


def overload(line: str, effort: Effort) -> Measured:
    """Overload the server: 1000 connections for a minute, then three times the capacity."""
    with _prepare() as (run, images), start_server(ours(run), images.contents[0]) as server:
        capacity_rate = _load(server, images, _FULL_LOAD_CONNECTIONS, effort.load).rate(200)
        values: dict[str, tuple[float, ...]] = {"capacity, requests/s": (capacity_rate,)}
        values |= _closed_loop(server, images, effort.load * _LONG_FACTOR)
        values |= _open_loop(server, images, capacity_rate, effort.load * 2)
    return record(line, _ROW_UNIT, [_versions()], values)


def beside_peers(line: str, effort: Effort, *, connections: int) -> Measured:
    """Measure the time per request in ms, of each server in turn while the others are paused.

    Args:
        line: Name of the measurement.
        effort: Number of rounds and durations.
        connections: Number of concurrent requests.
    """
    seconds: dict[str, list[float]] = {}
    tried: dict[str, float] = {}
    failed: dict[str, str] = {}
    with _prepare() as (run, images), ExitStack() as stack:
        model = ot.export(run, "onnx", run / "model.onnx")

        def measure(server: Server, duration: float) -> float:
            server.resume()
            load = _load(server, images, connections, duration)
            server.pause()
            _require_success(load)
            return 1e3 / load.rate(200)

        for program in peers(model):
            try:
                with start_server(program, images.contents[0]) as server:
                    tried[program.name] = float(
                        f"{min(measure(server, effort.load / 2) for _ in range(2)):.4g}"
                    )
            except (ServerFailedError, RuntimeError) as error:
                failed[program.name] = str(error).splitlines()[-1][:200]
        sides = {}
        for program in (ours(run), *_finalists(peers(model), tried)):
            sides[program.name] = stack.enter_context(start_server(program, images.contents[0]))
            measure(sides[program.name], effort.load / 2)
        for _ in range(effort.rounds):
            for name, server in sides.items():
                seconds.setdefault(name, []).append(measure(server, effort.load))
        checks, environments = _compare_labels(sides, images)
    measured = record(line, "ms", environments, {name: tuple(times) for name, times in seconds.items()})
    return measured.model_copy(update={"tried": tried, "failed": failed, "checks": checks})


def _compare_labels(
    sides: dict[str, Server], images: _Images
) -> tuple[dict[str, float], list[dict[str, dict[str, str]]]]:
    """Return each server's share of labels equal to ours, and the package versions of all servers."""
    labels = {}
    for name, server in sides.items():
        server.resume()
        labels[name] = np.array(predict_labels(server, images.contents))
        server.pause()
    first = next(iter(labels.values()))
    checks = {name: float((values == first).mean()) for name, values in labels.items()}
    peer_versions = [
        {"versions": server.announcement["versions"]}
        for server in sides.values()
        if "versions" in server.announcement
    ]
    return checks, [*peer_versions, _versions()]


def _closed_loop(server: Server, images: _Images, seconds: float) -> dict[str, tuple[float, ...]]:
    """Keep many connections busy, and record the server's memory and queue."""
    samples: list[tuple[float, float, float | None]] = []
    start = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_load, server, images, _OVERLOAD_CONNECTIONS, seconds)
        while not running.done():
            queued = server.metric("optotype_queued_images")
            samples.append((time.monotonic() - start, server.memory, queued))
            time.sleep(min(1, seconds / 10))
        load = running.result()
    # By then everything that requests need has been allocated once.
    later = [memory for elapsed, memory, _ in samples if elapsed >= seconds / 6]
    values = {
        **{
            f"{_OVERLOAD_CONNECTIONS} at once: answers {status}/s": load.rate(status)
            for status in (200, 429, 503)
        },
        f"{_OVERLOAD_CONNECTIONS} at once: other answers": _count_others(load.responses),
        f"{_OVERLOAD_CONNECTIONS} at once: 429 and 503 without Retry-After": load.without_retry_after,
        f"{_OVERLOAD_CONNECTIONS} at once: broken connections": load.broken,
        f"{_OVERLOAD_CONNECTIONS} at once: not answered within {TIMEOUT_SECONDS} s": load.timed_out,
        f"{_OVERLOAD_CONNECTIONS} at once: p99, ms": load.p99,
        f"{_OVERLOAD_CONNECTIONS} at once: most images waiting": max(queued or 0 for *_, queued in samples),
        f"{_OVERLOAD_CONNECTIONS} at once: memory after a sixth of it, MB": later[0],
        f"{_OVERLOAD_CONNECTIONS} at once: most memory from then on, MB": max(later),
    }
    return {name: (float(value),) for name, value in values.items()}


def _open_loop(
    server: Server, images: _Images, capacity_rate: float, seconds: float
) -> dict[str, tuple[float, ...]]:
    """Send at a multiple of the capacity, and follow every request to its end."""
    counts = send_at_rate(
        server.url,
        images.contents,
        _OVERLOAD_FACTOR * capacity_rate,
        seconds,
        connections=2 * _OVERLOAD_CONNECTIONS,
    )
    name = f"{_OVERLOAD_FACTOR} times the capacity"
    values = {
        f"{name}: requests sent/s": counts.rate,
        **{f"{name}: answers {status}": counts.responses[status] for status in (200, 429, 503)},
        f"{name}: other answers": _count_others(counts.responses),
        f"{name}: 429 and 503 without Retry-After": counts.without_retry_after,
        f"{name}: requests without an answer": counts.without_response,
        f"{name}: answers without a request": counts.unexpected,
    }
    return {name: (float(value),) for name, value in values.items()}


def _count_others(responses: dict[int, int]) -> int:
    return sum(count for status, count in responses.items() if status not in {200, 429, 503})


def _require_success(load: LoadResult) -> None:
    if load.broken or load.timed_out or set(load.responses) != {200}:
        raise RuntimeError(
            f"A server sent responses {load.responses} with {load.broken} broken connections and {load.timed_out}"
            " time-outs, expected only 200. Start the server by hand to see why."
        )


def _load(server: Server, images: _Images, connections: int, seconds: float) -> LoadResult:
    return run_wrk(server.url, images.files, connections, seconds)


def _finalists(programs: Sequence[Program], tried: dict[str, float]) -> list[Program]:
    """Return each library's fastest setting."""
    fastest: dict[str, Program] = {}
    for program in sorted(
        (program for program in programs if program.name in tried), key=lambda program: tried[program.name]
    ):
        fastest.setdefault(program.library, program)
    return list(fastest.values())


@contextmanager
def _prepare() -> Iterator[tuple[Path, _Images]]:
    """Train mnist-quick for one epoch, and write image files."""
    data = ot.load("mnist")
    with tempfile.TemporaryDirectory() as folder:
        run = ot.train(data, ot.load_recipe("mnist-quick").override({"epochs": 1}), out=Path(folder, "run"))
        yield run.path, _write_images(data.images[:_IMAGES, ..., 0], Path(folder))


def _write_images(images: np.ndarray, folder: Path) -> _Images:
    files, contents = [], []
    for index, image in enumerate(images):
        file = io.BytesIO()
        Image.fromarray(np.asarray(image)).save(file, "PNG")
        contents.append(file.getvalue())
        files.append(folder / f"{index}.png")
        files[-1].write_bytes(contents[-1])
    return _Images(tuple(files), tuple(contents))


def _versions() -> dict[str, dict[str, str]]:
    web = {name: metadata.version(name) for name in _PACKAGES}
    return {"versions": {**versions(), **web, "wrk": wrk.version()}}
