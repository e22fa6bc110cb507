"""Where a named set lies: in the package, where the user put it, in the system, in the cache; or else it is fetched.

Sets that come as archives are unpacked once into the cache, as the four plain IDX files that are then mapped.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Final

from optotype.data.arrays.idx import write_idx
from optotype.data.arrays.idx_folder import FILES, has_idx_files, load_idx_folder
from optotype.data.dataset import Dataset
from optotype.data.named.catalogue import CATALOGUE, NamedSet
from optotype.data.named.download import check, fetch
from optotype.errors import DataError
from optotype.progress import Report
from optotype.storage.cache_folder import cache_folder
from optotype.storage.locks import locked

SYSTEM: Final = Path("/usr/share/datasets")
"""Where Debian and Ubuntu put data sets; fashion-mnist is in their package dataset-fashion-mnist."""


def load_named(name: str, report: Report | None = None) -> Dataset:
    """Load a named set from the first place that has it.

    Args:
        name: A key of the catalogue.
        report: Called with the progress of a download.

    Raises:
        DataError: It is nowhere and cannot be fetched, or the place that has it holds something else.
        IdxError: A file is malformed.
    """
    named = CATALOGUE[name]
    folder = _find(name, named, report)
    data = load_idx_folder(folder, named.class_names)
    if data.shape != named.shape:
        raise DataError(
            f"{folder} holds images of shape {data.shape}, expected {named.shape} as {name} has. Put the four files of"
            f" {name} there, or move the folder away."
        )
    return replace(data, name=name, source=name, licence=named.licence, citation=named.citation)


def _find(name: str, named: NamedSet, report: Report | None) -> Path:
    """Give the folder of the set's four IDX files, after fetching and unpacking them where that must be."""
    unpacked = cache_folder() / "named" / name
    given = os.environ.get("OPTOTYPE_DATA")
    own = Path(given).expanduser() / name if given else None
    for folder in (Path(str(files("optotype.data"))) / name, own, SYSTEM / name, unpacked):
        if folder is not None and has_idx_files(folder):
            return folder
    if own is not None and all((own / original.file).is_file() for original in named.originals):
        originals = {original.file: own / original.file for original in named.originals}
        for original in named.originals:
            check(original, originals[original.file])
    else:
        originals = _fetched(name, named, report)
    _unpack(named, originals, unpacked)
    return unpacked


def _fetched(name: str, named: NamedSet, report: Report | None) -> dict[str, Path]:
    if os.environ.get("OPTOTYPE_OFFLINE", "0") not in {"", "0"}:
        wanted = ", ".join(original.addresses[0] for original in named.originals)
        raise DataError(
            f"{name} is not on this machine, and OPTOTYPE_OFFLINE forbids to fetch it. Expected the set in"
            f" OPTOTYPE_DATA/{name}: put there {wanted}; or unset OPTOTYPE_OFFLINE."
        )
    # Named by their sums: sets that come in one archive share it, and files of one name do not meet.
    folder = cache_folder() / "downloads"
    paths = {
        original.file: folder / f"{original.sha256[:16]}-{original.file}" for original in named.originals
    }
    for original in named.originals:
        fetch(original, paths[original.file], report)
    return paths


def _unpack(named: NamedSet, originals: Mapping[str, Path], folder: Path) -> None:
    if named.unpack is None:
        raise DataError(
            f"{folder.name} is missing from the package, expected inside it. Install optotype again."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / "lock"):
            if has_idx_files(folder):
                return
            for split, arrays in named.unpack(originals).items():
                for file, array in zip(FILES[split], arrays, strict=True):
                    write_idx(folder / file, array)
    except OSError as error:
        raise DataError(
            f"{folder.name} cannot be unpacked into {folder}: {error.strerror or error}. Expected a folder with some"
            " 300 MB free; set OPTOTYPE_HOME to use another one."
        ) from error
