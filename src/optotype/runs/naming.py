"""Names of run folders: data, recipe, seed and time; a name is never used twice."""

import itertools
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from optotype.errors import RunError
from optotype.recipes.recipe import Recipe

_MAX_LENGTH: Final = 40


def create_run_folder(data_name: str, recipe: Recipe, root: str | Path = "runs") -> Path:
    """Create an empty folder for a run: runs/<data>-<recipe>-s<seed>-<UTC time>.

    Args:
        data_name: Name of the data set.
        recipe: The recipe.
        root: Folder of the runs; created if it does not exist.

    Returns:
        The folder, which no other caller gets, even in the same second.

    Raises:
        RunError: If the folder cannot be created.
    """
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"{file_name(data_name)}-{file_name(recipe.name)}-s{recipe.seed}-{time}"
    for number in itertools.count(1):
        folder = Path(root) / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not Path(root).is_dir():
                raise RunError(
                    f"{root} is not a folder, expected the folder of the runs. Rename the file."
                ) from None
        except OSError as error:
            raise RunError(
                f"Cannot create the run folder {folder}: {error.strerror}. Check the parent folder and its permissions,"
                " or choose another."
            ) from None
        else:
            return folder
    raise AssertionError  # pragma: no cover - the count has no end


def file_name(name: str, max_length: int = _MAX_LENGTH) -> str:
    """Return a name as a part of a file name that is valid on every system: ASCII letters, digits, "_" and "-"."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")[:max_length] or "unnamed"
