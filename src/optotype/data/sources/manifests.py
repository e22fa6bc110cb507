"""A manifest: a table with a row for each picture, of columns path, label and, if wanted, split.

Paths are relative to the manifest's folder and stay inside it. Whatever is wrong with a row is said with its number.
"""

import csv
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from optotype.data.dataset import Skipped
from optotype.data.sources.listing import SPLITS, Found, Row, Survey, listed
from optotype.errors import DataError

COLUMNS: Final = ("path", "label", "split")
"""The columns of a manifest; the last may be missing, and others are ignored."""


def survey_csv(path: Path) -> Survey:
    """Look at a CSV manifest and the files that it names.

    Args:
        path: A CSV file in UTF-8, its first line naming the columns.

    Raises:
        DataError: The file cannot be read or is no manifest, or a row has no path, no label, an unknown split, or a
            path that was there before or leads out of the folder, or more cells than there are columns.
    """
    return survey_rows(path, _read(path))


def survey_rows(path: Path, table: Iterable[Mapping[str, str]]) -> Survey:
    """Look at the files that a manifest names.

    Args:
        path: The manifest.
        table: Its rows, each with a value for some of `COLUMNS`.

    Raises:
        DataError: As for `survey_csv`.
    """
    rows: list[Row] = []
    bad: list[Skipped] = []
    stamps: list[str] = []
    seen: dict[str, int] = {}
    root = os.path.realpath(path.parent)
    for number, values in enumerate(table, 1):
        row = _row(path, number, values, root)
        file = row.found.file
        if (first := seen.setdefault(file, number)) != number:
            raise _fault(path, number, f"names {file!r}, as row {first} does", "each picture once")
        stamp = _stamp(row.found.path, root)
        stamps.append(f"{row.split}\0{row.name}\0{file}\0{stamp}")
        if stamp.startswith(_UNUSABLE):
            bad.append(Skipped(file, stamp.removeprefix(_UNUSABLE)))
        else:
            rows.append(row)
    digest = hashlib.sha256("\n".join(stamps).encode(errors="surrogateescape")).hexdigest()
    files = [str(path), *(row.found.path for row in rows)]
    return Survey(digest, files, lambda *_: listed(str(path), rows, bad))


_UNUSABLE: Final = "unusable: "


def _stamp(file: str, root: str) -> str:
    """Give size and time of a file, or why it cannot be used."""
    try:
        # A link is as good as its target, but never leads out of the folder.
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
        raise _fault(path, number, f"has no {missing}", "a path and a label")
    if split.casefold() not in ("", *SPLITS):
        raise _fault(
            path, number, f"has the split {split!r}", f"one of {', '.join(SPLITS)}, or none for train"
        )
    if file.startswith("/") or ".." in file.split("/"):
        raise _fault(
            path, number, f"has the path {file!r}", "one relative to the manifest's folder and inside it"
        )
    file = os.path.normpath(file)
    return Row(SPLITS.get(split.casefold(), "train"), label, Found(file, f"{root}/{file}"))


def _fault(path: Path, number: int, found: str, expected: str) -> DataError:
    return DataError(f"Row {number} of {path} {found}, expected {expected}. Correct the row.")


def _read(path: Path) -> Iterator[Mapping[str, str]]:
    """Read the rows of a CSV file, by the names of its columns."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            columns = [column.strip().casefold() for column in next(reader, [])]
            check_columns(path, columns)
            for number, cells in enumerate(filter(None, reader), 1):
                if len(cells) > len(columns):
                    # An unquoted comma in a path or label would move what follows into other columns.
                    found = f"has {len(cells)} cells"
                    raise _fault(
                        path, number, found, f"{len(columns)} as in the first row, with quotes around commas"
                    )
                yield dict(zip(columns, cells, strict=False))
    except (OSError, UnicodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"{path} cannot be read as CSV: {reason}. Expected a table in UTF-8 with commas between the columns"
            f" {', '.join(COLUMNS)}; write it again."
        ) from error


def check_columns(path: Path, columns: Iterable[str]) -> None:
    """Refuse a table that has not the columns of a manifest."""
    columns = list(columns)
    for column in COLUMNS[:2]:
        if columns.count(column) != 1:
            raise DataError(
                f"{path} has the columns {', '.join(columns) or 'none'}, expected one named {column}: a manifest has"
                " the columns path, label and, if wanted, split. Name them in the first row."
            )
