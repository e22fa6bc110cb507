"""CSV manifests: tables with one row per image file and the columns path, label and optionally split.

Paths are relative to the manifest's folder and stay inside it. Errors name the number of the row.
"""

import csv
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from optotype.data.dataset import Skipped
from optotype.data.pictures.location import FileLocation
from optotype.data.sources.listing import SPLITS, Row, SourceScan, listing_from_rows
from optotype.errors import DataError

COLUMNS: Final = ("path", "label", "split")
"""The columns of a manifest; the last may be missing, and others are ignored."""


def scan_csv(path: Path) -> SourceScan:
    """Scan a CSV manifest and the files that it lists.

    Args:
        path: A CSV file in UTF-8 with the column names in its first line.

    Raises:
        DataError: If the file cannot be read or is not a manifest, or a row has no path, no label, an unknown split, a
            repeated path, a path out of the folder, or more cells than there are columns.
    """
    return scan_rows(path, _read(path))


def scan_rows(path: Path, table: Iterable[Mapping[str, str]]) -> SourceScan:
    """Scan the files that a manifest lists.

    Args:
        path: The manifest.
        table: Its rows, each with a value for some of `COLUMNS`.

    Raises:
        DataError: As for `scan_csv`.
    """
    rows: list[Row] = []
    skipped: list[Skipped] = []
    signatures: list[str] = []
    first_row: dict[str, int] = {}
    root = os.path.realpath(path.parent)
    for number, values in enumerate(table, 1):
        row = _row(path, number, values, root)
        file = row.location.file
        if (first := first_row.setdefault(file, number)) != number:
            raise _error(path, number, f"repeats the path {file!r} of row {first}", "each path once")
        signature = _signature(row.location.path, root)
        signatures.append(f"{row.split}\0{row.class_name}\0{file}\0{signature}")
        if signature.startswith(_UNUSABLE):
            skipped.append(Skipped(file, signature.removeprefix(_UNUSABLE)))
        else:
            rows.append(row)
    digest = hashlib.sha256("\n".join(signatures).encode(errors="surrogateescape")).hexdigest()
    files = [str(path), *(row.location.path for row in rows)]
    return SourceScan(digest, files, lambda *_: listing_from_rows(str(path), rows, skipped))


_UNUSABLE: Final = "unusable: "


def _signature(file: str, root: str) -> str:
    """Return size and time of a file, or why it is unusable.

    The texts are part of the source's signature: another wording would decode cached sources again.
    """
    try:
        # A link is followed, but not out of the folder.
        if not os.path.realpath(file).startswith(f"{root}/"):
            return f"{_UNUSABLE}is a link out of the folder"
        status = os.stat(file)  # noqa: PTH116 - a Path for every row would be slow
    except (OSError, ValueError) as error:
        return f"{_UNUSABLE}cannot be read: {getattr(error, 'strerror', None) or error}"
    if not stat.S_ISREG(status.st_mode):
        return f"{_UNUSABLE}is not a regular file"
    return f"{status.st_size} {status.st_mtime_ns}"


def _row(path: Path, number: int, values: Mapping[str, str], root: str) -> Row:
    file, label, split = (values.get(column, "").strip() for column in COLUMNS)
    if not file or not label:
        missing = "path" if not file else "label"
        raise _error(path, number, f"has no {missing}", "a path and a label")
    if split.casefold() not in ("", *SPLITS):
        raise _error(
            path,
            number,
            f"has the split {split!r}",
            f"one of {', '.join(SPLITS)}, or an empty cell for train",
        )
    if file.startswith("/") or ".." in file.split("/"):
        raise _error(
            path, number, f"has the path {file!r}", "a path relative to the manifest's folder and inside it"
        )
    file = os.path.normpath(file)
    return Row(SPLITS.get(split.casefold(), "train"), label, FileLocation(file, f"{root}/{file}"))


def _error(path: Path, number: int, fault: str, expected: str) -> DataError:
    return DataError(f"Row {number} of {path} {fault}; expected {expected}. Correct the row.")


def _read(path: Path) -> Iterator[Mapping[str, str]]:
    """Read the rows of a CSV file as mappings from column names to cells."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            columns = [column.strip().casefold() for column in next(reader, [])]
            check_columns(path, columns)
            for number, cells in enumerate(filter(None, reader), 1):
                if len(cells) > len(columns):
                    # An unquoted comma in a path or label would shift the following cells into other columns.
                    fault = f"has {len(cells)} cells"
                    raise _error(
                        path, number, fault, f"{len(columns)} as in the first row, with quotes around commas"
                    )
                yield dict(zip(columns, cells, strict=False))
    except (OSError, UnicodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"{path} cannot be read as CSV: {reason}. Expected a UTF-8 table with commas between the columns"
            f" {', '.join(COLUMNS)}. Write the file again."
        ) from error


def check_columns(path: Path, columns: Iterable[str]) -> None:
    """Check that a table has the columns of a manifest."""
    columns = list(columns)
    for column in COLUMNS[:2]:
        if columns.count(column) != 1:
            raise DataError(
                f"{path} has the columns {', '.join(columns) or 'none'}; expected one named {column}. A manifest has"
                " the columns path, label and optionally split. Name them in the first row."
            )
