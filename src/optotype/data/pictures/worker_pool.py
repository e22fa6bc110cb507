"""Decoding of many image files at once, in worker processes that write pixels directly into files.

Decoders are C code that processes untrusted files. If one crashes or hangs, only its worker process ends; the process
is replaced, and one image file counts as unusable. Processes are also faster than threads, because Pillow runs mostly
in Python for small images. They are started with `subprocess` and not with `multiprocessing`, which would run the
caller's own script in each.

The shape of the images is known only when all are decoded. Therefore decoding starts with the shape of the first
image. If a later image does not fit, decoding restarts with a larger shape; usually this happens early.
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
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from optotype.data.pictures.decode import Fit, Shape
from optotype.data.pictures.location import FileLocation
from optotype.engine.processor import resolve_threads
from optotype.errors import DataError

CountCallback = Callable[[int, int], None]
Result = tuple[int, int, bool, str | None]
Decoder = Callable[[Sequence[FileLocation]], tuple[NDArray[np.uint8], list[str | None]]]

MAX_NATIVE_SIDE: Final = 64
"""Largest side in pixels of images that keep their size."""
DEFAULT_SIDE: Final = 64
"""Height and width of images whose files are larger or differ in size."""

_COMMAND: Final = ("-P", "-m", "optotype.data.pictures.worker")
_JOB_SECONDS: Final = 60.0
"""Time limit of a job: many times the need of the largest image, or of a batch."""
_START_SECONDS: Final = 60.0
_BATCH: Final = 64


@dataclass(frozen=True)
class PixelFile:
    """Image files whose pixels are written to one file.

    Attributes:
        target: The file; it is created.
        locations: The image files, in the order of the rows.
    """

    target: Path
    locations: Sequence[FileLocation]


@dataclass(frozen=True)
class DecodeResult:
    """The result of decoding image files.

    Attributes:
        shape: Shape of every image, (height, width, channels); None if no image file is usable.
        faults: For every pixel file and image file, why it is unusable; None if it is usable.
        sizes: For every pixel file and image file, height and width in the file, upright; 0 and 0 if it is unusable.
    """

    shape: Shape | None
    faults: tuple[tuple[str | None, ...], ...]
    sizes: tuple[tuple[tuple[int, int], ...], ...]


def decode_files(
    pixel_files: Sequence[PixelFile], size: int | None = None, progress: CountCallback | None = None
) -> DecodeResult:
    """Decode image files into files of uint8 pixels, one row per image; rows of unusable files are unspecified.

    Args:
        pixel_files: The image files; all images get the same shape.
        size: Height and width of the images. By default the images keep their size if all have the same and it is at
            most 64 pixels, else they become 64 x 64. Images are grey if all image files are, else RGB.
        progress: Called regularly with the number of decoded image files and the total; the number restarts if an
            image file changes the shape of all.

    Returns:
        The shape of the images, and the fault and size of each image file.

    Raises:
        DataError: If a file cannot be written, or no worker process can be started.
    """
    layout = _Layout() if size is None else _Layout(size, size, 1, native=False)
    with _workers(sum(len(each.locations) for each in pixel_files)) as workers:
        while True:
            try:
                results = _decode(pixel_files, layout, workers, progress or (lambda *_: None))
            except _LayoutError as error:
                layout = error.layout
            else:
                return DecodeResult(
                    layout.shape,
                    tuple(tuple(fault for *_, fault in rows) for rows in results),
                    tuple(tuple((height, width) for height, width, *_ in rows) for rows in results),
                )


@contextmanager
def open_decoder(shape: Shape, n: int, fit: Fit = "stretch") -> Iterator[Decoder]:
    """Run worker processes that decode image files to a known shape, a chunk at a time.

    Args:
        shape: Shape of every image.
        n: Number of image files in total.
        fit: As for `decode.decode`.

    Yields:
        A function that decodes a chunk of k image files. It returns uint8 pixels of shape (k, *shape), and for each
        file why it is unusable, or None. It raises DataError if there is no disk space for the pixels, or no worker
        process can be started.
    """
    layout = _Layout(*shape, native=False, fit=fit)
    with TemporaryDirectory(prefix="optotype-") as folder, _workers(n) as workers:
        target = Path(folder, "pixels")

        def decode_chunk(chunk: Sequence[FileLocation]) -> tuple[NDArray[np.uint8], list[str | None]]:
            (results,) = _decode([PixelFile(target, chunk)], layout, workers, lambda *_: None)
            pixels = np.fromfile(target, np.uint8).reshape(len(chunk), *shape)
            return pixels, [fault for *_, fault in results]

        yield decode_chunk


@dataclass(frozen=True)
class _Layout:
    """The size and channels of all images: derived from the image files decoded so far, or final if fit is set."""

    height: int = 0
    width: int = 0
    channels: int = 1
    native: bool = True
    fit: Fit | None = None

    @property
    def shape(self) -> Shape | None:
        return (self.height, self.width, self.channels) if self.height else None

    def extended(self, height: int, width: int, *, grey: bool) -> "_Layout":
        """Return the smallest layout that also fits one more image."""
        if self.fit:
            return self
        layout = self if grey else replace(self, channels=3)
        if not self.native or (height, width) == (self.height, self.width):
            return layout
        if self.height == 0 and max(height, width) <= MAX_NATIVE_SIDE:
            return replace(layout, height=height, width=width)
        return replace(layout, height=DEFAULT_SIDE, width=DEFAULT_SIDE, native=False)


class _LayoutError(Exception):
    """An image does not fit the layout; decoding restarts with a larger one."""

    def __init__(self, layout: _Layout) -> None:
        super().__init__()
        self.layout = layout


@dataclass(frozen=True)
class _Job:
    """A batch of image files of one pixel file, starting at a row."""

    number: int
    target: Path
    start: int
    locations: Sequence[FileLocation]
    layout: _Layout

    def to_line(self) -> bytes:
        """Return the job in the format that the worker reads."""
        pictures = [
            (self.start + row, location.path, location.offset, location.size)
            for row, location in enumerate(self.locations)
        ]
        settings = {
            "target": str(self.target),
            "shape": self.layout.shape,
            "native": self.layout.native,
            "fit": self.layout.fit,
        }
        return f"{json.dumps({**settings, 'pictures': pictures})}\n".encode()

    def split(self) -> Iterator["_Job"]:
        """Split the job into one job per image file."""
        for row, location in enumerate(self.locations):
            yield replace(self, start=self.start + row, locations=(location,))


def _decode(
    pixel_files: Sequence[PixelFile], layout: _Layout, workers: Sequence["_Worker"], progress: CountCallback
) -> list[list[Result]]:
    """Decode all image files with one layout; raise _LayoutError if an image does not fit."""
    for each in pixel_files:
        _allocate(each.target, len(each.locations) * math.prod(layout.shape or (0,)))
    results = [[_CRASHED] * len(each.locations) for each in pixel_files]
    done, total = 0, sum(map(len, results))
    idle: LifoQueue[_Worker] = LifoQueue()
    for worker in workers:
        idle.put(worker)
    with ThreadPoolExecutor(len(workers)) as pool:
        try:
            futures = {pool.submit(_run, job, idle): job for job in _jobs(pixel_files, layout)}
            for future in as_completed(futures):
                job = futures.pop(future)
                rows = slice(job.start, job.start + len(job.locations))
                results[job.number][rows] = _check_layout(layout, future.result())
                done += len(job.locations)
                progress(done, total)
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            if not isinstance(error, _LayoutError):
                for worker in workers:
                    worker.stop()
            raise
    return results


def _check_layout(layout: _Layout, results: Sequence[Result]) -> Sequence[Result]:
    """Return the results of a job if all usable images fit the layout; else raise _LayoutError."""
    extended = layout
    for height, width, grey, fault in results:
        extended = extended if fault else extended.extended(height, width, grey=grey)
    if extended != layout:
        raise _LayoutError(extended)
    return results


def _jobs(pixel_files: Sequence[PixelFile], layout: _Layout) -> Iterator[_Job]:
    for number, each in enumerate(pixel_files):
        for start in range(0, len(each.locations), _BATCH):
            yield _Job(number, each.target, start, each.locations[start : start + _BATCH], layout)


def _allocate(path: Path, size: int) -> None:
    """Create a file and reserve its disk space: a sparse file would fail only when it is written to."""
    try:
        with path.open("wb") as file:
            if size and hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
    except OSError as error:
        raise _write_error(path, size, error.strerror or str(error)) from error


def _write_error(path: Path, size: int, reason: str) -> DataError:
    return DataError(
        f"The decoded images cannot be written to {path}: {reason}; expected {size:,} bytes of disk space."
        " Free disk space, or set the environment variable OPTOTYPE_HOME to another folder."
    )


def _run(job: _Job, idle: "LifoQueue[_Worker]") -> list[Result]:
    """Run a job in a worker; if it crashes, repeat it file by file to find the file that causes the crash."""
    worker = idle.get()
    try:
        results = worker.run(job)
        if results is None and len(job.locations) > 1:
            singles = [worker.run(single) for single in job.split()]
            results = [_CRASHED if single is None else single[0] for single in singles]
    finally:
        idle.put(worker)
    return [_CRASHED] if results is None else results


_CRASHED: Final[Result] = (0, 0, True, "makes its decoder crash or take too long")


@contextmanager
def _workers(n: int) -> Iterator[list["_Worker"]]:
    """Run one worker per core, but not more than there are batches, until the block ends."""
    workers = [_Worker() for _ in range(min(resolve_threads(), max(1, n // _BATCH)))]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.stop()
            worker.close()


class _Worker:
    """A process that decodes: started at once, used by one thread at a time, restarted if it ends."""

    def __init__(self) -> None:
        self._is_stopped = False
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program, without external arguments
            [sys.executable, *_COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._is_ready = False

    def run(self, job: _Job) -> list[Result] | None:
        """Run a job; None if the process crashed, hung or returned an invalid line, and was restarted."""
        if not self._is_ready:
            if self._request(b"", _START_SECONDS) != [] and not self._is_stopped:
                raise DataError(
                    "No worker process for decoding can be started; expected this command to succeed:"
                    f" {sys.executable} {' '.join(_COMMAND)} </dev/null. Reinstall optotype."
                )
            self._is_ready = True
        reply = self._request(job.to_line(), _JOB_SECONDS)
        if isinstance(reply, dict):
            raise _write_error(job.target, job.target.stat().st_size, str(reply.get("failed")))
        if isinstance(reply, list) and len(reply) == len(job.locations):
            return reply
        if not self._is_stopped:
            self.close()
            self._start()
        return None

    def _request(self, line: bytes, seconds: float) -> Any:  # noqa: ANN401 - any JSON value
        timer = threading.Timer(seconds, self._process.kill)
        timer.start()
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            return None
        finally:
            timer.cancel()

    def stop(self) -> None:
        """Kill the process without a restart; any thread may call this."""
        self._is_stopped = True
        self._process.kill()

    def close(self) -> None:
        """Kill the process, wait for its end, and close its pipes."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # unsent data cannot be sent any more
                pipe and pipe.close()
        self._process.wait()
