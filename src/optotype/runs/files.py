"""Small JSON files of a run folder: reading and writing; every problem is a RunError that names the file."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from optotype.errors import RunError
from optotype.storage.atomic import write_durably

MAX_FILE_BYTES: Final = 256 << 20
"""Maximum size in bytes of a file that is read."""

Content = TypeVar("Content", bound=BaseModel)


def write_json(path: Path, value: Mapping[str, object], indent: int | None = 2) -> None:
    """Write a JSON object in one step; RunError if that fails."""
    text = json.dumps(value, indent=indent, allow_nan=False)
    with wrap_os_errors(path, "write"):
        write_durably(path, f"{text}\n".encode())


def read_bytes(path: Path) -> bytes:
    """Read a file of a run folder.

    Raises:
        RunError: If it is missing, unreadable, or larger than 256 MiB.
    """
    with wrap_os_errors(path, "read"):
        if path.exists() and not path.is_file():
            raise RunError(f"{path} is not a regular file, expected a file that optotype wrote. Train again.")
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise RunError(
            f"{path} has more than {MAX_FILE_BYTES:,} bytes, expected a file that optotype wrote. Train again."
        )
    return content


def read_json(path: Path) -> dict[str, JsonValue]:
    """Read a JSON object.

    Raises:
        RunError: If the file cannot be read, or is not a JSON object.
    """
    try:
        value = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise damaged_file_error(path, f"is not valid JSON ({error})") from None
    if not isinstance(value, dict):
        raise damaged_file_error(path, "is not a JSON object")
    return value


def read_versioned(path: Path, content_type: type[Content], newest: int) -> Content:
    """Read a JSON object that has a format version.

    Args:
        path: The file.
        content_type: The type of its content.
        newest: The highest supported version.

    Raises:
        RunError: If the file cannot be read, is newer, or has other content.
    """
    value = read_json(path)
    version = value.get("format")
    if isinstance(version, int) and version > newest:
        raise RunError(
            f"{path} has format {version}, expected at most {newest}: a newer optotype wrote it."
            " Upgrade optotype."
        )
    return parse_content(path, content_type, value)


def parse_content(path: Path, content_type: type[Content], value: Mapping[str, JsonValue]) -> Content:
    """Return a file's JSON object as a typed value.

    Raises:
        RunError: If a key is unknown or missing, or a value has another type or range.
    """
    try:
        return content_type.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise damaged_file_error(path, f"has a wrong value for {key!r} ({first['msg']})") from None


def damaged_file_error(path: Path, problem: str) -> RunError:
    """Return the error for a file whose content is not what optotype wrote."""
    return RunError(
        f"{path} {problem}, expected the file as optotype wrote it. Restore it from a copy, or train again."
    )


@contextmanager
def wrap_os_errors(path: Path, verb: str) -> Iterator[None]:
    """Convert an OSError into a RunError that names the file and the attempted action ("read")."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunError(
            f"Cannot {verb} {path}: {reason}. Check the folder, its permissions and the disk."
        ) from None
