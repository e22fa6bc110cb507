"""Parquet: tables of pictures as Hugging Face's datasets write them, and manifests.

A table of pictures has a column `image` or `img` (a struct whose field `bytes` holds a picture file, or the bytes
themselves), a column `label` (names, or numbers that the table's metadata may name) and, if wanted, `split`; else
a file with "test" or "validation" among the words of its name holds that split. PyArrow reads Parquet; it is the extra
`parquet`, since it weighs as much as everything else together.
"""

import io
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from optotype.data.dataset import Skipped
from optotype.data.sources.listing import SPLITS, Listing, Row, Survey, listed, stamp_of
from optotype.data.sources.manifests import COLUMNS, check_columns, survey_rows
from optotype.data.sources.spool import Spool
from optotype.errors import DataError
from optotype.progress import Report

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

_IMAGE: Final = ("image", "img")
_ROWS: Final = 256
"""Rows that are in memory at a time, at most."""
_MOST_MEMORY: Final = 256 << 20
"""Bytes that these rows may take, by what the file says of itself."""


def survey_tables(source: Path, paths: Sequence[Path]) -> Survey:
    """Look at Parquet files: one manifest, or one or more tables of pictures.

    Args:
        source: What the files are of: their folder, or the only file.
        paths: The files, at least one.

    Raises:
        DataError: PyArrow is missing, a file cannot be read, or is neither a manifest nor a table of pictures.
    """
    first = _open(paths[0])
    columns = _columns(paths[0], first)
    if len(paths) == 1 and not set(columns) & set(_IMAGE):
        check_columns(paths[0], columns)
        return survey_rows(paths[0], map(_as_text, _rows(paths[0], first, COLUMNS)))
    stamp = "\0".join(f"{path.name}\0{stamp_of(path)}" for path in paths)
    return Survey(
        stamp, [str(path) for path in paths], lambda folder, report: _list(source, paths, folder, report)
    )


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
    there = {name: folded for folded, name in _columns(path, table).items() if folded in columns}
    with _explained(path):
        for batch in table.iter_batches(_rows_at_a_time(table, there), columns=list(there)):
            for row in batch.to_pylist():
                yield {there[name]: value for name, value in row.items()}


def _sizes(table: "ParquetFile", columns: Collection[str]) -> Iterator[tuple[int, bool]]:
    """Give the unpacked bytes of each column in each group of rows, and whether one value may stand for many."""
    about = table.metadata
    for group in range(about.num_row_groups):
        for place in range(about.num_columns):
            column = about.row_group(group).column(place)
            if column.path_in_schema.split(".")[0] in columns:
                yield column.total_uncompressed_size, column.has_dictionary_page


def _rows_at_a_time(table: "ParquetFile", columns: Collection[str]) -> int:
    # A value that is stored once may be as large as all that is stored, and stand in every row.
    largest = max((size for size, repeats in _sizes(table, columns) if repeats), default=1)
    return min(_ROWS, max(1, _MOST_MEMORY // max(1, largest)))


def _columns(path: Path, table: "ParquetFile") -> dict[str, str]:
    """Give the names of the columns by how they read without case, as in a CSV manifest."""
    columns: dict[str, str] = {}
    for name in table.schema_arrow.names:
        other = columns.setdefault(name.strip().casefold(), name)
        if other is not name:
            raise DataError(
                f"{path} has two columns named {other!r} and {name!r}, expected one of a name. Rename one."
            )
    return columns


def _as_text(row: Mapping[str, Any]) -> dict[str, str]:
    return {column: "" if value is None else str(value) for column, value in row.items()}


def _list(source: Path, paths: Sequence[Path], folder: Path, report: Report) -> Listing:
    rows: list[Row] = []
    bad: list[Skipped] = []
    by_name = {path: _split_by_name(path) for path in paths}
    told = next((path for path, split in by_name.items() if split), None)
    for path, split in by_name.items():
        with Spool.opened(path, folder, report) as spool:
            _read(spool, split or ("" if told else "train"), rows, bad)
    return listed(str(source), rows, bad)


def _split_by_name(path: Path) -> str | None:
    """Tell the split that a file's name tells; None where it tells none, or more than one."""
    words = re.split(r"[-_.\s\d]+", path.stem.casefold())
    told = {SPLITS[word] for word in words if word in SPLITS}
    return told.pop() if len(told) == 1 else None


def _read(spool: Spool, by_file: str, rows: list[Row], bad: list[Skipped]) -> None:
    """Take over the pictures of one table, of a split that each row tells, or else the file ("": does not)."""
    path = spool.source
    table = _open(path)
    columns = _columns(path, table)
    image = next((name for name in _IMAGE if name in columns), None)
    if image is None or "label" not in columns:
        raise DataError(
            f"{path} has the columns {', '.join(columns)}, expected image and label for a table of"
            " pictures, or path and label for a manifest. Name the columns so."
        )
    if not by_file and "split" not in columns:
        raise DataError(
            f"{path} does not tell its split, as other files beside it do, expected train, validation or test in its"
            " name or a column split. Rename it, or put it elsewhere."
        )
    with _explained(path):
        spool.require(sum(size for size, _ in _sizes(table, [columns[image]])))
    names = _label_names(table)
    for number, row in enumerate(_rows(path, table, (image, "label", "split"))):
        spool.tell(number, table.metadata.num_rows)
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
