"""The folder for everything that optotype can rebuild: downloads, unpacked data sets, decoded images."""

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Return the cache folder.

    Returns:
        The environment variable OPTOTYPE_HOME if it is set, else the platform's cache folder (on Linux
        ~/.cache/optotype, or a folder in XDG_CACHE_HOME). The path is absolute. The folder may not exist yet: the
        first writer creates it.
    """
    home = os.environ.get("OPTOTYPE_HOME")
    return Path(home).expanduser().absolute() if home else user_cache_path("optotype")
