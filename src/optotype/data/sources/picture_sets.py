"""From pictures to a Dataset: a folder, an archive, a manifest or a Parquet table, decoded once and then mapped.

The cache holds every picture that can be used and says which cannot; whether those stop the loading is asked anew each
time. Where a source brings no test split, a fifth of every class is sealed as one.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from optotype.data.dataset import (
    Dataset,
    Options,
    SealedTest,
    Skipped,
    fingerprint,
    remember_fingerprint,
)
from optotype.data.pictures import cache
from optotype.data.pictures.worker_pool import Part, decode
from optotype.data.sources.archives import survey_archive
from optotype.data.sources.folders import survey_folder
from optotype.data.sources.listing import Listing, Picture, Survey
from optotype.data.sources.manifests import survey_csv
from optotype.data.sources.tables import survey_tables
from optotype.data.test_split import split_off_test
from optotype.errors import DataError
from optotype.progress import Report, silent
from optotype.text import printable

SURVEYS: Final[Mapping[str, Callable[[Path], Survey]]] = {
    ".csv": survey_csv,
    ".parquet": lambda path: survey_tables(path, [path]),
    ".zip": survey_archive,
    ".tar": survey_archive,
    ".tar.gz": survey_archive,
    ".tgz": survey_archive,
    ".tar.bz2": survey_archive,
    ".tbz2": survey_archive,
    ".tar.xz": survey_archive,
    ".txz": survey_archive,
}
"""What reads a file of pictures, by how its name ends."""

# Counts the ways in which sources were read: what is a picture, of which class and split, how it becomes pixels, and
# what is kept with them. A change of any of these makes all that was decoded before stale, and so does another version
# of optotype or Pillow.
_DECODING: Final = 3
_LISTED: Final = 20
_ROWS: Final = 4096


def load_pictures(
    path: str | Path,
    size: int | None = None,
    on_bad: Literal["stop", "skip"] = "stop",
    *,
    rehash: bool = False,
    report: Report | None = None,
) -> Dataset:
    """Load pictures with their labels.

    Args:
        path: A folder of class folders, or of train/, test/ and val/ (valid/, validation/) with class folders inside; a
            zip or tar archive of the same; a CSV or Parquet manifest; a Parquet table of pictures, or a folder of such.
        size: Height and width of the images, 8 to 128; by default that of the pictures where all have the same and it
            is at most 64 pixels, else 64.
        on_bad: What to do about pictures that cannot be used: "stop", or "skip" to leave them out.
        rehash: Whether to tell by content whether pictures decoded earlier are still the source's, and not by the
            names, sizes and times of its files.
        report: Called now and then while an archive is unpacked and while pictures are decoded.

    Returns:
        The data set, its images mapped from the cache, its test split sealed; skipped pictures are in ``skipped``.

    Raises:
        DataError: There is no such source, or it is no set of pictures of at least two classes; a picture cannot be
            used and on_bad is "stop" (the first 20 are listed); the cache cannot be written.
    """
    path = Path(path)
    survey = _survey(path)
    generation = _generation(path, survey, size, rehash=rehash, report=report or silent)
    skipped = tuple(Skipped(*each) for each in generation.index.skipped)
    if skipped and on_bad == "stop":
        raise stopped(path, skipped)
    return _dataset(path, generation, skipped, Options(size, on_bad))


def _survey(path: Path) -> Survey:
    try:
        if path.is_dir():
            tables = sorted(path.glob("*.parquet")) or sorted(path.glob("data/*.parquet"))
            return survey_tables(path, tables) if tables else survey_folder(path)
        is_file = path.is_file()
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}. Check the path.") from error
    for suffix, survey in SURVEYS.items():
        if is_file and path.name.lower().endswith(suffix):
            return survey(path)
    raise DataError(
        f"{path} is no set of pictures, expected a folder, or a file that ends with {', '.join(SURVEYS)}."
        " Check the path."
    )


def _generation(
    path: Path, survey: Survey, size: int | None, *, rehash: bool, report: Report
) -> cache.Generation:
    """Find the decoded pictures, or decode them."""
    by = f"{_DECODING}\0optotype {version('optotype')}\0pillow {version('pillow')}"
    folder = cache.kept(str(path.resolve()), f"{size}", f"{by}\0{survey.stamp}")
    found = cache.find(folder)
    if found is not None and not rehash:
        return found
    with cache.alone(folder):
        found = cache.find(folder)  # another process may have been at it
        content = _content(survey.files) if rehash or len(survey.files) == 1 else None
        if found is not None and (not rehash or _holds(found, content)):
            return found
        return cache.make(
            folder, lambda within: _fill(within, path, survey.listing(within, report), size, content, report)
        )


def _content(files: Sequence[str]) -> str:
    """Hash the contents of all files."""
    digest = hashlib.sha256()
    for file in files:
        try:
            with open(file, "rb") as content:  # noqa: PTH123 - a Path for each of a million files would be slow
                digest.update(hashlib.file_digest(content, "sha256").digest())
        except OSError as error:
            digest.update(f"{error.errno}".encode())
    return digest.hexdigest()


def _holds(found: cache.Generation, content: str | None) -> bool:
    """Tell whether decoded pictures are of this content, and undamaged."""
    index = found.index
    train, test = np.array(index.train_labels), np.array(index.test_labels)
    return (
        index.content == content
        and fingerprint(found.images("train"), train, index.class_names) == index.fingerprint
        and fingerprint(found.images("test"), test) == index.test_fingerprint
    )


def _fill(
    within: Path, path: Path, listing: Listing, size: int | None, content: str | None, report: Report
) -> cache.Index:
    """Decode everything into the files "train" and "test" of a folder."""
    train, validation, test = _divided(listing)
    splits = {"train": [*train, *validation], "test": test}
    parts = [Part(within / name, [each.found for each in pictures]) for name, pictures in splits.items()]
    decoded = decode(parts, size, partial(report, f"decoding the pictures of {path.name}"))
    faults = dict(zip(splits, decoded.faults, strict=True))
    skipped = [*listing.bad, *_faulty(splits["train"], faults["train"]), *_faulty(test, faults["test"])]
    if decoded.shape is None:
        raise stopped(path, skipped)
    left = {name: _pack(within / name, splits[name], faults[name], decoded.shape) for name in splits}
    validated = sum(fault is None for fault in faults["train"][len(train) :])
    _check_left(path, listing, left["train"][: len(left["train"]) - validated], left["test"], skipped)
    sizes = [each for each, fault in zip(decoded.sizes[0], decoded.faults[0], strict=True) if fault is None]
    labels = {name: [each.label for each in pictures] for name, pictures in left.items()}
    images = {name: cache.map_images(within / name, len(labels[name]), decoded.shape) for name in splits}
    return cache.Index(
        shape=decoded.shape,
        class_names=listing.class_names,
        train_files=tuple(printable(each.found.file) for each in left["train"]),
        train_labels=tuple(labels["train"]),
        train_heights=tuple(height for height, _ in sizes),
        train_widths=tuple(width for _, width in sizes),
        validation=validated,
        test_files=tuple(printable(each.found.file) for each in left["test"]),
        test_labels=tuple(labels["test"]),
        skipped=tuple((printable(each.file), each.reason) for each in skipped),
        fingerprint=fingerprint(images["train"], np.array(labels["train"]), listing.class_names),
        test_fingerprint=fingerprint(images["test"], np.array(labels["test"])),
        content=content,
    )


def _divided(listing: Listing) -> tuple[list[Picture], list[Picture], list[Picture]]:
    """Give the pictures that train, validate and test; a fifth of the first is set aside where none test."""
    train, validation, test = (
        list(listing.splits.get(split, ())) for split in ("train", "validation", "test")
    )
    if not test:
        kept, held = split_off_test(np.array([each.label for each in train]))
        train, test = [train[row] for row in kept], [train[row] for row in held]
    return train, validation, test


def _faulty(pictures: Sequence[Picture], faults: Sequence[str | None]) -> list[Skipped]:
    return [
        Skipped(each.found.file, fault)
        for each, fault in zip(pictures, faults, strict=True)
        if fault is not None
    ]


def _pack(
    target: Path, pictures: Sequence[Picture], faults: Sequence[str | None], shape: tuple[int, int, int]
) -> list[Picture]:
    """Close the gaps that unusable pictures left in a file, and give the others."""
    rows = [row for row, fault in enumerate(faults) if fault is None]
    if len(rows) < len(pictures):
        images = cache.map_images(target, len(pictures), shape)
        packed = target.with_suffix(".packed")
        with packed.open("xb") as file:
            for start in range(0, len(rows), _ROWS):
                file.write(images[rows[start : start + _ROWS]].data)
        packed.replace(target)
    return [pictures[row] for row in rows]


def _check_left(
    path: Path,
    listing: Listing,
    train: Sequence[Picture],
    test: Sequence[Picture],
    skipped: Sequence[Skipped],
) -> None:
    """Refuse a set whose unusable pictures leave too few."""
    lacking = set(range(len(listing.class_names))) - {each.label for each in train}
    what = [f"training picture of {listing.class_names[label]!r}" for label in sorted(lacking)]
    what += [] if test else ["test picture"]
    if what:
        raise DataError(
            f"No {what[0]} in {path} can be used, expected at least one ({printable(skipped[0].file)} {skipped[0].reason})."
            " Replace the pictures, or take the class away."
        )


def stopped(path: Path, skipped: Sequence[Skipped]) -> DataError:
    """Give the error that lists which pictures of a source cannot be used."""
    lines = [f"  {printable(each.file)} {each.reason}" for each in skipped[:_LISTED]]
    if len(skipped) > _LISTED:
        lines.append(f"  and {len(skipped) - _LISTED:,} more")
    noun = "file" if len(skipped) == 1 else "files"
    return DataError(
        "\n".join(
            [
                f"{len(skipped):,} {noun} of {path} cannot be used, expected sound pictures only:",
                *lines,
                'Replace or remove them, or leave them out: --on-bad skip, or on_bad="skip" in Python.',
            ]
        )
    )


def _dataset(
    path: Path, generation: cache.Generation, skipped: tuple[Skipped, ...], options: Options
) -> Dataset:
    index = generation.index
    test_labels = _locked(index.test_labels)
    n = len(index.train_files)
    sizes = np.array([index.train_heights, index.train_widths], np.int32).T
    sizes.setflags(write=False)
    test = SealedTest(
        len(test_labels), lambda: (generation.images("test"), test_labels), files=index.test_files
    )
    data = Dataset(
        name=_name(path),
        images=generation.images("train"),
        labels=_locked(index.train_labels),
        class_names=index.class_names,
        licence="not stated",
        source=str(path.resolve()),
        test=test,
        validation=_locked(range(n - index.validation, n)) if index.validation else None,
        files=index.train_files,
        sizes=sizes,
        skipped=skipped,
        options=options,
    )
    remember_fingerprint(data, index.fingerprint)
    remember_fingerprint(test, index.test_fingerprint)
    return data


def _locked(numbers: Sequence[int]) -> NDArray[np.int64]:
    array = np.array(numbers, np.int64)
    array.setflags(write=False)
    return array


def _name(path: Path) -> str:
    """Name a set after its folder, or its file without what says how it is packed."""
    name = path.resolve().name
    ending = next((suffix for suffix in SURVEYS if name.lower().endswith(suffix)), "")
    return name.removesuffix(name[len(name) - len(ending) :]) if path.is_file() and ending else name
