"""The export formats by name. A new format is one module with a `FORMAT` and one line in FORMATS."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from optotype.errors import ExportError, unknown_name

if TYPE_CHECKING:
    from optotype.exporting.exported_model import ExportedModel
    from optotype.exporting.verification import ImageBatches, ProbabilityBatches

FORMATS: Final[Mapping[str, str]] = {
    "onnx": "onnx",
    "keras": "keras.write",
    "npz": "npz.write",
    "c": "c.format",
}
"""Each format's module in this package, imported when it is used: `optotype --help` lists the names without NumPy."""


@dataclass(frozen=True)
class Format:
    """An export format.

    Attributes:
        suffixes: Suffixes of its files; the first one is that of the file that the user names.
        write: Writes a model to a path with the first suffix, and to its siblings with the other suffixes.
        predict: Runs the file at a path in the software that it is for; yields float32 probabilities of shape
            (n, classes) for each batch of uint8 images.
        software: Name of that software, for people.
    """

    suffixes: tuple[str, ...]
    write: "Callable[[ExportedModel, Path], None]"
    predict: "Callable[[Path, ImageBatches], ProbabilityBatches]"
    software: str


def find_format(name: str) -> Format:
    """Return a format by its name.

    Raises:
        ExportError: If there is no such format.
    """
    if name not in FORMATS:
        raise ExportError(unknown_name("export format", name, FORMATS))
    chosen: Format = import_module(f"{__package__}.{FORMATS[name]}").FORMAT
    return chosen
