"""Pictures that are added to a data set's training images, from a folder of class folders.

They only ever train: they follow the source's own images, and neither its split nor its test is touched. A picture
that is one of the source's own training images to the pixel is left out: it could validate, and which images do is
decided only when a training begins.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final, Literal, NamedTuple

import numpy as np

from optotype.data.dataset import Addition, Dataset, Images, Skipped
from optotype.data.feedback.corrections import class_of
from optotype.data.pictures.chunks import in_chunks
from optotype.data.sources.folders import pictures_in
from optotype.data.sources.listing import Found
from optotype.data.sources.picture_sets import stopped
from optotype.errors import DataError, unknown_name
from optotype.progress import Report
from optotype.storage.cache_folder import cache_folder
from optotype.storage.digests import digests, match_digests
from optotype.text import printable

_IN_MEMORY: Final = 1 << 30
"""Bytes of images up to which they are copied into memory."""
_ROWS: Final = 4096


class _Pictures(NamedTuple):
    """What a folder has for some classes.

    Attributes:
        found: Its pictures, sorted.
        labels: The class of each by its file.
        bad: What cannot be used, as far as that is known from outside.
    """

    found: Sequence[Found]
    labels: dict[str, int]
    bad: list[Skipped]


def with_added(data: Dataset, folder: str | Path, on_bad: Literal["stop", "skip"], report: Report) -> Dataset:
    """Add the pictures of a folder to a data set's training images.

    Args:
        data: The data set.
        folder: A folder of class folders, named after classes of the data set, not necessarily all; what lies deeper
            belongs to the class folder above it. `corrections.folder_names` says how names are written that no folder
            can have.
        on_bad: Whether a picture that cannot be used stops the loading, or is left out and listed.
        report: Called now and then while pictures are decoded.

    Returns:
        The data set with those pictures last, brought to the shape of the others as `pictures.read_picture` does, and
        with those that were left out in ``skipped``.

    Raises:
        DataError: There is no such folder, it is part of the source or around it, it has a class that the data set does
            not know or not one picture that can be added, or a picture cannot be used and on_bad is "stop".
    """
    path = _resolved(folder)
    if data.files is not None:
        check_apart(path, Path(data.source))
    pictures = _labelled(path, data)
    files, images, bad = _decoded(path, pictures, data.shape, report)
    skipped = [*pictures.bad, *bad]
    if skipped and on_bad == "stop":
        raise stopped(path, skipped)
    known = match_digests(digests(data.images), digests(images))
    skipped += [
        Skipped(file, f"is training image {place} of {data.name} already, pixel by pixel")
        for file, place in zip(files, known.tolist(), strict=True)
        if place >= 0
    ]
    fresh = np.flatnonzero(known < 0)
    if not len(fresh):
        hint = f" ({printable(skipped[0].file)} {skipped[0].reason})" if skipped else ""
        raise DataError(
            f"{path} has no picture that can be added to {data.name}{hint}, expected class folders with PNG, JPEG,"
            " WebP, BMP, GIF or TIFF pictures of new things. Name another folder, or train without."
        )
    added = [files[row] for row in fresh]
    labels = np.concatenate([data.labels, [pictures.labels[file] for file in added]])
    labels.setflags(write=False)
    names = tuple(map(printable, added))
    return replace(
        data,
        images=_joined(data.images, images[fresh]),
        labels=labels,
        files=None if data.files is None else (*data.files, *names),
        sizes=None,
        skipped=(*data.skipped, *(Skipped(printable(each.file), each.reason) for each in skipped)),
        options=replace(data.options, on_bad=on_bad, add=str(path)),
        addition=Addition(names, data.fingerprint),
    )


def _resolved(folder: str | Path) -> Path:
    try:
        path = Path(folder).resolve()
        if path.is_dir():
            return path
    except (OSError, ValueError, RuntimeError) as error:  # a null character, a loop of links
        raise DataError(f"{printable(str(folder))} cannot be read: {error}. Check the path.") from error
    raise DataError(
        f"There is no folder {path}, expected one of class folders with pictures to add. Check the path."
    )


def check_apart(path: Path, source: Path) -> None:
    """Refuse a folder in which a source's own pictures may be, those of the sealed test among them.

    Args:
        path: Where pictures to be added are, or are to be kept; absolute.
        source: Where the source's own are; absolute.

    Raises:
        DataError: One lies in the other, or they are the same.
    """
    if path in (source, *source.parents) or source in path.parents:
        raise DataError(
            f"The pictures of {path} cannot be added to {source}, expected a folder apart from it: its test pictures"
            " would be trained on. Put what is new into a folder of its own."
        )


def _labelled(path: Path, data: Dataset) -> _Pictures:
    """Tell the class of each picture by the folder it is in."""
    found, bad = pictures_in(path)
    index = {name: label for label, name in enumerate(data.class_names)}
    depth = len(path.parts)
    labels: dict[str, int] = {}
    label_of: dict[str, int] = {}
    kept = []
    for each in found:
        folder, *below = Path(each.file).parts[depth:]
        if not below:
            bad.append(Skipped(each.file, "lies in no class folder"))
            continue
        if folder not in label_of:
            name = class_of(folder, index)
            if name is None:
                raise DataError(
                    f"{unknown_name(f'class of {data.name}', folder, index)} It is a folder in {path}, expected folders"
                    " named after these classes. Rename it, or take it away."
                )
            label_of[folder] = index[name]
        labels[each.file] = label_of[folder]
        kept.append(each)
    return _Pictures(kept, labels, bad)


def _decoded(
    path: Path, pictures: _Pictures, shape: tuple[int, int, int], report: Report
) -> tuple[list[str], Images, list[Skipped]]:
    """Give the files that can be used, their images, and the others."""
    files: list[str] = []
    images = [np.empty((0, *shape), np.uint8)]
    bad: list[Skipped] = []
    for chunk in in_chunks(pictures.found, shape):
        files += chunk.files
        images.append(chunk.images)
        bad += chunk.bad
        report(f"decoding the pictures of {printable(path.name)}", chunk.done, len(pictures.found))
    return files, np.concatenate(images), bad


def _joined(own: Images, added: Images) -> Images:
    """Put images one after the other: in memory, or where they are many in a file that nobody else sees."""
    if own.nbytes + added.nbytes <= _IN_MEMORY:
        joined = np.concatenate([own, added])
        joined.setflags(write=False)
        return joined
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            for images in (own, added):
                for start in range(0, len(images), _ROWS):
                    file.write(np.ascontiguousarray(images[start : start + _ROWS]).data)
            file.flush()
            shape = (len(own) + len(added), *own.shape[1:])
            return np.memmap(file, np.uint8, "r", shape=shape).view(np.ndarray)
    except OSError as error:
        raise DataError(
            f"The images with those added cannot be written to {folder}: {error.strerror or error}, expected room for"
            f" {own.nbytes + added.nbytes:,} bytes. Free some, or name another folder by the environment variable"
            " OPTOTYPE_HOME."
        ) from error
