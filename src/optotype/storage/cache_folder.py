"""Where optotype keeps what it can make or fetch again: downloads, unpacked data sets, decoded pictures."""

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Give the cache folder; the environment variable OPTOTYPE_HOME moves it.

    Returns:
        OPTOTYPE_HOME where it is set, else the platform's own place for caches (on Linux ~/.cache/optotype, or below
        XDG_CACHE_HOME); always absolute, and made by whoever first writes there.
    """
    moved = os.environ.get("OPTOTYPE_HOME")
    return Path(moved).expanduser().absolute() if moved else user_cache_path("optotype")
