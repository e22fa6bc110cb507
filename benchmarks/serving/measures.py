"""The lines about `optotype serve`: how much it answers, what it does with three times as much, and other servers."""

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
from benchmarks.serving.arrivals import offer
from benchmarks.serving.servers import Program, Server, ServerFailedError, labels, ours, peers, started
from benchmarks.serving.wrk import PATIENCE, Load, put_load
from benchmarks.timing import Effort, record
from reproduce.ours import versions

_PICTURES: Final = 32
_CONNECTIONS: Final = (1, 8, 32, 64)
_BUSY: Final = 64
"""Connections that keep a server busy without overload."""
_MANY: Final = 1000
"""Connections that are more than the queue has places for, by far."""
_OVERLOAD: Final = 3
"""Times the capacity that is asked for."""
_LONG: Final = 15
"""Times as long as other loads: memory grows slowly."""
_OWN: Final = "the row's unit"
_PACKAGES: Final = ("fastapi", "starlette", "uvicorn", "httptools", "uvloop", "pillow")


@dataclass(frozen=True)
class _Sent:
    """What is sent: some of MNIST's training images as PNG, and the files they are in."""

    files: tuple[Path, ...]
    contents: tuple[bytes, ...]


def capacity(line: str, effort: Effort) -> Measured:
    """Measure requests a second, and how long they take, for more and more connections."""
    values: dict[str, tuple[float, ...]] = {}
    with _sitting() as (run, sent), started(ours(run), sent.contents[0]) as server:
        _load(server, sent, _BUSY, effort.load)
        for _ in range(effort.rounds):
            for connections in _CONNECTIONS:
                load = _load(server, sent, connections, effort.load)
                _require_good(load)
                found = {"requests/s": load.rate(200), "p50, ms": load.p50, "p99, ms": load.p99}
                for quantity, value in found.items():
                    name = f"{connections} at once: {quantity}"
                    values[name] = (*values.get(name, ()), value)
    return record(line, _OWN, [_versions()], values)


def overload(line: str, effort: Effort) -> Measured:
    """Ask for far more than can be answered: with 1000 connections for a minute, then at three times the capacity."""
    with _sitting() as (run, sent), started(ours(run), sent.contents[0]) as server:
        can = _load(server, sent, _BUSY, effort.load).rate(200)
        values: dict[str, tuple[float, ...]] = {"capacity, requests/s": (can,)}
        values |= _closed(server, sent, effort.load * _LONG)
        values |= _open(server, sent, can, effort.load * 2)
    return record(line, _OWN, [_versions()], values)


def beside_peers(line: str, effort: Effort, *, connections: int) -> Measured:
    """Time a request, in ms, with that many at once, of each server in turn while the others are stopped.

    Args:
        line: Its name.
        effort: How thoroughly.
        connections: How many requests are open at once.
    """
    seconds: dict[str, list[float]] = {}
    tried: dict[str, float] = {}
    failed: dict[str, str] = {}
    with _sitting() as (run, sent), ExitStack() as stack:
        model = ot.export(run, "onnx", run / "model.onnx")

        def turn(server: Server, duration: float) -> float:
            server.go_on()
            load = _load(server, sent, connections, duration)
            server.stop()
            _require_good(load)
            return 1e3 / load.rate(200)

        for program in peers(model):
            try:
                with started(program, sent.contents[0]) as server:
                    tried[program.name] = float(f"{min(turn(server, effort.load / 2) for _ in range(2)):.4g}")
            except (ServerFailedError, RuntimeError) as error:
                failed[program.name] = str(error).splitlines()[-1][:200]
        sides = {}
        for program in (ours(run), *_finalists(peers(model), tried)):
            sides[program.name] = stack.enter_context(started(program, sent.contents[0]))
            turn(sides[program.name], effort.load / 2)
        for _ in range(effort.rounds):
            for name, server in sides.items():
                seconds.setdefault(name, []).append(turn(server, effort.load))
        checks, made_of = _asked(sides, sent)
    found = record(line, "ms", made_of, {name: tuple(each) for name, each in seconds.items()})
    return found.model_copy(update={"tried": tried, "failed": failed, "checks": checks})


def _asked(sides: dict[str, Server], sent: _Sent) -> tuple[dict[str, float], list[dict[str, dict[str, str]]]]:
    """Ask every server about every picture: the share of labels that are ours, and what it is made of."""
    said = {}
    for name, server in sides.items():
        server.go_on()
        said[name] = np.array(labels(server, sent.contents))
        server.stop()
    first = next(iter(said.values()))
    checks = {name: float((each == first).mean()) for name, each in said.items()}
    theirs = [
        {"versions": server.about["versions"]} for server in sides.values() if "versions" in server.about
    ]
    return checks, [*theirs, _versions()]


