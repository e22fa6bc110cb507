"""The formats that a model can be exported to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from optotype.errors import ExportError, unknown_name
from optotype.exporting import onnx
from optotype.exporting.c import program as c_program
from optotype.exporting.c import source as c_source
from optotype.exporting.content import Content
from optotype.exporting.keras import write as keras_file
from optotype.exporting.npz import write as npz_file
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
    "onnx": Format((".onnx",), onnx.write, onnx.predict, "onnxruntime"),
    "keras": Format((".keras",), keras_file.write, keras_file.predict, "Keras"),
    "npz": Format((".npz",), npz_file.write, npz_file.predict, "NumPy"),
    "c": Format((".c", ".h"), c_source.write, c_program.predict, "a program compiled from it"),
}
"""Every format by its name."""


def find_format(name: str) -> Format:
    """Give a format by its name; ExportError where there is none."""
    if name not in FORMATS:
        raise ExportError(unknown_name("export format", name, FORMATS))
    return FORMATS[name]
