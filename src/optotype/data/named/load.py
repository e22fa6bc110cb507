"""Loading of a named data set from the package, the user's folder, the system, the cache, or a download.

Data sets that are published as archives are unpacked once into the cache, as four plain IDX files, which are then
memory-mapped.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Final

from optotype.data.arrays.idx import write_idx
from optotype.data.arrays.idx_folder import IDX_FILES, has_idx_files, load_idx_folder
from optotype.data.dataset import Dataset
from optotype.data.named.catalogue import CATALOGUE, NamedSet
from optotype.data.named.download import download_file, verify_file
from optotype.errors import DataError
from optotype.progress import ProgressCallback
from optotype.storage.cache_folder import cache_folder
from optotype.storage.locks import locked

SYSTEM: Final = Path("/usr/share/datasets")
"""The folder of data sets on Debian and Ubuntu; fashion-mnist is in their package dataset-fashion-mnist."""


def load_named(name: str, progress: ProgressCallback | None = None) -> Dataset:
    """Load a named data set from the first place that has it.

    Args:
        name: A key of the catalogue.
        progress: Called with the progress of a download.

    Raises:
        DataError: If no place has it and it cannot be downloaded, or a place has other data under its name.
        IdxError: If a file is malformed.
    """
    named = CATALOGUE[name]
    folder = _find(name, named, progress)
    data = load_idx_folder(folder, named.class_names)
    if data.shape != named.shape:
        raise DataError(
            f"{folder} contains images of shape {data.shape}; expected {named.shape} for {name}. Put the four files of"
            f" {name} there, or move the folder away."
        )
    return replace(data, name=name, source=name, licence=named.licence, citation=named.citation)


def _find(name: str, named: NamedSet, progress: ProgressCallback | None) -> Path:
    """Return the folder of a data set's four IDX files; download and unpack them if necessary."""
    unpacked = cache_folder() / "named" / name
    user_root = os.environ.get("OPTOTYPE_DATA")
    user_folder = Path(user_root).expanduser() / name if user_root else None
    for folder in (Path(str(files("optotype.data"))) / name, user_folder, SYSTEM / name, unpacked):
        if folder is not None and has_idx_files(folder):
            return folder
    if user_folder is not None and all((user_folder / remote.name).is_file() for remote in named.files):
        paths = {remote.name: user_folder / remote.name for remote in named.files}
        for remote in named.files:
            verify_file(remote, paths[remote.name])
    else:
        paths = _download(name, named, progress)
    _unpack(named, paths, unpacked)
    return unpacked


def _download(name: str, named: NamedSet, progress: ProgressCallback | None) -> dict[str, Path]:
    if os.environ.get("OPTOTYPE_OFFLINE", "0") not in {"", "0"}:
        urls = ", ".join(remote.urls[0] for remote in named.files)
        raise DataError(
            f"{name} is not on this machine, and OPTOTYPE_OFFLINE forbids downloading it; expected the data set in"
            f" OPTOTYPE_DATA/{name}. Put the files from {urls} there, or unset OPTOTYPE_OFFLINE."
        )
    # Named after their hashes: data sets that share an archive share its file, and equal names do not collide.
    folder = cache_folder() / "downloads"
    paths = {remote.name: folder / f"{remote.sha256[:16]}-{remote.name}" for remote in named.files}
    for remote in named.files:
        download_file(remote, paths[remote.name], progress)
    return paths


def _unpack(named: NamedSet, paths: Mapping[str, Path], folder: Path) -> None:
    if named.unpack is None:
        raise DataError(f"{folder.name} is missing from the package; expected it inside. Reinstall optotype.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / "lock"):
            if has_idx_files(folder):
                return
            for split, arrays in named.unpack(paths).items():
                for file, array in zip(IDX_FILES[split], arrays, strict=True):
                    write_idx(folder / file, array)
    except OSError as error:
        raise DataError(
            f"{folder.name} cannot be unpacked into {folder}: {error.strerror or error}; expected a folder with about"
            " 300 MB of free space. Set OPTOTYPE_HOME to another folder."
        ) from error
