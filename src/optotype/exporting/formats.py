"""The formats that a model can be exported to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from optotype.errors import ExportError, unknown_name
from optotype.exporting import as_c, as_keras, as_npz, as_onnx, c_program
from optotype.exporting.content import Content
from optotype.exporting.verification import Answers, Batches


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        suffixes: How its files' names end; the first is that of the file that is named.
        write: Writes the content to a path that ends in the first suffix, and to its siblings with the others.
        predict: Asks the file at a path, by the software that it is meant for: float32 probabilities of shape
            (n, classes) for each batch of uint8 images.
        software: What it is asked by, for people.
    """

    suffixes: tuple[str, ...]
    write: Callable[[Content, Path], None]
    predict: Callable[[Path, Batches], Answers]
    software: str


FORMATS: Final[Mapping[str, Format]] = {
    "onnx": Format((".onnx",), as_onnx.write, as_onnx.predict, "onnxruntime"),
    "keras": Format((".keras",), as_keras.write, as_keras.predict, "Keras"),
    "npz": Format((".npz",), as_npz.write, as_npz.predict, "NumPy"),
    "c": Format((".c", ".h"), as_c.write, c_program.predict, "a program compiled from it"),
}
"""Every format by its name."""


def find_format(name: str) -> Format:
    """Give a format by its name; ExportError where there is none."""
    if name not in FORMATS:
        raise ExportError(unknown_name("export format", name, FORMATS))
    return FORMATS[name]
