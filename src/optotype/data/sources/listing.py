"""The image files of a source with their classes and splits, derived from names alone, before any file is decoded.

Folders and archives have the same structure: class folders, or the folders train, test and val (valid, validation)
with class folders inside. Image files in deeper folders belong to the class folder above them, unless these folders
look like classes or splits themselves. Hidden files, files that operating systems leave behind (`__MACOSX`,
`Thumbs.db`) and files without the extension of an image file are not part of a source.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from optotype.data.dataset import Skipped
from optotype.data.pictures.location import FileLocation
from optotype.errors import DataError
from optotype.progress import ProgressCallback
from optotype.text import printable

SPLITS: Final = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
"""Accepted names of each split."""

_SUFFIXES: Final = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff"),
    # Unsupported image formats: an error that names the file is better than a file that is silently left out.
    *(".heic", ".heif", ".avif", ".jp2", ".jxl", ".svg", ".psd", ".ppm", ".pgm", ".pbm", ".pnm", ".tga"),
)
_SYSTEM_FOLDERS: Final = ("__MACOSX",)


class Row(NamedTuple):
    """An image file with its split and class as the source names them.

    Attributes:
        split: "train", "validation" or "test".
        class_name: Its class, as the source writes it.
        location: Its location.
    """

    split: str
    class_name: str
    location: FileLocation


class LabelledPicture(NamedTuple):
    """An image file with its label.

    Attributes:
        location: Its location.
        label: The index of its class.
    """

    location: FileLocation
    label: int


@dataclass(frozen=True)
class Listing:
    """All image files of a source.

    Attributes:
        class_names: Sorted as integers if all are integers, else by code point.
        splits: The image files of "train", "validation" and "test", in the source's order; "train" has at least one
            of each class.
        skipped: The unusable files of the source.
    """

    class_names: tuple[str, ...]
    splits: Mapping[str, tuple[LabelledPicture, ...]]
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True)
class SourceScan:
    """The result of a quick scan of a source, which reads only names, sizes and times.

    Attributes:
        signature: A text that changes if a file of the source is changed, added or removed.
        files: The files whose contents make up the source.
        read_listing: Reads the listing and reports progress; it may write image files to a file in the folder that it
            receives.
    """

    signature: str
    files: Sequence[str]
    read_listing: Callable[[Path, ProgressCallback], Listing]


def is_ignored(name: str) -> bool:
    """Return whether a file or folder is hidden or left behind by a system, by its own name (without folders)."""
    return name.startswith(".") or name in _SYSTEM_FOLDERS


def is_picture(file: str) -> bool:
    """Return whether a name has the extension of an image file, and no folder in it is ignored."""
    return file.lower().endswith(_SUFFIXES) and not any(is_ignored(part) for part in file.split("/"))


def file_signature(path: Path) -> str:
    """Return size and time of a single file, as the signature of a source.

    Raises:
        DataError: If the file cannot be accessed.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}; expected a readable file. Check the path."
        ) from error
    return f"{status.st_size} {status.st_mtime_ns}"


def listing_from_folders(
    source: str,
    locations: Iterable[FileLocation],
    folders: Iterable[str],
    skipped: Iterable[Skipped] = (),
) -> Listing:
    """Derive class and split of every image file from its folders.

    Args:
        source: Name of the source in messages.
        locations: Its image files.
        folders: Names of its folders, including empty ones, in the same form as names of files.
        skipped: Files that are already known to be unusable.

    Raises:
        DataError: If there is no training image or a class folder without one; a single class; a test or validation
            class that is not in training; two class names that differ only by case or Unicode form; test/ without
            train/; or the same folders in several class folders without image files of their own, as if they were
            splits.
    """
    files = sorted(locations)
    file_parts = [location.file.split("/") for location in files]
    folder_parts = [folder.split("/") for folder in folders]
    top = _wrapper_depth(file_parts, folder_parts)
    tops = {parts[top] for parts in (*file_parts, *folder_parts) if len(parts) > top}
    split_by_folder = _split_folders(source, tops)
    if not split_by_folder:
        _check_class_folders(source, [parts[top:] for parts in file_parts])
    depth = top + bool(split_by_folder)
    rows, stray = [], []
    for location, parts in zip(files, file_parts, strict=True):
        split = split_by_folder.get(parts[top]) if split_by_folder else "train"
        if split is None or len(parts) < depth + 2:
            stray.append(Skipped(location.file, "is not in a class folder"))
        else:
            rows.append(Row(split, parts[depth], location))
    class_folders = {
        parts[depth]
        for parts in folder_parts
        if len(parts) == depth + 1 and (not split_by_folder or split_by_folder.get(parts[top]) == "train")
    }
    return listing_from_rows(source, rows, (*skipped, *stray), class_folders)


def _wrapper_depth(files: list[list[str]], folders: list[list[str]]) -> int:
    """Count the folders that contain everything else, as in an archive of one folder."""
    depth = 0
    while files and all(len(parts) > depth + 2 for parts in files):
        tops = {parts[depth] for parts in (*files, *folders) if len(parts) > depth}
        if len(tops) > 1 or tops.pop().casefold() in SPLITS:
            break
        depth += 1
    return depth


