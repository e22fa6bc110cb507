"""Decoding many pictures at once, in worker processes that write their pixels straight into files.

A decoder is C code fed by strangers: where it crashes or hangs, a worker process goes down with it and is replaced,
and one picture counts as unusable. Processes rather than threads also because Pillow on small pictures is mostly
Python. They are started afresh rather than by `multiprocessing`, which would run the caller's own script in each.

The form of the images is known only when all are decoded. So the first picture's form is tried, and where a picture
does not fit, decoding begins again with a wider one; usually that is noticed at once.
"""

import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import LifoQueue
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from optotype.data.listing import Found
from optotype.engine.processor import resolve_threads
from optotype.errors import DataError

Report = Callable[[int, int], None]
Answer = tuple[int, int, bool, str | None]
Shape = tuple[int, int, int]
Fit = Literal["stretch", "digit"]
Decode = Callable[[Sequence[Found]], tuple[NDArray[np.uint8], list[str | None]]]

LARGEST_NATIVE: Final = 64
"""Pixels of the longest side that is kept as it is."""
USUAL_SIDE: Final = 64
"""Height and width of images whose pictures are larger or differ in size."""

_COMMAND: Final = ("-P", "-m", "optotype.data.decode_worker")
_SECONDS: Final = 60.0
"""For one picture, many times what the largest takes, or for one batch."""
_STARTING_SECONDS: Final = 60.0
_BATCH: Final = 64


@dataclass(frozen=True)
class Part:
    """Pictures whose pixels go into one file.

    Attributes:
        target: The file, which is made.
        pictures: In the order of its rows.
    """

    target: Path
    pictures: Sequence[Found]


@dataclass(frozen=True)
class Decoded:
    """What became of the pictures.

    Attributes:
        shape: Of every image: (height, width, channels); None where not one picture could be used.
        faults: For every part and picture, why it could not be used; None where it could.
        sizes: For every part and picture, the height and width it has by itself, turned upright; 0 and 0 where it could
            not be used.
    """

    shape: Shape | None
    faults: tuple[tuple[str | None, ...], ...]
    sizes: tuple[tuple[tuple[int, int], ...], ...]


def decode(parts: Sequence[Part], size: int | None = None, report: Report | None = None) -> Decoded:
    """Decode pictures into files of uint8 pixels, a row a picture; rows of unusable pictures are unspecified.

    Args:
        parts: The pictures; the images of all parts get the same shape.
        size: Height and width; by default that of the pictures where all have the same and it is at most 64 pixels,
            else 64. Images are grey where all pictures are, else in colour.
        report: Called now and then with the number of pictures done and that of all; the first number starts again
            where a picture changes the shape of all.

    Returns:
        The shape of the images, what is wrong with which picture, and how large each was.

    Raises:
        DataError: A file cannot be written, or no worker process can be started.
    """
    form = _Form() if size is None else _Form(size, size, 1, native=False)
    with _workers(sum(len(part.pictures) for part in parts)) as workers:
        while True:
            try:
                answers = _decode(parts, form, workers, report or (lambda *_: None))
            except _WiderError as wider:
                form = wider.form
            else:
                return Decoded(
                    form.shape,
                    tuple(tuple(fault for *_, fault in part) for part in answers),
                    tuple(tuple((height, width) for height, width, *_ in part) for part in answers),
                )


@contextmanager
def decoding_to(shape: Shape, pictures: int, fit: Fit = "stretch") -> Iterator[Decode]:
    """Run workers that bring pictures to a shape that is known, a chunk at a time.

    Args:
        shape: Of every image.
        pictures: How many are to come in all.
        fit: "stretch" to the shape, as `read_picture` does; or "digit", as `fit_digit` does, to (28, 28, 1).

    Yields:
        What decodes some of them: gives uint8 pixels of shape (n, *shape), and for each why it cannot be used, or None.
        It raises DataError where there is no room for the pixels, or no process can be started.
    """
    form = _Form(*shape, native=False, fit=fit)
    with TemporaryDirectory(prefix="optotype-") as folder, _workers(pictures) as workers:
        target = Path(folder, "pixels")

        def decode_chunk(chunk: Sequence[Found]) -> tuple[NDArray[np.uint8], list[str | None]]:
            (answers,) = _decode([Part(target, chunk)], form, workers, lambda *_: None)
            pixels = np.fromfile(target, np.uint8).reshape(len(chunk), *shape)
            return pixels, [fault for *_, fault in answers]

        yield decode_chunk


@dataclass(frozen=True)
class _Form:
    """What images are to look like: as far as the pictures so far tell, or, with a fit, once and for all."""

    height: int = 0
    width: int = 0
    channels: int = 1
    native: bool = True
    fit: Fit | None = None

    @property
    def shape(self) -> Shape | None:
        return (self.height, self.width, self.channels) if self.height else None

    def widened(self, height: int, width: int, *, grey: bool) -> "_Form":
        """Give the narrowest form that has room for one more picture."""
        if self.fit:
            return self
        form = self if grey else replace(self, channels=3)
        if not self.native or (height, width) == (self.height, self.width):
            return form
        if self.height == 0 and max(height, width) <= LARGEST_NATIVE:
            return replace(form, height=height, width=width)
        return replace(form, height=USUAL_SIDE, width=USUAL_SIDE, native=False)


class _WiderError(Exception):
    """A picture does not fit the form."""

    def __init__(self, form: _Form) -> None:
        super().__init__()
        self.form = form