def _closed(server: Server, sent: _Sent, seconds: float) -> dict[str, tuple[float, ...]]:
    """Keep many connections asking, and watch the server's memory and queue."""
    watched: list[tuple[float, float, float | None]] = []
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(_load, server, sent, _MANY, seconds)
        while not loading.done():
            waiting = server.metric("optotype_waiting_images")
            watched.append((time.monotonic() - began, server.memory, waiting))
            time.sleep(min(1, seconds / 10))
        load = loading.result()
    # By then all that every request needs has been had once.
    later = [memory for passed, memory, _ in watched if passed >= seconds / 6]
    values = {
        **{f"{_MANY} at once: answers {status}/s": load.rate(status) for status in (200, 429, 503)},
        f"{_MANY} at once: other answers": _others(load.answers),
        f"{_MANY} at once: 429 and 503 without Retry-After": load.unexplained,
        f"{_MANY} at once: broken connections": load.broken,
        f"{_MANY} at once: not answered within {PATIENCE} s": load.late,
        f"{_MANY} at once: p99, ms": load.p99,
        f"{_MANY} at once: most images waiting": max(waiting or 0 for *_, waiting in watched),
        f"{_MANY} at once: memory after a sixth of it, MB": later[0],
        f"{_MANY} at once: most memory from then on, MB": max(later),
    }
    return {name: (float(value),) for name, value in values.items()}


def _open(server: Server, sent: _Sent, can: float, seconds: float) -> dict[str, tuple[float, ...]]:
    """Ask at a multiple of the capacity, and follow every request to its end."""
    tally = offer(server.url, sent.contents, _OVERLOAD * can, seconds, connections=2 * _MANY)
    name = f"{_OVERLOAD} times the capacity"
    values = {
        f"{name}: requests sent/s": tally.rate,
        **{f"{name}: answers {status}": tally.answers[status] for status in (200, 429, 503)},
        f"{name}: other answers": _others(tally.answers),
        f"{name}: 429 and 503 without Retry-After": tally.unexplained,
        f"{name}: requests without an answer": tally.unanswered,
        f"{name}: answers without a request": tally.unasked,
    }
    return {name: (float(value),) for name, value in values.items()}


def _others(answers: dict[int, int]) -> int:
    return sum(count for status, count in answers.items() if status not in {200, 429, 503})


def _require_good(load: Load) -> None:
    if load.broken or load.late or set(load.answers) != {200}:
        raise RuntimeError(
            f"A server answered {load.answers} with {load.broken} broken connections and {load.late} late answers,"
            " expected 200 each time, soon. Run it by hand to see why."
        )


def _load(server: Server, sent: _Sent, connections: int, seconds: float) -> Load:
    return put_load(server.url, sent.files, connections, seconds)


def _finalists(programs: Sequence[Program], tried: dict[str, float]) -> list[Program]:
    """Give each library's fastest setting."""
    fastest: dict[str, Program] = {}
    for program in sorted(
        (each for each in programs if each.name in tried), key=lambda each: tried[each.name]
    ):
        fastest.setdefault(program.library, program)
    return list(fastest.values())


@contextmanager
def _sitting() -> Iterator[tuple[Path, _Sent]]:
    """Train mnist-quick for an epoch, and write pictures to send."""
    data = ot.load("mnist")
    with tempfile.TemporaryDirectory() as folder:
        run = ot.train(data, ot.load_recipe("mnist-quick").override({"epochs": 1}), out=Path(folder, "run"))
        yield run.path, _pictures(data.images[:_PICTURES, ..., 0], Path(folder))


def _pictures(images: np.ndarray, folder: Path) -> _Sent:
    files, contents = [], []
    for place, image in enumerate(images):
        file = io.BytesIO()
        Image.fromarray(np.asarray(image)).save(file, "PNG")
        contents.append(file.getvalue())
        files.append(folder / f"{place}.png")
        files[-1].write_bytes(contents[-1])
    return _Sent(tuple(files), tuple(contents))


def _versions() -> dict[str, dict[str, str]]:
    web = {name: metadata.version(name) for name in _PACKAGES}
    return {"versions": {**versions(), **web, "wrk": wrk.version()}}
