"""Writers of predictions: lines for people; JSON, CSV and Parquet for programs. Each writes chunk by chunk.

Names of files and classes come from strangers, so they must not control a terminal or run as a spreadsheet formula.
"""

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from optotype.errors import DataError

if TYPE_CHECKING:
    from optotype.data.dataset import Skipped
    from optotype.data.pictures.location import FileLocation
    from optotype.models.prediction import Prediction

Write = Callable[[Sequence[str], "Sequence[Prediction]"], None]
"""Writes predictions, given the files' names and the predictions."""

_FORMULA_STARTS: Final = ("=", "+", "-", "@")


@contextmanager
def text_writer(top: int, files: "Sequence[FileLocation]") -> Iterator[Write]:
    """Print one line per image, the names in a column as wide as the longest of them."""
    from optotype.text import printable

    width = max((len(printable(file.file)) for file in files), default=0)

    def write(names: Sequence[str], predictions: "Sequence[Prediction]") -> None:
        for name, prediction in zip(names, predictions, strict=True):
            print(f"{printable(name):<{width}}   {_format_text(prediction, top)}")

    yield write


def _format_text(prediction: "Prediction", top: int) -> str:
    columns = [f"{label} {probability:.4f}" for label, probability in prediction.top(top)]
    if prediction.label_set is not None and len(prediction.label_set) > 1:
        has_all = len(prediction.label_set) == len(prediction.class_names)
        columns.append(f"label set: {'all classes' if has_all else ', '.join(prediction.label_set)}")
    if prediction.unknown:
        columns.append("novel: unlike the training images")
    return "   ".join(columns)


@contextmanager
def json_writer(top: int, bad: "Sequence[Skipped]") -> Iterator[Write]:
    """Print one JSON object; it ends with the images that cannot be used."""
    separator = '{"predictions": ['

    def write(names: Sequence[str], predictions: "Sequence[Prediction]") -> None:
        nonlocal separator
        for name, prediction in zip(names, predictions, strict=True):
            sys.stdout.write(f"{separator}{json.dumps(_as_object(name, prediction, top))}")
            separator = ", "

    yield write
    # Not reached after an error, which main prints as another JSON object.
    sys.stdout.write(separator if separator.startswith("{") else "")
    skipped = [{"image": image.file, "reason": image.reason} for image in bad]
    sys.stdout.write(f'], "bad": {json.dumps(skipped)}}}\n')


def _as_object(name: str, prediction: "Prediction", top: int) -> dict[str, object]:
    return {
        "image": name,
        "label": prediction.label,
        "probability": prediction.probability,
        "top": [{"label": label, "probability": value} for label, value in prediction.top(top)],
        "label_set": prediction.label_set,
        "unknown": prediction.unknown,
    }


@contextmanager
def csv_writer(top: int) -> Iterator[Write]:
    """Print CSV: a header, then one row per image; docs/predicting.md explains the columns."""
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(_columns(top))

    def write(names: Sequence[str], predictions: "Sequence[Prediction]") -> None:
        for name, prediction in zip(names, predictions, strict=True):
            rows.writerow([_as_cell(value) for value in _row(name, prediction, top)])

    yield write


def _columns(top: int) -> list[str]:
    """Return the column names: image, label, probability, label_2, probability_2, ..., label_set, unknown."""
    ranks = ["" if rank == 1 else f"_{rank}" for rank in range(1, top + 1)]
    return [
        "image",
        *(f"{name}{rank}" for rank in ranks for name in ("label", "probability")),
        "label_set",
        "unknown",
    ]


def _row(name: str, prediction: "Prediction", top: int) -> list[object]:
    from optotype.text import printable

    most_probable = [value for pair in prediction.top(top) for value in pair]
    return [printable(name), *most_probable, prediction.label_set, prediction.unknown]


def _as_cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    return _escape_formula(value) if isinstance(value, str) else value


def _escape_formula(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run as a formula; signs and numbers are harmless."""
    if not text.startswith(_FORMULA_STARTS) or len(text) == 1:
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


@contextmanager
def parquet_writer(path: Path, top: int) -> Iterator[Write]:
    """Write a Parquet file with the columns of the CSV; the file appears once all rows are written.

    Raises:
        DataError: If PyArrow is not installed.
    """
    from optotype.storage.atomic import replacing

    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter
    except ImportError as error:
        raise DataError(
            f"Cannot write the Parquet file {path}: PyArrow is not installed."
            " Install it: pip install 'optotype[parquet]'."
        ) from error
    types = {"probability": pa.float32(), "label_set": pa.list_(pa.string()), "unknown": pa.bool_()}
    schema = pa.schema(
        [
            (column, next((types[start] for start in types if column.startswith(start)), pa.string()))
            for column in _columns(top)
        ]
    )

    def write(names: Sequence[str], predictions: "Sequence[Prediction]") -> None:
        rows = [_row(name, prediction, top) for name, prediction in zip(names, predictions, strict=True)]
        if rows:
            columns = [
                pa.array(values, field.type)
                for values, field in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))

    with replacing(path) as file, ParquetWriter(file, schema) as writer:
        yield write
