"""The program that decodes pictures in a process of its own, so that a crash or hang takes nothing else down.

It is started by `optotype.data.pictures.worker_pool`, and reads one job a line on its standard input, a JSON object:

    target     the file that takes the pixels
    shape      (height, width, channels) of an image there; null to look at the pictures only
    native     whether pictures of another size are only looked at, not resized
    fit        how every picture is brought to the shape, "stretch" or "digit"; null to stretch, and where the shape
               has one channel only to look at pictures in colour
    pictures   [row, path, offset, size] of each: where it goes, and where its bytes are

To each it answers one line: a list with [height, width, grey, fault] of each picture, where fault is null or says why
it cannot be used; or an object {"failed": reason} where the pixels cannot be written.
"""

import errno
import json
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any, Final

from optotype.data.pictures.decode import UnusableError, is_grey, open_picture, read_content, to_pixels
from optotype.data.pictures.digits import digit_of

Answer = tuple[int, int, bool, str | None]

_MOST_MEMORY: Final = 3 << 30
"""Bytes of address space: three times what the largest picture takes."""


def main() -> None:
    """Answer jobs until the input ends."""
    # Ctrl-C reaches every process of a terminal; whoever started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _bound_memory()
    warnings.simplefilter("ignore")
    _say([])
    for line in sys.stdin:
        try:
            _say(_answer(json.loads(line)))
        except OSError as error:
            _say({"failed": error.strerror or str(error)})


def _bound_memory() -> None:
    import resource  # noqa: PLC0415 - not on every platform, and nothing else needs it

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = _MOST_MEMORY if hard == resource.RLIM_INFINITY else min(_MOST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _say(value: object) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


def _answer(job: dict[str, Any]) -> list[Answer]:
    with Path(job["target"]).open("r+b") as file:
        return [_decode(file.fileno(), row, where, job) for row, *where in job["pictures"]]


def _decode(target: int, row: int, where: list[Any], job: dict[str, Any]) -> Answer:
    shape, native, fit = job["shape"], job["native"], job["fit"]
    try:
        image = open_picture(read_content(*where))
        height, width, grey = image.height, image.width, is_grey(image)
        misfit = shape is None or (native and [height, width] != shape[:2]) or (shape[2] == 1 and not grey)
        if misfit and not fit:
            return height, width, grey, None
        pixels = digit_of(image) if fit == "digit" else to_pixels(image, tuple(shape))
    except UnusableError as fault:
        return 0, 0, True, fault.what
    if os.pwrite(target, pixels.data, row * pixels.nbytes) != pixels.nbytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return height, width, grey, None


if __name__ == "__main__":
    main()
