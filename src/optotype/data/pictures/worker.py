"""The program that decodes image files in a separate process, so that a crash or hang does not affect the caller.

`optotype.data.pictures.worker_pool` starts it. It reads one job per line from standard input, a JSON object:

    target     the file that receives the pixels
    shape      (height, width, channels) of each image in it; null to inspect the image files only
    native     whether image files of another size are only inspected, not resized
    fit        how every image is brought to the shape, "stretch" or "digit"; null to stretch, and to only inspect
               colour images if the shape has one channel
    pictures   [row, path, offset, size] of each image file: its row in the target, and the location of its bytes

It answers each job with one line: a list with [height, width, grey, fault] of each image file, where fault is null or
the reason why the file is unusable; or an object {"failed": reason} if the pixels cannot be written.
"""

import errno
import json
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any, Final

from optotype.data.pictures.decode import picture_to_array
from optotype.data.pictures.image_file import UnusableError, is_grey, open_picture, read_content

Result = tuple[int, int, bool, str | None]

_MAX_MEMORY: Final = 3 << 30
"""Bytes of address space: three times the need of the largest image."""


def main() -> None:
    """Process jobs until the input ends."""
    # Ctrl-C reaches every process of a terminal; the parent process ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_memory()
    warnings.simplefilter("ignore")
    _write([])
    for line in sys.stdin:
        try:
            _write(_process(json.loads(line)))
        except OSError as error:
            _write({"failed": error.strerror or str(error)})


def _limit_memory() -> None:
    import resource  # noqa: PLC0415 - not on every platform, and used only here

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = _MAX_MEMORY if hard == resource.RLIM_INFINITY else min(_MAX_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _write(value: object) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


def _process(job: dict[str, Any]) -> list[Result]:
    with Path(job["target"]).open("r+b") as file:
        return [_decode(file.fileno(), row, location, job) for row, *location in job["pictures"]]


def _decode(target: int, row: int, location: list[Any], job: dict[str, Any]) -> Result:
    shape, native, fit = job["shape"], job["native"], job["fit"]
    try:
        image = open_picture(read_content(*location))
        height, width, grey = image.height, image.width, is_grey(image)
        misfit = shape is None or (native and [height, width] != shape[:2]) or (shape[2] == 1 and not grey)
        if misfit and not fit:
            return height, width, grey, None
        pixels = picture_to_array(image, tuple(shape), fit or "stretch")
    except UnusableError as error:
        return 0, 0, True, error.reason
    if os.pwrite(target, pixels.data, row * pixels.nbytes) != pixels.nbytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return height, width, grey, None


if __name__ == "__main__":
    main()
