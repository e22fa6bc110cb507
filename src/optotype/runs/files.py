"""Small JSON files of a run folder, in and out; whatever is wrong with one is a RunError that names it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from optotype.errors import RunError
from optotype.storage.atomic import write_durably

LARGEST: Final = 256 << 20
"""Bytes in the largest file that is read."""

Kind = TypeVar("Kind", bound=BaseModel)


def write_json(path: Path, value: Mapping[str, object], indent: int | None = 2) -> None:
    """Write a JSON object in one step; RunError where that is impossible."""
    text = json.dumps(value, indent=indent, allow_nan=False)
    with wrap_os_errors(path, "write"):
        write_durably(path, f"{text}\n".encode())


def read_bytes(path: Path) -> bytes:
    """Read a file of a run folder.

    Raises:
        RunError: It is missing, unreadable, or larger than 256 MiB.
    """
    with wrap_os_errors(path, "read"):
        if path.exists() and not path.is_file():
            raise RunError(f"{path} is not a file, expected one that optotype wrote. Train again.")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise RunError(
            f"{path} has more than {LARGEST:,} bytes, expected a file that optotype wrote. Train again."
        )
    return content


def read_json(path: Path) -> dict[str, JsonValue]:
    """Read a JSON object.

    Raises:
        RunError: The file cannot be read, or holds something else.
    """
    try:
        value = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"is not valid JSON ({error})") from None
    if not isinstance(value, dict):
        raise damaged(path, "holds no JSON object")
    return value


def read_model(path: Path, kind: type[Kind], newest: int) -> Kind:
    """Read a JSON object that has a format version.

    Args:
        path: The file.
        kind: What it holds.
        newest: The highest version that is understood.

    Raises:
        RunError: The file cannot be read, is newer, or holds something else.
    """
    value = read_json(path)
    version = value.get("format")
    if isinstance(version, int) and version > newest:
        raise RunError(
            f"{path} has format {version}, expected at most {newest}: it was made by a newer optotype."
            " Upgrade optotype."
        )
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise damaged(path, f"has a wrong {where!r} ({first['msg']})") from None


def damaged(path: Path, what: str) -> RunError:
    """Make the error for a file that is not as optotype wrote it."""
    return RunError(
        f"{path} {what}, expected it as optotype wrote it. Restore it from a copy, or train again."
    )


@contextmanager
def wrap_os_errors(path: Path, verb: str) -> Iterator[None]:
    """Turn an OSError into a RunError that names the file; ``verb`` says what was tried ("read")."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(
            f"Cannot {verb} {path}: {reason}. Check the folder, its permissions and the disk."
        ) from None