def _split_folders(source: str, tops: set[str]) -> dict[str, str]:
    """Return the split of each top folder that is one; empty if the top folders are classes."""
    splits: dict[str, str] = {}
    for top in sorted(tops):
        split = SPLITS.get(top.casefold())
        if split in splits.values():
            pair = [*(folder for folder in splits if splits[folder] == split), top]
            raise DataError(
                f"{source} has the folders {pair[0]} and {pair[1]}; expected only one of them. Merge them."
            )
        if split is not None:
            splits[top] = split
    if splits and "train" not in splits.values():
        raise DataError(
            f"{source} has a folder {next(iter(splits))} but no folder train; expected both, or only class folders."
            " Rename the folder of training images to train."
        )
    return splits


def _check_class_folders(source: str, files: list[list[str]]) -> None:
    """Reject class folders that look like splits or contain splits: these would be mixed silently."""
    subfolders: dict[str, set[str]] = {}
    for top, *below in files:
        if len(below) == 1:
            return
        if below:
            subfolders.setdefault(top, set()).add(below[0])
    seen: set[str] = set()
    for top, folders in subfolders.items():
        # A single repeated subfolder, for example "images", has no meaning; two or more are classes or splits.
        repeated = sorted(folders & seen)
        if len(repeated) > 1:
            raise DataError(
                f"{source} has the folders {repeated[0]!a} and {repeated[1]!a} in {top!a} and again in other folders,"
                " without image files beside them, so it is unclear which folders are the classes. Expected class"
                " folders with image files in them, directly or below train and test. If these folders are splits,"
                " rename them to train and test and move the class folders into them. If not, move the image files up"
                " into their class folders."
            )
        seen |= folders


def listing_from_rows(
    source: str, rows: Sequence[Row], skipped: Iterable[Skipped] = (), folders: Iterable[str] = ()
) -> Listing:
    """Number the classes of a source and check them.

    Args:
        source: Name of the source in messages.
        rows: Its image files.
        skipped: Its unusable files.
        folders: Classes that must have training images.

    Raises:
        DataError: As for `listing_from_folders`.
    """
    skipped = tuple(skipped)
    written_names = sorted({row.class_name for row in rows} | set(folders))
    normalized = {name: normalize_class_name(source, name) for name in written_names}
    _check_distinct(source, normalized)
    class_names = sorted(set(normalized.values()))
    if all(name.isascii() and name.isdigit() for name in class_names):
        class_names.sort(key=int)
    trained = {normalized[row.class_name] for row in rows if row.split == "train"}
    if not trained:
        hint = f" ({printable(skipped[0].file)} {skipped[0].reason})" if skipped else ""
        raise DataError(
            f"{source} has no training image{hint}; expected class folders with PNG, JPEG, WebP, BMP, GIF or TIFF"
            " files, directly or below train and test. Check the folder."
        )
    _check_trained(source, class_names, trained, {normalized[name] for name in folders})
    if len(class_names) < 2:
        raise DataError(
            f"{source} has the single class {class_names[0]!r}; expected at least two classes."
            " Add a folder with images of another class."
        )
    labels = {name: class_names.index(class_name) for name, class_name in normalized.items()}
    splits: dict[str, list[LabelledPicture]] = {"train": [], "validation": [], "test": []}
    for row in rows:
        splits[row.split].append(LabelledPicture(row.location, labels[row.class_name]))
    return Listing(
        tuple(class_names), {split: tuple(pictures) for split, pictures in splits.items()}, skipped
    )


def normalize_class_name(source: str, name: str) -> str:
    """Return a class name in Unicode's composed form (NFC), in which it is stored.

    Args:
        source: Name of the source in messages.
        name: The class name as the source writes it.

    Raises:
        DataError: If the name has characters that are not printable, or no visible character.
    """
    if not name.isprintable() or not name.strip():
        raise DataError(f"{source} has a class named {name!a}; expected printable characters. Rename it.")
    return unicodedata.normalize("NFC", name)


def _check_distinct(source: str, names: Iterable[str]) -> None:
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(unicodedata.normalize("NFKC", name).casefold(), name)
        if other != name:
            # Escaped, because two Unicode forms of one name look the same.
            raise DataError(
                f"{source} has classes named {other!a} and {name!a}, which differ only by case or Unicode form;"
                " expected one name per class. Merge or rename them."
            )


def _check_trained(source: str, names: Sequence[str], trained: set[str], folders: set[str]) -> None:
    """Check that every class has a training image."""
    untrained = [name for name in names if name not in trained]
    if not untrained:
        return
    if untrained[0] in folders:
        raise DataError(
            f"The class folder {untrained[0]!r} of {source} has no image file; expected at least one for training."
            " Add image files, or remove the folder."
        )
    raise DataError(
        f"{source} has test or validation images of {untrained[0]!r}, but no training images; expected the same"
        " classes in all splits. Add training images of this class, or remove its other images."
    )
