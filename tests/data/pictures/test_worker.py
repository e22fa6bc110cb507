"""The decoding program with damaged image files."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from optotype.data.pictures.image_file import FORMATS
from tests.data.picture_files import picture

_MEMORY: Final = 1 << 30
_SEEDS: Final = [
    (form, mode)
    for form in FORMATS
    for mode in ("RGB", "L", "RGBA", "P", "1", "CMYK", "I;16")
    if mode in ("RGB", "L")
    or (form == "TIFF" and mode != "P")
    or (form == "PNG" and mode != "CMYK")
    or (form, mode) in (("WEBP", "RGBA"), ("GIF", "P"), ("JPEG", "CMYK"), ("BMP", "P"))
]


def _damaged_image(number: int) -> bytes:
    """Return an image file of one of the formats with changed, cut or repeated bytes."""
    random = np.random.default_rng(number)
    form, mode = _SEEDS[number % len(_SEEDS)]
    content = bytearray(picture(number % 5, (24, 17), mode, form))
    for _ in range(random.integers(0, 6)):
        # Half of the changes go where headers are.
        position = int(random.integers(0, len(content) if random.random() < 0.5 else min(64, len(content))))
        content[position] = [0, 1, 127, 128, 255, int(random.integers(0, 256))][random.integers(0, 6)]
    if random.random() < 0.3:
        start, size = random.integers(0, len(content)), random.integers(1, 64)
        content[start:start] = content[start : start + size]
    if random.random() < 0.3:
        del content[int(random.integers(0, len(content))) :]
    return bytes(content)


def _decode(folder: Path, n: int) -> list[Any]:
    """Decode damaged files with the program, within one GiB of address space and five minutes."""
    contents = [_damaged_image(number) for number in range(n)]
    (folder / "members").write_bytes(b"".join(contents))
    (folder / "target").write_bytes(bytes(n * 8 * 8 * 3))
    offsets = np.cumsum([0, *map(len, contents)]).tolist()
    rows = [
        [row, f"{folder}/members", offset, len(content)]
        for row, (offset, content) in enumerate(zip(offsets, contents, strict=False))
    ]
    job = {"target": f"{folder}/target", "shape": [8, 8, 3], "native": False, "fit": None, "pictures": rows}
    done = subprocess.run(
        [sys.executable, "-m", "optotype.data.pictures.worker"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
        timeout=250,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY)),
    )
    ready, answer, rest = done.stdout.split("\n")
    assert (ready, rest) == ("[]", "")
    answers: list[Any] = json.loads(answer)
    return answers


def _check_answers(folder: Path, n: int) -> None:
    answers = _decode(folder, n)
    assert len(answers) == n
    faults = [fault for *_, fault in answers if fault is not None]
    assert all(fault and "\n" not in fault for fault in faults)
    # Both kinds are there: neither was nothing damaged, nor everything beyond recognition.
    assert n // 5 < len(faults) < n


def test_damaged_images_crash_no_worker(tmp_path: Path) -> None:
    """Two thousand damaged files of every format are decoded or rejected, in limited memory and time."""
    _check_answers(tmp_path, 2_000)


@pytest.mark.slow
def test_many_damaged_images_crash_no_worker(tmp_path: Path) -> None:
    """The same holds for ten thousand."""
    _check_answers(tmp_path, 10_000)
