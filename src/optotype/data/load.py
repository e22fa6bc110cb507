"""Loading of a data set from any source.

A data set is checked once, when it is loaded; the other packages rely on these checks.
"""

from pathlib import Path
from typing import Final, Literal

from optotype.data.arrays.idx_folder import has_idx_files, load_idx_folder
from optotype.data.arrays.in_memory import Arrays, load_arrays
from optotype.data.arrays.npz import load_npz
from optotype.data.dataset import Dataset
from optotype.data.feedback.additions import add_images
from optotype.data.named.catalogue import CATALOGUE
from optotype.data.named.load import load_named
from optotype.data.sources.picture_sets import SCANNERS, load_pictures
from optotype.errors import DataError, unknown_name
from optotype.progress import ProgressCallback, ignore_progress

SIZES: Final = range(8, 129)
"""Accepted sides of resized images, in pixels."""


def load(
    source: str | Path | Arrays,
    *,
    size: int | None = None,
    on_bad: Literal["stop", "skip"] = "stop",
    add: str | Path | None = None,
    rehash: bool = False,
    report: ProgressCallback | None = None,
) -> Dataset:
    """Load a data set by its name, from a path or from arrays.

    Args:
        source: One of: a name in `named.catalogue.CATALOGUE`, for example "mnist", which takes precedence over a file
            of that name ("./mnist" is always a path); a folder of four IDX files with MNIST's names, each plain or
            .gz; an NPZ file with Keras's x_train, y_train, x_test, y_test; image files (a folder of class folders, an
            archive, a manifest or a table, as for `picture_sets.load_pictures`); arrays or a data frame in memory, as
            for `in_memory.load_arrays`.
        size: Side in pixels, 8 to 128, to which image files are resized; other sources cannot be resized.
        on_bad: "stop" to raise an error if an image file is unusable, "skip" to leave it out and list it.
        add: A folder of class folders with additional training images, as for `additions.add_images`; validation and
            test images stay the same.
        rehash: Whether to compare the contents of image files with the cache, and not only sizes and times.
        report: Called with a description of the task, the units done and the units in total, during long tasks.

    Returns:
        The data set, with its test split sealed. If the source has no test split, one fifth of every class is sealed.
        Images in plain IDX files and decoded image files are memory-mapped, not read.

    Raises:
        DataError: If the source is unknown, cannot be read or downloaded, or is not a data set; or no additional image
            can be added.
        IdxError: If an IDX file is malformed.
    """
    _check_options(size, on_bad)
    data = _load(source, size, on_bad, rehash=rehash, progress=report)
    return data if add is None else add_images(data, add, on_bad, report or ignore_progress)


def _load(
    source: str | Path | Arrays,
    size: int | None,
    on_bad: Literal["stop", "skip"],
    *,
    rehash: bool,
    progress: ProgressCallback | None,
) -> Dataset:
    if not isinstance(source, str | Path):
        return _check_size(load_arrays(source), size)
    try:
        if source in CATALOGUE:
            return _check_size(load_named(str(source), progress), size)
        path = Path(source)
        if _has_image_files(path):
            return load_pictures(path, size, on_bad, rehash=rehash, progress=progress)
        return _check_size(_load_path(path), size)
    except OSError as error:
        raise DataError(
            f"{source} cannot be read: {error.strerror or error}; expected a readable file or folder."
            " Check its permissions."
        ) from error


def is_resizable(source: str | Path) -> bool:
    """Return whether `load` accepts a size for a source: only image files can be resized."""
    try:
        return source not in CATALOGUE and _has_image_files(Path(source))
    except OSError:  # `load` raises an error that describes the fault
        return False


def _has_image_files(path: Path) -> bool:
    """Return whether a path, if it is a source, contains image files."""
    if path.is_dir():
        return not has_idx_files(path, complete=False)
    return path.is_file() and path.name.lower().endswith(tuple(SCANNERS))


def _load_path(path: Path) -> Dataset:
    if path.is_dir():
        return load_idx_folder(path)
    if path.is_file() and path.suffix == ".npz":
        return load_npz(path)
    hint = (
        "The file has an unknown type."
        if path.exists()
        else "There is no file or folder of that name either."
    )
    raise DataError(
        f"{unknown_name('data set', str(path), CATALOGUE)} {hint} Alternatively pass the path of a folder (class"
        f" folders of image files, or four IDX files with MNIST's names) or of a file (.npz, {', '.join(SCANNERS)})."
    )


def _check_options(size: int | None, on_bad: str) -> None:
    if size is not None and size not in SIZES:
        raise DataError(
            f"size is {size}; expected {SIZES.start} to {SIZES.stop - 1} pixels. Choose another side."
        )
    if on_bad not in ("stop", "skip"):
        raise DataError(f"on_bad is {on_bad!r}; expected 'stop' or 'skip'. Choose one of them.")


def _check_size(data: Dataset, size: int | None) -> Dataset:
    """Return a data set that cannot be resized; raise DataError if another size was requested."""
    height, width, _ = data.shape
    if size is not None and (height, width) != (size, size):
        raise DataError(
            f"size is {size}, but {data.name} has images of {height} x {width} pixels; only sources of image files can"
            " be resized. Leave out the size, or use images of that size."
        )
    return data
