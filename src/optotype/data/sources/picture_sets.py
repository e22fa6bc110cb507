"""Data sets of image files: a folder, an archive, a manifest or a Parquet table, decoded once and then memory-mapped.

The cache contains every usable image and lists the unusable files. Whether these stop the loading is decided at each
load. If a source has no test split, one fifth of every class becomes the sealed test set.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import Dataset, Options, SealedTest, Skipped, fingerprint, set_fingerprint
from optotype.data.pictures import cache
from optotype.data.pictures.worker_pool import PixelFile, decode_files
from optotype.data.sources.archives import scan_archive
from optotype.data.sources.folders import scan_folder
from optotype.data.sources.listing import LabelledPicture, Listing, SourceScan
from optotype.data.sources.manifests import scan_csv
from optotype.data.sources.tables import scan_tables
from optotype.data.test_split import split_off_test
from optotype.errors import DataError
from optotype.progress import ProgressCallback, ignore_progress
from optotype.text import printable

SCANNERS: Final[Mapping[str, Callable[[Path], SourceScan]]] = {
    ".csv": scan_csv,
    ".parquet": lambda path: scan_tables(path, [path]),
    ".zip": scan_archive,
    ".tar": scan_archive,
    ".tar.gz": scan_archive,
    ".tgz": scan_archive,
    ".tar.bz2": scan_archive,
    ".tbz2": scan_archive,
    ".tar.xz": scan_archive,
    ".txz": scan_archive,
}
"""The scanner of each kind of file, by the end of its name."""

# Version of the rules that turn a source into pixels: what counts as an image file, its class and split, how it is
# decoded, and what is stored with it. A new version makes all cached pixels stale, and so does another version of
# optotype or Pillow.
_DECODING: Final = 3
_MAX_LISTED: Final = 20
_CHUNK: Final = 4096


def load_pictures(
    path: str | Path,
    size: int | None = None,
    on_bad: Literal["stop", "skip"] = "stop",
    *,
    rehash: bool = False,
    progress: ProgressCallback | None = None,
) -> Dataset:
    """Load a data set of image files with labels.

    Args:
        path: A folder of class folders, or of train/, test/ and val/ (valid/, validation/) with class folders inside; a
            zip or tar archive of the same; a CSV or Parquet manifest; a Parquet image table, or a folder of such.
        size: Height and width of the images, 8 to 128. By default the images keep their size if all have the same and
            it is at most 64 pixels, else they become 64 x 64.
        on_bad: "stop" to raise an error if an image file is unusable, "skip" to leave it out.
        rehash: Whether to compare the contents of the source's files with those decoded earlier, and not only names,
            sizes and times.
        progress: Called regularly while an archive is unpacked and while image files are decoded.

    Returns:
        The data set, with its images mapped from the cache, its test split sealed, and the skipped files in
        ``skipped``.

    Raises:
        DataError: If the source does not exist or is not a set of images of at least two classes; an image file is
            unusable and on_bad is "stop" (the first 20 are listed); or the cache cannot be written.
    """
    path = Path(path)
    scan = _scan(path)
    entry = _find_or_decode(path, scan, size, rehash=rehash, progress=progress or ignore_progress)
    skipped = tuple(Skipped(*each) for each in entry.index.skipped)
    if skipped and on_bad == "stop":
        raise unusable_error(path, skipped)
    return _dataset(path, entry, skipped, Options(size, on_bad))


def _scan(path: Path) -> SourceScan:
    try:
        if path.is_dir():
            tables = sorted(path.glob("*.parquet")) or sorted(path.glob("data/*.parquet"))
            return scan_tables(path, tables) if tables else scan_folder(path)
        is_file = path.is_file()
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read: {error}; expected a folder or file. Check the path."
        ) from error
    for suffix, scanner in SCANNERS.items():
        if is_file and path.name.lower().endswith(suffix):
            return scanner(path)
    raise DataError(
        f"{path} is not a set of images; expected a folder, or a file whose name ends with {', '.join(SCANNERS)}."
        " Check the path."
    )


def _find_or_decode(
    path: Path, scan: SourceScan, size: int | None, *, rehash: bool, progress: ProgressCallback
) -> cache.CacheEntry:
    """Return the cached pixels of a source; decode its image files if there are none."""
    versions = f"{_DECODING}\0optotype {version('optotype')}\0pillow {version('pillow')}"
    folder = cache.entry_folder(str(path.resolve()), f"{size}", f"{versions}\0{scan.signature}")
    entry = cache.find_entry(folder)
    if entry is not None and not rehash:
        return entry
    with cache.lock_entries(folder):
        entry = cache.find_entry(folder)  # another process may have written it meanwhile
        content = _hash_contents(scan.files) if rehash or len(scan.files) == 1 else None
        if entry is not None and (not rehash or _matches(entry, content)):
            return entry

        def fill(temporary: Path) -> cache.CacheIndex:
            listing = scan.read_listing(temporary, progress)
            return _decode_into(temporary, path, _Settings(size, content, progress), listing)

        return cache.write_entry(folder, fill)


def _hash_contents(files: Sequence[str]) -> str:
    """Return the hash of the contents of all files."""
    digest = hashlib.sha256()
    for file in files:
        try:
            with open(file, "rb") as content:  # noqa: PTH123 - a Path for each of a million files would be slow
                digest.update(hashlib.file_digest(content, "sha256").digest())
        except OSError as error:
            digest.update(f"{error.errno}".encode())
    return digest.hexdigest()


def _matches(entry: cache.CacheEntry, content: str | None) -> bool:
    """Return whether cached pixels are of this content, and undamaged."""
    index = entry.index
    train, test = np.array(index.train_labels), np.array(index.test_labels)
    return (
        index.content == content
        and fingerprint(entry.images("train"), train, index.class_names) == index.fingerprint
        and fingerprint(entry.images("test"), test) == index.test_fingerprint
    )


class _Settings(NamedTuple):
    """What decoding needs beside a source and its listing.

    Attributes:
        size: As for `load_pictures`.
        content: The hash of the source's files, or None.
        progress: As for `load_pictures`.
    """

    size: int | None
    content: str | None
    progress: ProgressCallback


def _decode_into(folder: Path, path: Path, settings: _Settings, listing: Listing) -> cache.CacheIndex:
    """Decode all image files of a source into the files "train" and "test" of a folder."""
    train, validation, test = _split(listing)
    splits = {"train": [*train, *validation], "test": test}
    pixel_files = [
        PixelFile(folder / name, [each.location for each in pictures]) for name, pictures in splits.items()
    ]
    progress = partial(settings.progress, f"decoding the images of {path.name}")
    decoded = decode_files(pixel_files, settings.size, progress)
    faults = dict(zip(splits, decoded.faults, strict=True))
    skipped = [
        *listing.skipped,
        *_unusable(splits["train"], faults["train"]),
        *_unusable(test, faults["test"]),
    ]
    if decoded.shape is None:
        raise unusable_error(path, skipped)
    usable = {name: _pack(folder / name, splits[name], faults[name], decoded.shape) for name in splits}
    n_validation = sum(fault is None for fault in faults["train"][len(train) :])
    n_train = len(usable["train"]) - n_validation
    _check_usable(path, listing, usable["train"][:n_train], usable["test"], skipped)
    sizes = [size for size, fault in zip(decoded.sizes[0], decoded.faults[0], strict=True) if fault is None]
    labels = {name: [each.label for each in pictures] for name, pictures in usable.items()}
    images = {name: cache.map_images(folder / name, len(labels[name]), decoded.shape) for name in splits}
    return cache.CacheIndex(
        shape=decoded.shape,
        class_names=listing.class_names,
        train_files=tuple(printable(each.location.file) for each in usable["train"]),
        train_labels=tuple(labels["train"]),
        train_heights=tuple(height for height, _ in sizes),
        train_widths=tuple(width for _, width in sizes),
        validation=n_validation,
        test_files=tuple(printable(each.location.file) for each in usable["test"]),
        test_labels=tuple(labels["test"]),
        skipped=tuple((printable(each.file), each.reason) for each in skipped),
        fingerprint=fingerprint(images["train"], np.array(labels["train"]), listing.class_names),
        test_fingerprint=fingerprint(images["test"], np.array(labels["test"])),
        content=settings.content,
    )


def _split(listing: Listing) -> tuple[list[LabelledPicture], list[LabelledPicture], list[LabelledPicture]]:
    """Return training, validation and test images; without a test split, one fifth of training becomes it."""
    train, validation, test = (
        list(listing.splits.get(split, ())) for split in ("train", "validation", "test")
    )
    if not test:
        train_rows, test_rows = split_off_test(np.array([each.label for each in train]))
        train, test = [train[row] for row in train_rows], [train[row] for row in test_rows]
    return train, validation, test


def _unusable(pictures: Sequence[LabelledPicture], faults: Sequence[str | None]) -> list[Skipped]:
    return [
        Skipped(each.location.file, fault)
        for each, fault in zip(pictures, faults, strict=True)
        if fault is not None
    ]


def _pack(
    target: Path,
    pictures: Sequence[LabelledPicture],
    faults: Sequence[str | None],
    shape: tuple[int, int, int],
) -> list[LabelledPicture]:
    """Remove the rows of unusable image files from a file of pixels, and return the usable image files."""
    rows = [row for row, fault in enumerate(faults) if fault is None]
    if len(rows) < len(pictures):
        images = cache.map_images(target, len(pictures), shape)
        packed = target.with_suffix(".packed")
        with packed.open("xb") as file:
            for start in range(0, len(rows), _CHUNK):
                file.write(images[rows[start : start + _CHUNK]].data)
        packed.replace(target)
    return [pictures[row] for row in rows]


def _check_usable(
    path: Path,
    listing: Listing,
    train: Sequence[LabelledPicture],
    test: Sequence[LabelledPicture],
    skipped: Sequence[Skipped],
) -> None:
    """Check that usable image files remain for every training class and for the test split."""
    untrained = set(range(len(listing.class_names))) - {each.label for each in train}
    missing = [f"training image of {listing.class_names[label]!r}" for label in sorted(untrained)]
    missing += [] if test else ["test image"]
    if missing:
        raise DataError(
            f"No {missing[0]} in {path} is usable ({printable(skipped[0].file)} {skipped[0].reason}); expected at least"
            " one. Replace the image files, or remove the class."
        )


def unusable_error(path: Path, skipped: Sequence[Skipped]) -> DataError:
    """Return the error that lists the unusable files of a source."""
    lines = [f"  {printable(each.file)} {each.reason}" for each in skipped[:_MAX_LISTED]]
    if len(skipped) > _MAX_LISTED:
        lines.append(f"  and {len(skipped) - _MAX_LISTED:,} more")
    subject = "file of {} is" if len(skipped) == 1 else "files of {} are"
    return DataError(
        "\n".join(
            [
                f"{len(skipped):,} {subject.format(path)} unusable; expected only intact image files:",
                *lines,
                'Replace or remove them, or leave them out: --on-bad skip, or on_bad="skip" in Python.',
            ]
        )
    )


def _dataset(path: Path, entry: cache.CacheEntry, skipped: tuple[Skipped, ...], options: Options) -> Dataset:
    index = entry.index
    test_labels = _read_only(index.test_labels)
    n = len(index.train_files)
    sizes = np.array([index.train_heights, index.train_widths], np.int32).T
    sizes.setflags(write=False)
    test = SealedTest(len(test_labels), lambda: (entry.images("test"), test_labels), files=index.test_files)
    data = Dataset(
        name=_name(path),
        images=entry.images("train"),
        labels=_read_only(index.train_labels),
        class_names=index.class_names,
        licence="not stated",
        source=str(path.resolve()),
        test=test,
        validation=_read_only(range(n - index.validation, n)) if index.validation else None,
        files=index.train_files,
        sizes=sizes,
        skipped=skipped,
        options=options,
    )
    set_fingerprint(data, index.fingerprint)
    set_fingerprint(test, index.test_fingerprint)
    return data


def _read_only(numbers: Sequence[int]) -> NDArray[np.int64]:
    array = np.array(numbers, np.int64)
    array.setflags(write=False)
    return array


def _name(path: Path) -> str:
    """Return the name of a data set: the folder's name, or the file's name without its suffix."""
    name = path.resolve().name
    suffix = next((suffix for suffix in SCANNERS if name.lower().endswith(suffix)), "")
    return name.removesuffix(name[len(name) - len(suffix) :]) if path.is_file() and suffix else name