@dataclass(frozen=True)
class _Job:
    """A batch of pictures of one part, from some row on."""

    part: int
    target: Path
    first: int
    pictures: Sequence[Found]
    form: _Form

    def line(self) -> bytes:
        """Write the job as the worker reads it."""
        pictures = [
            (self.first + place, found.path, found.offset, found.size)
            for place, found in enumerate(self.pictures)
        ]
        about = {
            "target": str(self.target),
            "shape": self.form.shape,
            "native": self.form.native,
            "fit": self.form.fit,
        }
        return f"{json.dumps({**about, 'pictures': pictures})}\n".encode()

    def singles(self) -> Iterator["_Job"]:
        """Divide it into its pictures."""
        for place, found in enumerate(self.pictures):
            yield replace(self, first=self.first + place, pictures=(found,))


def _decode(
    parts: Sequence[Part], form: _Form, workers: Sequence["_Worker"], report: Report
) -> list[list[Answer]]:
    """Decode everything into one form, or say by _WiderError that it does not fit."""
    for part in parts:
        _make(part.target, len(part.pictures) * math.prod(form.shape or (0,)))
    answers = [[_CRASHED] * len(part.pictures) for part in parts]
    done, total = 0, sum(map(len, answers))
    idle: LifoQueue[_Worker] = LifoQueue()
    for worker in workers:
        idle.put(worker)
    with ThreadPoolExecutor(len(workers)) as pool:
        try:
            futures = {pool.submit(_run, job, idle): job for job in _jobs(parts, form)}
            for future in as_completed(futures):
                job = futures.pop(future)
                answers[job.part][job.first : job.first + len(job.pictures)] = _fitting(form, future.result())
                done += len(job.pictures)
                report(done, total)
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            if not isinstance(error, _WiderError):
                for worker in workers:
                    worker.stop()
            raise
    return answers


def _fitting(form: _Form, answers: Sequence[Answer]) -> Sequence[Answer]:
    """Give the answers about some pictures, of which those without a fault must fit the form."""
    wider = form
    for height, width, grey, fault in answers:
        wider = wider if fault else wider.widened(height, width, grey=grey)
    if wider != form:
        raise _WiderError(wider)
    return answers


def _jobs(parts: Sequence[Part], form: _Form) -> Iterator[_Job]:
    for number, part in enumerate(parts):
        for first in range(0, len(part.pictures), _BATCH):
            yield _Job(number, part.target, first, part.pictures[first : first + _BATCH], form)


def _make(path: Path, size: int) -> None:
    """Make a file of some size, its room on the disk set aside: a hole would fail only when it is written to."""
    try:
        with path.open("wb") as file:
            if size and hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
    except OSError as error:
        raise _unwritable(path, size, error.strerror or str(error)) from error


def _unwritable(path: Path, size: int, reason: str) -> DataError:
    return DataError(
        f"The decoded pictures cannot be written to {path} ({size:,} bytes): {reason}, expected room for them."
        " Free some, or move the cache with the environment variable OPTOTYPE_HOME."
    )


def _run(job: _Job, idle: "LifoQueue[_Worker]") -> list[Answer]:
    """Have a worker do a job; where that ends badly, picture by picture, to find the one that it is about."""
    worker = idle.get()
    try:
        answers = worker.answer(job)
        if answers is None and len(job.pictures) > 1:
            each = [worker.answer(single) for single in job.singles()]
            answers = [_CRASHED if answer is None else answer[0] for answer in each]
    finally:
        idle.put(worker)
    return [_CRASHED] if answers is None else answers


_CRASHED: Final[Answer] = (0, 0, True, "makes its decoder crash or take too long")


@contextmanager
def _workers(pictures: int) -> Iterator[list["_Worker"]]:
    """Run as many workers as there are cores and work for, until the block ends."""
    workers = [_Worker() for _ in range(min(resolve_threads(), max(1, pictures // _BATCH)))]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.stop()
            worker.close()


class _Worker:
    """A process that decodes; begun at once, asked by one thread at a time, begun anew when it has gone."""

    def __init__(self) -> None:
        self._is_stopped = False
        self._begin()

    def _begin(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program, with no argument of anyone else's
            [sys.executable, *_COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._is_ready = False

    def answer(self, job: _Job) -> list[Answer] | None:
        """Do a job; None where the process crashed, hung or answered nonsense, and has been begun anew."""
        if not self._is_ready:
            if self._ask(b"", _STARTING_SECONDS) != [] and not self._is_stopped:
                raise DataError(
                    "No process to decode pictures in can be started, expected that this works:"
                    f" {sys.executable} {' '.join(_COMMAND)} </dev/null. Install optotype again."
                )
            self._is_ready = True
        reply = self._ask(job.line(), _SECONDS)
        if isinstance(reply, dict):
            raise _unwritable(job.target, job.target.stat().st_size, str(reply.get("failed")))
        if isinstance(reply, list) and len(reply) == len(job.pictures):
            return reply
        if not self._is_stopped:
            self.close()
            self._begin()
        return None

    def _ask(self, line: bytes, seconds: float) -> Any:  # noqa: ANN401 - whatever JSON the process answers
        watch = threading.Timer(seconds, self._process.kill)
        watch.start()
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            return None
        finally:
            watch.cancel()

    def stop(self) -> None:
        """Kill the process for good; any thread may do so."""
        self._is_stopped = True
        self._process.kill()

    def close(self) -> None:
        """Kill the process, wait for it, and close what led to it."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what was not sent cannot be sent any more
                pipe and pipe.close()
        self._process.wait()
