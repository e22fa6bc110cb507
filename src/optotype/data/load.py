"""From a source to a Dataset: what kind a source is, and who loads it.

Everything is checked when it is loaded, once: what `load` returns, the rest of the package can rely on.
"""

from pathlib import Path
from typing import Final, Literal

from optotype.data.arrays.idx_folder import has_idx_files, load_idx_folder
from optotype.data.arrays.in_memory import Arrays, load_arrays
from optotype.data.arrays.npz import load_npz
from optotype.data.dataset import Dataset
from optotype.data.feedback.additions import with_added
from optotype.data.named.catalogue import CATALOGUE
from optotype.data.named.places import load_named
from optotype.data.sources.picture_sets import SURVEYS, load_pictures
from optotype.errors import DataError, unknown_name
from optotype.progress import Report, silent

SIZES: Final = range(8, 129)


def load(
    source: str | Path | Arrays,
    *,
    size: int | None = None,
    on_bad: Literal["stop", "skip"] = "stop",
    add: str | Path | None = None,
    rehash: bool = False,
    report: Report | None = None,
) -> Dataset:
    """Load a data set by its name, from a path or from arrays.

    Args:
        source: A name of `named.catalogue.CATALOGUE`, such as "mnist", which goes before a file of that name:
            "./mnist" is always a path. A folder of four IDX files with MNIST's names, each plain or .gz. An NPZ file
            with Keras's x_train, y_train, x_test, y_test. Files of pictures: a folder of class folders, or an archive,
            a manifest or a table, as `picture_sets.load_pictures` says. Arrays or a frame in memory, as
            `arrays.load_arrays` says.
        size: Side in pixels, 8 to 128, to which pictures are brought; only files of pictures can be resized.
        on_bad: Whether a picture that cannot be used stops the loading, or is left out and listed.
        add: A folder of class folders whose pictures are added to the training images, as `addition.with_added` says;
            those that validate and test stay the same.
        rehash: Whether to look at the content of picture files, where their size and time would do.
        report: Called with what is being done, how much of it is done and of how much, while that takes time.

    Returns:
        The data set, its test split sealed. Where the source has no test split, one fifth of every class is sealed.
        Images in plain IDX files are mapped, not read, and so are those that were decoded from pictures.

    Raises:
        DataError: The source is unknown, cannot be read or fetched, or is no data set; or no picture can be added.
        IdxError: An IDX file is malformed.
    """
    _check_options(size, on_bad)
    data = _load(source, size, on_bad, rehash=rehash, report=report)
    return data if add is None else with_added(data, add, on_bad, report or silent)


def _load(
    source: str | Path | Arrays,
    size: int | None,
    on_bad: Literal["stop", "skip"],
    *,
    rehash: bool,
    report: Report | None,
) -> Dataset:
    if not isinstance(source, str | Path):
        return _of_size(load_arrays(source), size)
    try:
        if source in CATALOGUE:
            return _of_size(load_named(str(source), report), size)
        path = Path(source)
        if _is_of_pictures(path):
            return load_pictures(path, size, on_bad, rehash=rehash, report=report)
        return _of_size(_load_path(path), size)
    except OSError as error:
        raise DataError(
            f"{source} cannot be read: {error.strerror or error}. Expected a readable file or folder; check its rights."
        ) from error


def takes_size(source: str | Path) -> bool:
    """Tell whether `load` takes a size for a source: only files of pictures can be resized."""
    try:
        return source not in CATALOGUE and _is_of_pictures(Path(source))
    except OSError:  # loading will say what is wrong with it
        return False


def _is_of_pictures(path: Path) -> bool:
    """Tell whether a path, if it is a source, is one of picture files."""
    if path.is_dir():
        return not has_idx_files(path, whole=False)
    return path.is_file() and path.name.lower().endswith(tuple(SURVEYS))


def _load_path(path: Path) -> Dataset:
    if path.is_dir():
        return load_idx_folder(path)
    if path.is_file() and path.suffix == ".npz":
        return load_npz(path)
    hint = (
        "What is there is of no known kind."
        if path.exists()
        else "Nor is there a file or folder of that name."
    )
    raise DataError(
        f"{unknown_name('data set', str(path), CATALOGUE)} {hint} The path of a folder (class folders of pictures, or"
        f" four IDX files with MNIST's names) or of a file (.npz, {', '.join(SURVEYS)}) is accepted too."
    )


def _check_options(size: int | None, on_bad: str) -> None:
    if size is not None and size not in SIZES:
        raise DataError(
            f"Size is {size}, expected {SIZES.start} to {SIZES.stop - 1} pixels. Choose another side."
        )
    if on_bad not in ("stop", "skip"):
        raise DataError(f"on_bad is {on_bad!r}, expected 'stop' or 'skip'. Choose one of them.")


def _of_size(data: Dataset, size: int | None) -> Dataset:
    """Refuse a size for what has one of its own."""
    height, width, _ = data.shape
    if size is not None and (height, width) != (size, size):
        raise DataError(
            f"{data.name} has images of {height} x {width} pixels, and size {size} was asked for, expected a source of"
            " picture files, which alone are resized. Leave the size out, or use images of that size."
        )
    return data
