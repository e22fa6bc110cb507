"""How predictions are written: lines for people, JSON, CSV and Parquet for programs; each as they come.

The names of files and classes may be anyone's: they steer neither a terminal nor a spreadsheet.
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
    from optotype.models.model import Prediction

Write = Callable[[Sequence[str], "Sequence[Prediction]"], None]

_FORMULA: Final = ("=", "+", "-", "@")


@contextmanager
def as_text(top: int, found: "Sequence[FileLocation]") -> Iterator[Write]:
    """Give what prints a line for each picture, its name in a column as wide as the longest needs."""
    from optotype.text import printable

    width = max((len(printable(each.file)) for each in found), default=0)

    def write(files: Sequence[str], predictions: "Sequence[Prediction]") -> None:
        for file, prediction in zip(files, predictions, strict=True):
            print(f"{printable(file):<{width}}   {_in_words(prediction, top)}")

    yield write


def _in_words(prediction: "Prediction", top: int) -> str:
    words = [f"{label} {probability:.4f}" for label, probability in prediction.top(top)]
    if prediction.label_set is not None and len(prediction.label_set) > 1:
        every = len(prediction.label_set) == len(prediction.class_names)
        words.append("may be any class" if every else f"may be any of: {', '.join(prediction.label_set)}")
    if prediction.unknown:
        words.append("unlike the training images")
    return "   ".join(words)


@contextmanager
def as_json(top: int, bad: "Sequence[Skipped]") -> Iterator[Write]:
    """Give what prints one JSON object, which ends with the pictures that could not be used."""
    before = '{"predictions": ['

    def write(files: Sequence[str], predictions: "Sequence[Prediction]") -> None:
        nonlocal before
        for file, prediction in zip(files, predictions, strict=True):
            sys.stdout.write(f"{before}{json.dumps(_as_object(file, prediction, top))}")
            before = ", "

    yield write
    # Only where nothing went wrong: an error is an object of its own.
    sys.stdout.write(before if before.startswith("{") else "")
    listed = [{"image": each.file, "reason": each.reason} for each in bad]
    sys.stdout.write(f'], "bad": {json.dumps(listed)}}}\n')


def _as_object(file: str, prediction: "Prediction", top: int) -> dict[str, object]:
    return {
        "image": file,
        "label": prediction.label,
        "probability": prediction.probability,
        "top": [{"label": label, "probability": value} for label, value in prediction.top(top)],
        "label_set": prediction.label_set,
        "unknown": prediction.unknown,
    }


@contextmanager
def as_csv(top: int) -> Iterator[Write]:
    """Give what prints a row for each picture, below a heading; docs/predicting.md explains the columns."""
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(_columns(top))

    def write(files: Sequence[str], predictions: "Sequence[Prediction]") -> None:
        for file, prediction in zip(files, predictions, strict=True):
            rows.writerow([_as_cell(value) for value in _row(file, prediction, top)])

    yield write


def _columns(top: int) -> list[str]:
    """Name the columns: image, label, probability, label_2, probability_2 and so on, label_set, unknown."""
    ranks = ["" if rank == 1 else f"_{rank}" for rank in range(1, top + 1)]
    return [
        "image",
        *(f"{name}{rank}" for rank in ranks for name in ("label", "probability")),
        "label_set",
        "unknown",
    ]


def _row(file: str, prediction: "Prediction", top: int) -> list[object]:
    from optotype.text import printable

    likeliest = [value for pair in prediction.top(top) for value in pair]
    return [printable(file), *likeliest, prediction.label_set, prediction.unknown]


def _as_cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    return _inert(value) if isinstance(value, str) else value


def _inert(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula; a sign or a number is none."""
    if not text.startswith(_FORMULA) or len(text) == 1:
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


@contextmanager
def as_parquet(path: Path, top: int) -> Iterator[Write]:
    """Give what adds rows to a Parquet file, which is there once all are written; its columns are those of the CSV.

    Raises:
        DataError: PyArrow is not installed.
    """
    from optotype.storage.atomic import replacing

    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter
    except ImportError as error:
        raise DataError(
            f"{path} is to be a Parquet file, and PyArrow, which writes them, is not installed, expected it to be."
            " Install it: pip install 'optotype[parquet]'."
        ) from error
    kinds = {"probability": pa.float32(), "label_set": pa.list_(pa.string()), "unknown": pa.bool_()}
    schema = pa.schema(
        [(n, next((kinds[k] for k in kinds if n.startswith(k)), pa.string())) for n in _columns(top)]
    )

    def write(files: Sequence[str], predictions: "Sequence[Prediction]") -> None:
        rows = [_row(*each, top) for each in zip(files, predictions, strict=True)]
        if rows:
            columns = [
                pa.array(column, field.type)
                for column, field in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))

    with replacing(path) as file, ParquetWriter(file, schema) as writer:
        yield write
