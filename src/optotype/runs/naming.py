"""Names for run folders: data, recipe, seed and time, and never the same one twice."""

import itertools
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from optotype.errors import RunError
from optotype.recipes.recipe import Recipe

_LONGEST: Final = 40


def new_folder(data_name: str, recipe: Recipe, root: str | Path = "runs") -> Path:
    """Make an empty folder for a run: runs/<data>-<recipe>-s<seed>-<UTC time>.

    Args:
        data_name: What the run is trained on.
        recipe: How.
        root: Folder of the runs; made where it is missing.

    Returns:
        The folder, which nobody else got, even in the same second.

    Raises:
        RunError: The folder cannot be made.
    """
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"{plain(data_name)}-{plain(recipe.name)}-s{recipe.seed}-{time}"
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
                f"Cannot make the run folder {folder}: {error.strerror}. Check the folder it is in, or name another."
            ) from None
        else:
            return folder
    raise AssertionError  # pragma: no cover - counting has no end


def plain(name: str, longest: int = _LONGEST) -> str:
    """Keep of a name what is safe in the name of a folder, anywhere, and at most so many characters."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")[:longest] or "unnamed"
