"""Reading of recipes: TOML from an untrusted file, or JSON from a run folder."""

import json
import tomllib
from pathlib import Path
from typing import Final

from optotype.errors import RecipeError

MAX_FILE_BYTES: Final = 1_000_000
"""Maximum size of a recipe file in bytes; usual ones have less than a thousand."""


def read_toml(path: Path) -> dict[str, object]:
    """Read a TOML file.

    Args:
        path: A regular file of at most 1 MB, in UTF-8.

    Returns:
        Its tables.

    Raises:
        RecipeError: If the file is missing, unreadable, too large, not UTF-8 or not TOML; the message names the
            file, and the line if there is one.
    """
    text = _decode(path, _read(path))
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise RecipeError(
            f"{path} is nested too deeply, expected a recipe with one level of tables. Remove the inner tables."
        ) from None
    except ValueError as error:
        raise RecipeError(f"{path} is not valid TOML: {error}. Correct the line.") from None


def parse_json(text: str) -> object:
    """Parse JSON text; RecipeError if it is not valid."""
    try:
        return json.loads(text)
    except RecursionError:
        raise RecipeError("The recipe's JSON is nested too deeply, expected one level of tables.") from None
    except ValueError as error:
        raise RecipeError(f"The recipe is not valid JSON: {error}. Restore it from a copy.") from None


def _read(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise RecipeError(
                f"{path} is not a regular file, expected a recipe in TOML. Use the path of the file."
            )
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RecipeError(
            f"Cannot read the recipe {path}: {reason}. Check the path and its permissions."
        ) from None
    if len(content) > MAX_FILE_BYTES:
        raise RecipeError(
            f"{path} has more than {MAX_FILE_BYTES:,} bytes, expected a recipe in TOML. Check the path."
        )
    return content


def _decode(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise RecipeError(
            f"{path}, line {line}: byte 0x{byte:02x} is not UTF-8, expected text in UTF-8. Save it as UTF-8."
        ) from None
