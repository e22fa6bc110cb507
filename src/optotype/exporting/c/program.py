"""Compile an exported C source into a program and run it: faults in a separate process do no harm."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from optotype.errors import ExportError
from optotype.exporting.verification import ImageBatches, ProbabilityBatches

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


def predict(path: Path, batches: ImageBatches) -> ProbabilityBatches:
    """Compile a source and run the program.

    Args:
        path: The source, with its header next to it.
        batches: uint8 images, each batch of shape (n, height, width, channels).

    Yields:
        float32 probabilities of shape (n, classes) for each batch.

    Raises:
        ExportError: If there is no C compiler, it rejects the source, or the program fails.
    """
    with TemporaryDirectory() as folder:
        program = build(path, Path(folder), ["-O3"])
        for images in batches:
            output = _run([str(program)], images.tobytes())
            yield np.frombuffer(output, np.float32).reshape(len(images), -1)


def build(path: Path, folder: Path, options: list[str]) -> Path:
    """Compile a source into a program that reads images from its input and writes probabilities to its output.

    Args:
        path: The source.
        folder: The folder for the program.
        options: Options for the compiler.

    Returns:
        The program.

    Raises:
        ExportError: If there is no C compiler, or it rejects the source.
    """
    main, program = folder / "main.c", folder / "program"
    main.write_text(_MAIN.format(header=path.with_suffix(".h").name), "ascii")
    arguments = ["-std=c99", *options, f"-I{path.parent}", str(main), str(path), "-o", str(program), "-lm"]
    _run([*_compiler(), *arguments])
    return program


def _compiler() -> list[str]:
    """Return the C compiler's command: the value of CC, or the first compiler that is installed."""
    from_environment = shlex.split(os.environ.get("CC", ""))
    commands = [from_environment] if from_environment else [["cc"], ["gcc"], ["clang"]]
    for command in commands:
        if shutil.which(command[0]):
            return command
    tried = " or ".join(command[0] for command in commands)
    raise ExportError(
        f"Cannot verify the export to C: no C compiler is installed ({tried}). Install one (on Debian and Ubuntu:"
        " apt-get install gcc), or set the environment variable CC to your compiler."
    )


def _run(command: list[str], content: bytes = b"") -> bytes:
    result = subprocess.run(command, input=content, capture_output=True, check=False)  # noqa: S603 - a list, no shell
    if result.returncode:
        errors = result.stderr.decode(errors="replace").strip().splitlines()
        raise ExportError(
            f"{command[0]} failed with code {result.returncode} on the exported C source ({' '.join(errors[:3])}),"
            " expected it to succeed. Nothing was saved. Set the environment variable CC to another compiler."
        )
    return result.stdout
