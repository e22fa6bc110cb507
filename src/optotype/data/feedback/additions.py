"""Additional training images from a folder of class folders.

They are only used for training: they follow the source's own images and do not change its split or its test set. An
image that equals one of the source's own training images in every pixel is left out: that image could be used for
validation, which is decided only when a training starts.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final, Literal, NamedTuple

import numpy as np

from optotype.data.dataset import Addition, Dataset, Images, Skipped
from optotype.data.feedback.corrections import class_of_folder
from optotype.data.pictures.chunks import in_chunks
from optotype.data.pictures.location import FileLocation
from optotype.data.sources.folders import find_pictures
from optotype.data.sources.picture_sets import unusable_error
from optotype.errors import DataError, unknown_name
from optotype.progress import ProgressCallback
from optotype.storage.cache_folder import cache_folder
from optotype.storage.digests import digests, match_digests
from optotype.text import printable

_MAX_IN_MEMORY: Final = 1 << 30
"""Largest number of bytes of images that are joined in memory."""
_CHUNK: Final = 4096


class _LabelledFiles(NamedTuple):
    """The image files of a folder with their labels.

    Attributes:
        locations: The image files, sorted.
        labels: The class of each, by its file.
        skipped: The unusable files, as far as this is known without opening them.
    """

    locations: Sequence[FileLocation]
    labels: dict[str, int]
    skipped: list[Skipped]


def add_images(
    data: Dataset, folder: str | Path, on_bad: Literal["stop", "skip"], progress: ProgressCallback
) -> Dataset:
    """Add the image files of a folder to a data set's training images.

    Args:
        data: The data set.
        folder: A folder of class folders with names of the data set's classes, not necessarily all of them. Image
            files in deeper folders belong to the class folder above them. `corrections.folder_names` defines how class
            names that no folder can have are written.
        on_bad: "stop" to raise an error if an image file is unusable, "skip" to leave it out and list it.
        progress: Called regularly while image files are decoded.

    Returns:
        The data set with the additional images last, resized to the shape of the others as by `decode.read_picture`,
        and the files that were left out in ``skipped``.

    Raises:
        DataError: If the folder does not exist, overlaps with the source, has a class that is unknown to the data set
            or no image that can be added, or an image file is unusable and on_bad is "stop".
    """
    path = _resolve(folder)
    if data.files is not None:
        check_no_overlap(path, Path(data.source))
    labelled = _label(path, data)
    files, images, unusable = _decode(path, labelled, data.shape, progress)
    skipped = [*labelled.skipped, *unusable]
    if skipped and on_bad == "stop":
        raise unusable_error(path, skipped)
    copy_of = match_digests(digests(data.images), digests(images))
    skipped += [
        Skipped(file, f"is a copy of training image {index} of {data.name}, pixel by pixel")
        for file, index in zip(files, copy_of.tolist(), strict=True)
        if index >= 0
    ]
    new_rows = np.flatnonzero(copy_of < 0)
    if not len(new_rows):
        hint = f" ({printable(skipped[0].file)} {skipped[0].reason})" if skipped else ""
        raise DataError(
            f"{path} has no image that can be added to {data.name}{hint}; expected class folders with new PNG, JPEG,"
            " WebP, BMP, GIF or TIFF files. Choose another folder, or train without it."
        )
    added = [files[row] for row in new_rows]
    labels = np.concatenate([data.labels, [labelled.labels[file] for file in added]])
    labels.setflags(write=False)
    names = tuple(map(printable, added))
    return replace(
        data,
        images=_join(data.images, images[new_rows]),
        labels=labels,
        files=None if data.files is None else (*data.files, *names),
        sizes=None,
        skipped=(*data.skipped, *(Skipped(printable(each.file), each.reason) for each in skipped)),
        options=replace(data.options, on_bad=on_bad, add=str(path)),
        addition=Addition(names, data.fingerprint),
    )


def _resolve(folder: str | Path) -> Path:
    try:
        path = Path(folder).resolve()
        if path.is_dir():
            return path
    except (OSError, ValueError, RuntimeError) as error:  # a null character, a loop of links
        raise DataError(
            f"{printable(str(folder))} cannot be read: {error}; expected a folder. Check the path."
        ) from error
    raise DataError(
        f"There is no folder {path}; expected a folder of class folders with images to add. Check the path."
    )


def check_no_overlap(path: Path, source: Path) -> None:
    """Check that a folder of additional images cannot contain a source's own images, including its test set.

    Args:
        path: The folder of the additional images; absolute.
        source: The path of the source's own images; absolute.

    Raises:
        DataError: If one contains the other, or they are the same.
    """
    if path in (source, *source.parents) or source in path.parents:
        raise DataError(
            f"The images of {path} cannot be added to {source}: training could then use its test images. Expected"
            " separate folders. Move the new images into a folder of their own."
        )


def _label(path: Path, data: Dataset) -> _LabelledFiles:
    """Derive the class of each image file from its folder."""
    locations, skipped = find_pictures(path)
    class_index = {name: label for label, name in enumerate(data.class_names)}
    depth = len(path.parts)
    labels: dict[str, int] = {}
    label_by_folder: dict[str, int] = {}
    labelled = []
    for location in locations:
        folder, *below = Path(location.file).parts[depth:]
        if not below:
            skipped.append(Skipped(location.file, "is not in a class folder"))
            continue
        if folder not in label_by_folder:
            name = class_of_folder(folder, class_index)
            if name is None:
                raise DataError(
                    f"{unknown_name(f'class of {data.name}', folder, class_index)} It is a folder in {path}; expected"
                    " folders with the names of these classes. Rename or remove it."
                )
            label_by_folder[folder] = class_index[name]
        labels[location.file] = label_by_folder[folder]
        labelled.append(location)
    return _LabelledFiles(labelled, labels, skipped)


def _decode(
    path: Path, labelled: _LabelledFiles, shape: tuple[int, int, int], progress: ProgressCallback
) -> tuple[list[str], Images, list[Skipped]]:
    """Decode the image files; return the usable files, their images, and the unusable files."""
    files: list[str] = []
    images = [np.empty((0, *shape), np.uint8)]
    skipped: list[Skipped] = []
    for chunk in in_chunks(labelled.locations, shape):
        files += chunk.files
        images.append(chunk.images)
        skipped += chunk.skipped
        progress(f"decoding the images of {printable(path.name)}", chunk.done, len(labelled.locations))
    return files, np.concatenate(images), skipped


def _join(own: Images, added: Images) -> Images:
    """Concatenate images: in memory, or in an unnamed temporary file if they are too large."""
    if own.nbytes + added.nbytes <= _MAX_IN_MEMORY:
        joined = np.concatenate([own, added])
        joined.setflags(write=False)
        return joined
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            for images in (own, added):
                for start in range(0, len(images), _CHUNK):
                    file.write(np.ascontiguousarray(images[start : start + _CHUNK]).data)
            file.flush()
            shape = (len(own) + len(added), *own.shape[1:])
            return np.memmap(file, np.uint8, "r", shape=shape).view(np.ndarray)
    except OSError as error:
        raise DataError(
            f"The training images with the additional images cannot be written to {folder}: {error.strerror or error};"
            f" expected {own.nbytes + added.nbytes:,} bytes of disk space. Free disk space, or set the environment"
            " variable OPTOTYPE_HOME to another folder."
        ) from error
