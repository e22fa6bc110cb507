"""Parquet files: image tables in the format of Hugging Face datasets, and manifests.

An image table has a column `image` or `img` (a struct whose field `bytes` contains an image file, or the bytes
themselves), a column `label` (names, or numbers whose names may be in the table's metadata) and optionally `split`.
Without it, the split is the word "train", "test" or "validation" in the file's name. PyArrow reads Parquet. It is an
extra (`parquet`), because it is as large as all other dependencies together.
"""

import io
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from optotype.data.dataset import Skipped
from optotype.data.sources.listing import SPLITS, Listing, Row, SourceScan, file_signature, listing_from_rows
from optotype.data.sources.manifests import COLUMNS, check_columns, scan_rows
from optotype.data.sources.spool import Spool
from optotype.errors import DataError
from optotype.progress import ProgressCallback

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

_IMAGE_COLUMNS: Final = ("image", "img")
_MAX_ROWS: Final = 256
"""Rows in memory at a time."""
_MAX_MEMORY: Final = 256 << 20
"""Bytes of these rows, as the file's metadata states them."""


def scan_tables(source: Path, paths: Sequence[Path]) -> SourceScan:
    """Scan Parquet files: one manifest, or one or more image tables.

    Args:
        source: The folder of the files, or the only file.
        paths: The files, at least one.

    Raises:
        DataError: If PyArrow is missing, a file cannot be read, or is neither a manifest nor an image table.
    """
    first = _open(paths[0])
    columns = _columns(paths[0], first)
    if len(paths) == 1 and not set(columns) & set(_IMAGE_COLUMNS):
        check_columns(paths[0], columns)
        return scan_rows(paths[0], map(_to_text, _rows(paths[0], first, COLUMNS)))
    signature = "\0".join(f"{path.name}\0{file_signature(path)}" for path in paths)
    return SourceScan(
        signature,
        [str(path) for path in paths],
        lambda folder, progress: _read_listing(source, paths, folder, progress),
    )


def _open(path: Path) -> "ParquetFile":
    try:
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise DataError(
            f"{path} is a Parquet file, but PyArrow is not installed; expected it for reading Parquet."
            " Install it: pip install 'optotype[parquet]'."
        ) from error
    with _read_errors(path):
        return ParquetFile(path)


@contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    """Convert exceptions of PyArrow (its errors derive from these) to a DataError."""
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
            f"{path} cannot be read as Parquet: {reason}; expected an intact file. Download or write it again."
        ) from error


def _rows(path: Path, table: "ParquetFile", columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    normalized = {name: folded for folded, name in _columns(path, table).items() if folded in columns}
    with _read_errors(path):
        for batch in table.iter_batches(_batch_size(table, normalized), columns=list(normalized)):
            for row in batch.to_pylist():
                yield {normalized[name]: value for name, value in row.items()}


def _sizes(table: "ParquetFile", columns: Collection[str]) -> Iterator[tuple[int, bool]]:
    """Yield the unpacked bytes of each column in each row group, and whether it has a dictionary (repeated values)."""
    metadata = table.metadata
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            column = metadata.row_group(group).column(index)
            if column.path_in_schema.split(".")[0] in columns:
                yield column.total_uncompressed_size, column.has_dictionary_page


def _batch_size(table: "ParquetFile", columns: Collection[str]) -> int:
    # A value in a dictionary may be as large as the whole column, and occur in every row.
    largest = max((size for size, has_dictionary in _sizes(table, columns) if has_dictionary), default=1)
    return min(_MAX_ROWS, max(1, _MAX_MEMORY // max(1, largest)))


def _columns(path: Path, table: "ParquetFile") -> dict[str, str]:
    """Return the column names by their case-folded form, as in a CSV manifest."""
    columns: dict[str, str] = {}
    for name in table.schema_arrow.names:
        other = columns.setdefault(name.strip().casefold(), name)
        if other is not name:
            raise DataError(
                f"{path} has the columns {other!r} and {name!r}; expected names that differ by more than case."
                " Rename one."
            )
    return columns


def _to_text(row: Mapping[str, Any]) -> dict[str, str]:
    return {column: "" if value is None else str(value) for column, value in row.items()}


def _read_listing(source: Path, paths: Sequence[Path], folder: Path, progress: ProgressCallback) -> Listing:
    rows: list[Row] = []
    skipped: list[Skipped] = []
    splits = {path: _split_from_name(path) for path in paths}
    default = "" if any(splits.values()) else "train"
    for path, split in splits.items():
        with Spool.create(path, folder, progress) as spool:
            _read_table(spool, split or default, rows, skipped)
    return listing_from_rows(str(source), rows, skipped)


def _split_from_name(path: Path) -> str | None:
    """Return the split in a file's name; None if it names no split, or more than one."""
    words = re.split(r"[-_.\s\d]+", path.stem.casefold())
    splits = {SPLITS[word] for word in words if word in SPLITS}
    return splits.pop() if len(splits) == 1 else None


def _read_table(spool: Spool, file_split: str, rows: list[Row], skipped: list[Skipped]) -> None:
    """Add the images of one table; ``file_split`` is the split of rows without one, "" if the file has none."""
    path = spool.source
    table = _open(path)
    columns = _columns(path, table)
    image = next((name for name in _IMAGE_COLUMNS if name in columns), None)
    if image is None or "label" not in columns:
        raise DataError(
            f"{path} has the columns {', '.join(columns)}; expected image and label for an image table, or path and"
            " label for a manifest. Rename the columns."
        )
    if not file_split and "split" not in columns:
        raise DataError(
            f"{path} does not state its split, unlike other files in its folder; expected train, validation or test in"
            " its name, or a column split. Rename the file, or move it to another folder."
        )
    with _read_errors(path):
        spool.check_size(sum(size for size, _ in _sizes(table, [columns[image]])))
    label_names = _label_names(table)
    for number, row in enumerate(_rows(path, table, (image, "label", "split"))):
        spool.report(number, table.metadata.num_rows)
        cell = row[image]
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        label = row["label"]
        label = label_names.get(label, label) if isinstance(label, int) else label
        split = SPLITS.get(str(row.get("split") or file_split).casefold())
        file = f"{path.name}:{number}"
        if not isinstance(content, bytes):
            skipped.append(Skipped(file, "has no bytes of an image file"))
        elif label is None or split is None:
            reason = "has no label" if label is None else f"has the split {row['split']!r}"
            skipped.append(Skipped(file, reason))
        else:
            spool.add(file, io.BytesIO(content))
            rows.append(Row(split, str(label), spool.locations[-1]))


def _label_names(table: "ParquetFile") -> dict[int, str]:
    """Return the names of numbered labels from the metadata of Hugging Face datasets; empty if there are none."""
    try:
        metadata = json.loads((table.schema_arrow.metadata or {})[b"huggingface"])
        names = metadata["info"]["features"]["label"]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    return {number: str(name) for number, name in enumerate(names)} if isinstance(names, list) else {}
