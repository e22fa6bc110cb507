"""Which pictures a source has, of which class and in which split: told by their names alone, before any is decoded.

A folder and an archive are arranged alike: class folders, or the folders train, test and val (valid, validation) with
class folders inside. Whatever lies deeper belongs to the class folder above it, unless it looks like classes or splits
itself. Hidden files and what systems leave
behind (`__MACOSX`, `Thumbs.db`) are no part of a source; nor are files whose names are not a picture's.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from optotype.data.dataset import Skipped
from optotype.errors import DataError
from optotype.text import printable
from optotype.progress import Report

SPLITS: Final = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
"""What names a split, and which one."""

_SUFFIXES: Final = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff"),
    # Of pictures that are not read: better refused by name than left out unsaid.
    *(".heic", ".heif", ".avif", ".jp2", ".jxl", ".svg", ".psd", ".ppm", ".pgm", ".pbm", ".pnm", ".tga"),
)
_LEFT_BEHIND: Final = ("__MACOSX",)


class Found(NamedTuple):
    """A picture of a source, by the bytes that hold it.

    Attributes:
        file: Its name relative to the source, with "/" between folders.
        path: The file that its bytes are in.
        offset: Where they begin.
        size: How many they are; None for the whole file.
    """

    file: str
    path: str
    offset: int = 0
    size: int | None = None


class Row(NamedTuple):
    """A picture with what its source says of it.

    Attributes:
        split: "train", "validation" or "test".
        name: Its class, as the source writes it.
        found: Where it is.
    """

    split: str
    name: str
    found: Found


class Picture(NamedTuple):
    """A picture with its label.

    Attributes:
        found: Where it is.
        label: The index of its class.
    """

    found: Found
    label: int


@dataclass(frozen=True)
class Listing:
    """All pictures of a source.

    Attributes:
        class_names: Sorted: by number where all are whole numbers, else by code point.
        splits: The pictures of "train", "validation" and "test", in the source's order; "train" has some of each
            class.
        bad: What is in the source but cannot be used.
    """

    class_names: tuple[str, ...]
    splits: Mapping[str, tuple[Picture, ...]]
    bad: tuple[Skipped, ...] = ()


@dataclass(frozen=True)
class Survey:
    """A source seen from outside, at no more cost than its names, sizes and times.

    Attributes:
        stamp: A text that changes whenever a file of the source is changed, added or removed.
        files: The files whose contents make the source.
        listing: Reads the listing, and tells how far it is; it may put pictures into a file of the folder it is given.
    """

    stamp: str
    files: Sequence[str]
    listing: Callable[[Path, Report], Listing]


def is_ignored(name: str) -> bool:
    """Tell whether a file or folder is hidden or left behind by a system, by its own name (without folders)."""
    return name.startswith(".") or name in _LEFT_BEHIND


def is_picture(file: str) -> bool:
    """Tell whether a name is a picture's, and no folder above it is ignored."""
    return file.lower().endswith(_SUFFIXES) and not any(is_ignored(part) for part in file.split("/"))


