"""An exported C source, compiled into a program of its own and asked: what is wrong with it can hurt nobody else."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from optotype.errors import ExportError
from optotype.exporting.verification import Answers, Batches

_MAIN: Final = """\
#include "{header}"
#include <stdio.h>

int main(void)
{{
    static uint8_t image[OPTOTYPE_HEIGHT * OPTOTYPE_WIDTH * OPTOTYPE_CHANNELS];
    float probabilities[OPTOTYPE_CLASSES];
    while (fread(image, sizeof image, 1, stdin) == 1) {{
        optotype_predict(image, probabilities);
        if (fwrite(probabilities, sizeof probabilities, 1, stdout) != 1)
            return 1;
    }}
    return 0;
}}
"""


def predict(path: Path, batches: Batches) -> Answers:
    """Compile a source, and ask the program.

    Args:
        path: The source; its header lies beside it.
        batches: uint8 images, each batch of shape (n, height, width, channels).

    Yields:
        float32 probabilities of shape (n, classes) for each batch.

    Raises:
        ExportError: There is no C compiler, it refuses the source, or the program fails.
    """
    with TemporaryDirectory() as folder:
        program = build(path, Path(folder), ["-O3"])
        for images in batches:
            done = _run([str(program)], images.tobytes())
            yield np.frombuffer(done, np.float32).reshape(len(images), -1)


def build(path: Path, folder: Path, options: list[str]) -> Path:
    """Compile a source into a program that reads images from its input and writes probabilities to its output.

    Args:
        path: The source.
        folder: Where the program goes.
        options: For the compiler.

    Returns:
        The program.

    Raises:
        ExportError: There is no C compiler, or it refuses the source.
    """
    main, program = folder / "main.c", folder / "program"
    main.write_text(_MAIN.format(header=path.with_suffix(".h").name), "ascii")
    words = ["-std=c99", *options, f"-I{path.parent}", str(main), str(path), "-o", str(program), "-lm"]
    _run([*_compiler(), *words])
    return program


def _compiler() -> list[str]:
    """Give the command of the C compiler: what CC says, else whichever is there."""
    named = shlex.split(os.environ.get("CC", ""))
    choices = [named] if named else [["cc"], ["gcc"], ["clang"]]
    found = next((words for words in choices if shutil.which(words[0])), None)
    if found is None:
        tried = " or ".join(words[0] for words in choices)
        raise ExportError(
            f"An export to C is verified by compiling it, and there is no C compiler ({tried}), expected one."
            " Install one (on Debian and Ubuntu: apt-get install gcc), or name it by the environment variable CC."
        )
    return found


def _run(words: list[str], given: bytes = b"") -> bytes:
    done = subprocess.run(words, input=given, capture_output=True, check=False)  # noqa: S603 - a list, no shell
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ExportError(
            f"{words[0]} failed with code {done.returncode} on the exported C source ({' '.join(said[:3])}), expected"
            " it to work. Nothing was kept. Name another compiler by the environment variable CC."
        )
    return done.stdout
