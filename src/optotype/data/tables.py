"""Parquet: tables of pictures as Hugging Face's datasets write them, and manifests.

A table of pictures has a column `image` or `img` (a struct whose field `bytes` holds a picture file, or the bytes
themselves), a column `label` (names, or numbers that the table's metadata may name) and, if wanted, `split`; else
a file whose name begins with "test" or "validation" holds that split. PyArrow reads Parquet; it is the extra `parquet`,
since it weighs as much as everything else together.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from optotype.data.dataset import Skipped
from optotype.data.listing import SPLITS, Listing, Row, Survey, listed, stamp_of
from optotype.data.manifests import COLUMNS, check_columns, survey_rows
from optotype.data.spool import Spool
from optotype.errors import DataError

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

_IMAGE: Final = ("image", "img")
_ROWS: Final = 256
"""Rows that are in memory at a time."""


def survey_tables(source: Path, paths: Sequence[Path]) -> Survey:
    """Look at Parquet files: one manifest, or one or more tables of pictures.

    Args:
        source: What the files are of: their folder, or the only file.
        paths: The files, at least one.

    Raises:
        DataError: PyArrow is missing, a file cannot be read, or is neither a manifest nor a table of pictures.
    """
    first = _open(paths[0])
    columns = first.schema_arrow.names
    if len(paths) == 1 and not set(columns) & set(_IMAGE):
        check_columns(paths[0], columns)
        return survey_rows(paths[0], map(_as_text, _rows(paths[0], first, COLUMNS)))
    stamp = "\0".join(f"{path.name}\0{stamp_of(path)}" for path in paths)
    return Survey(stamp, [str(path) for path in paths], lambda folder: _list(source, paths, folder))


def _open(path: Path) -> "ParquetFile":
    try:
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise DataError(
            f"{path} is a Parquet file, and PyArrow, which reads them, is not installed, expected it to be."
            " Install it: pip install 'optotype[parquet]'."
        ) from error
    with _explained(path):
        return ParquetFile(path)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what PyArrow raises (its errors derive from these) into a DataError."""
    try:
        yield
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        NotImplementedError,
        RuntimeError,
        MemoryError,
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path} cannot be read as Parquet: {reason}. Fetch or write the file again."
        ) from error


def _rows(path: Path, table: "ParquetFile", columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    there = [name for name in table.schema_arrow.names if name in columns]
    with _explained(path):
        for batch in table.iter_batches(_ROWS, columns=there):
            yield from batch.to_pylist()


def _as_text(row: Mapping[str, Any]) -> dict[str, str]:
    return {column: "" if value is None else str(value) for column, value in row.items()}


def _list(source: Path, paths: Sequence[Path], folder: Path) -> Listing:
    rows: list[Row] = []
    bad: list[Skipped] = []
    for path in paths:
        with Spool.opened(path, folder) as spool:
            _read(spool, rows, bad)
    return listed(str(source), rows, bad)


def _read(spool: Spool, rows: list[Row], bad: list[Skipped]) -> None:
    """Take over the pictures of one table."""
    path = spool.source
    table = _open(path)
    image = next((name for name in _IMAGE if name in table.schema_arrow.names), None)
    if image is None or "label" not in table.schema_arrow.names:
        raise DataError(
            f"{path} has the columns {', '.join(table.schema_arrow.names)}, expected image and label for a table of"
            " pictures, or path and label for a manifest. Name the columns so."
        )
    names = _label_names(table)
    by_file = SPLITS.get(path.name.casefold().partition("-")[0].partition(".")[0], "train")
    for number, row in enumerate(_rows(path, table, (image, "label", "split"))):
        held = row[image]
        content = held.get("bytes") if isinstance(held, dict) else held
        label = row["label"]
        label = names.get(label, label) if isinstance(label, int) else label
        split = SPLITS.get(str(row.get("split") or by_file).casefold())
        file = f"{path.name}:{number}"
        if not isinstance(content, bytes):
            bad.append(Skipped(file, "has no bytes of a picture"))
        elif label is None or split is None:
            bad.append(Skipped(file, "has no label" if label is None else f"has the split {row['split']!r}"))
        else:
            spool.take(file, io.BytesIO(content))
            rows.append(Row(split, str(label), spool.found[-1]))


def _label_names(table: "ParquetFile") -> dict[int, str]:
    """Read the names of numbered labels, if any, from the metadata that Hugging Face's datasets write."""
    try:
        about = json.loads((table.schema_arrow.metadata or {})[b"huggingface"])
        names = about["info"]["features"]["label"]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    return {number: str(name) for number, name in enumerate(names)} if isinstance(names, list) else {}