def stamp_of(path: Path) -> str:
    """Give size and time of a single file, as a source's stamp.

    Raises:
        DataError: It cannot be looked at.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Check the path.") from error
    return f"{status.st_size} {status.st_mtime_ns}"


def arrange(
    source: str, found: Iterable[Found], folders: Iterable[str], bad: Iterable[Skipped] = ()
) -> Listing:
    """Tell class and split of every picture by the folders it is in.

    Args:
        source: What to call the source in messages.
        found: Its pictures.
        folders: The names of its folders, the empty ones too, like those of files.
        bad: What is known already to be unusable.

    Raises:
        DataError: There is no training picture or a class folder without one; a single class; a test or validation
            class that is not in training; two class names that differ by case or Unicode form only; test/ without
            train/; or the same folders in several class folders that hold no picture themselves, as splits would.
    """
    files = sorted(found)
    parts = [each.file.split("/") for each in files]
    inside = [folder.split("/") for folder in folders]
    top = _wrapping(parts, inside)
    split_of = _split_folders(source, {each[top] for each in (*parts, *inside) if len(each) > top})
    if not split_of:
        _check_flat(source, [names[top:] for names in parts])
    depth = top + bool(split_of)
    rows, stray = [], []
    for each, names in zip(files, parts, strict=True):
        split = split_of.get(names[top]) if split_of else "train"
        if split is None or len(names) < depth + 2:
            stray.append(Skipped(each.file, "lies in no class folder"))
        else:
            rows.append(Row(split, names[depth], each))
    empty = {
        names[depth]
        for names in inside
        if len(names) == depth + 1 and (not split_of or split_of.get(names[top]) == "train")
    }
    return listed(source, rows, (*bad, *stray), empty)


def _wrapping(files: list[list[str]], folders: list[list[str]]) -> int:
    """Count the folders around everything, as in an archive of one folder."""
    depth = 0
    while files and all(len(names) > depth + 2 for names in files):
        tops = {names[depth] for names in (*files, *folders) if len(names) > depth}
        if len(tops) > 1 or tops.pop().casefold() in SPLITS:
            break
        depth += 1
    return depth


def _split_folders(source: str, tops: set[str]) -> dict[str, str]:
    """Say which folders are splits; none where the folders are classes."""
    named: dict[str, str] = {}
    for top in sorted(tops):
        split = SPLITS.get(top.casefold())
        if split in named.values():
            both = [*(other for other in named if named[other] == split), top]
            raise DataError(
                f"{source} has the folders {both[0]} and {both[1]}, expected one of them. Merge them."
            )
        if split is not None:
            named[top] = split
    if named and "train" not in named.values():
        raise DataError(
            f"{source} has a folder {next(iter(named))} but none named train, expected both, or class folders alone."
            " Rename the folder of training pictures to train."
        )
    return named


def _check_flat(source: str, files: list[list[str]]) -> None:
    """Refuse class folders that are rather splits, or have splits inside: they would be mixed, in silence."""
    inside: dict[str, set[str]] = {}
    for top, *below in files:
        if len(below) == 1:
            return
        if below:
            inside.setdefault(top, set()).add(below[0])
    seen: set[str] = set()
    for top, folders in inside.items():
        # One alone, such as "images", is an idle folder; two that recur are classes, splits or the like.
        recurring = sorted(folders & seen)
        if len(recurring) > 1:
            raise DataError(
                f"{source} has folders {recurring[0]!a} and {recurring[1]!a} in {top!a} and again in other folders,"
                " with no pictures beside them, so that it is unclear which are the classes. Expected class folders"
                " with pictures in them, or such folders below train and test. If these are splits, name the splits"
                " train and test and put the class folders into them; if not, move the pictures up into their class"
                " folders."
            )
        seen |= folders


def listed(
    source: str, rows: Sequence[Row], bad: Iterable[Skipped] = (), folders: Iterable[str] = ()
) -> Listing:
    """Number the classes and check them.

    Args:
        source: What to call the source in messages.
        rows: Its pictures.
        bad: What is in the source but cannot be used.
        folders: Classes that are to have training pictures, whether they do or not.

    Raises:
        DataError: As for `arrange`.
    """
    bad = tuple(bad)
    of = {name: class_name(source, name) for name in sorted({row.name for row in rows} | set(folders))}
    _check_distinct(source, of)
    names = sorted(set(of.values()))
    if all(name.isascii() and name.isdigit() for name in names):
        names.sort(key=int)
    trained = {of[row.name] for row in rows if row.split == "train"}
    if not trained:
        hint = f" ({printable(bad[0].file)} {bad[0].reason})" if bad else ""
        raise DataError(
            f"{source} has no training picture{hint}, expected class folders with PNG, JPEG, WebP, BMP, GIF or TIFF"
            " files in them, or such folders below train and test. Check the folder."
        )
    _check_trained(source, names, trained, {of[name] for name in folders})
    if len(names) < 2:
        raise DataError(
            f"{source} has the single class {names[0]!r}, expected at least two to tell apart."
            " Add a folder of pictures of another class."
        )
    index = {name: names.index(as_read) for name, as_read in of.items()}
    splits: dict[str, list[Picture]] = {"train": [], "validation": [], "test": []}
    for row in rows:
        splits[row.split].append(Picture(row.found, index[row.name]))
    return Listing(tuple(names), {split: tuple(pictures) for split, pictures in splits.items()}, bad)


def class_name(source: str, name: str) -> str:
    """Give a class name in Unicode's composed form (NFC), in which it is stored.

    Args:
        source: What to call the source in messages.
        name: As the source writes it.

    Raises:
        DataError: It has characters that cannot be shown, or none that can.
    """
    if not name.isprintable() or not name.strip():
        raise DataError(
            f"{source} has a class named {name!a}, expected characters that can be shown. Rename it."
        )
    return unicodedata.normalize("NFC", name)


def _check_distinct(source: str, names: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(unicodedata.normalize("NFKC", name).casefold(), name)
        if other != name:
            # Escaped, since two Unicode forms of one name look the same.
            raise DataError(
                f"{source} has classes named {other!a} and {name!a}, which differ by case or Unicode form"
                " only, expected one name for one class. Merge or rename them."
            )


def _check_trained(source: str, names: Sequence[str], trained: set[str], folders: set[str]) -> None:
    """Refuse classes that have no training picture."""
    untrained = [name for name in names if name not in trained]
    if not untrained:
        return
    if untrained[0] in folders:
        raise DataError(
            f"{source} has a class folder {untrained[0]!r} without a picture, expected at least one for training."
            " Add pictures, or remove the folder."
        )
    raise DataError(
        f"{source} has test or validation pictures of {untrained[0]!r}, but none for training, expected the same"
        " classes in both. Add training pictures of it, or take the others away."
    )
