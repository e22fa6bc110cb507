"""The origin of a model: its data and split, and loading both again exactly as they were in training."""

from dataclasses import dataclass
from pathlib import Path

from optotype.data.arrays.in_memory import ARRAYS
from optotype.data.dataset import Dataset
from optotype.data.load import load
from optotype.data.splits import Split, split_of
from optotype.errors import DataError, ModelError, RunError
from optotype.models.model import Model
from optotype.models.provenance import DataRecord
from optotype.recipes.recipe import Recipe


@dataclass(frozen=True)
class Origin:
    """The data and split that a model was trained on.

    Attributes:
        data: Source and fingerprints of the data.
        split: Fingerprint of the split into training and validation images.
        name: Name of the run.
    """

    data: DataRecord
    split: str
    name: str


def check_dataset(data: object) -> None:
    """Check that an argument is a data set, and not, for example, the path of one.

    Raises:
        DataError: If it is neither a data set nor None.
    """
    if data is not None and not isinstance(data, Dataset):
        raise DataError(
            f"The data are of type {type(data).__name__}, expected a data set. Load it: data=optotype.load(...)."
        )


def read_origin(model: Model) -> Origin:
    """Return the origin in a model's provenance.

    Raises:
        ModelError: If the provenance does not name run, data and split.
        RunError: If the training did not finish.
    """
    provenance = model.provenance
    if provenance.data is None or provenance.split is None or provenance.run is None:
        raise ModelError(
            "The model's provenance does not name its data and split, expected a model that optotype trained."
            " Use the run that trained it."
        )
    if provenance.status != "finished":
        raise RunError(
            f"The model's run {provenance.run} has status {provenance.status!r}, expected 'finished'."
            " Train again to the end."
        )
    return Origin(provenance.data, provenance.split, provenance.run)


def reload_data(
    origin: Origin, recipe: Recipe, data: Dataset | None = None, *, with_added: bool = True
) -> tuple[Dataset, Split]:
    """Load the data and split them again, exactly as they were in training.

    Args:
        origin: Source and fingerprints of the data.
        recipe: The recipe, which decides the size and seed of the split.
        data: The data, if the caller has loaded them; None to load them from their source.
        with_added: Whether the additional images are needed. If not, they are not loaded, and additional images in
            ``data`` are ignored.

    Raises:
        DataError: If the data do not exist any more, or have changed.
        RunError: If the split differs.
    """
    check_dataset(data)
    record = origin.data if with_added else origin.data.without_added()
    if data is None:
        data = _load(record)
    for part, current, expected in (
        ("training images, labels or class names", data.own_fingerprint, record.own_fingerprint),
        ("test split", data.test.fingerprint, record.test_fingerprint),
    ):
        if current != expected:
            raise DataError(
                f"The {part} of {record.source} changed since training: {current}, expected {expected}."
                " Restore the data, or train again on the current data."
            )
    if with_added and data.fingerprint != record.fingerprint:
        raise _other_images_error(data, record)
    split = split_of(data, recipe.validation, recipe.split_seed)
    if split.fingerprint != origin.split:
        raise RunError(
            f"The split of {origin.data.source} has fingerprint {split.fingerprint}, expected {origin.split} as in"
            " training. Use the version of optotype that trained the model, or train again."
        )
    return data, split


def _other_images_error(data: Dataset, record: DataRecord) -> DataError:
    """Return the error for additional images that differ from those of the training."""
    expected = f"the {record.added:,} that were in {record.options.add}" if record.added else "none"
    return DataError(
        f"The additional images of {record.source} differ from those of the training:"
        f" {len(data.labels) - data.own_images:,} now, expected {expected}. Train again with the current images. To"
        " judge a run while you collect more corrections, train with a copy of their folder."
    )


def _load(record: DataRecord) -> Dataset:
    if record.source == ARRAYS:
        raise DataError(
            f"The model was trained on arrays in memory ({record.images} images of shape {record.shape}), which cannot"
            " be loaded again. Pass them in Python, as data=load(...)."
        )
    options = record.options
    if options.add is not None and not Path(options.add).is_dir():
        raise DataError(
            f"The folder {options.add} with additional images for {record.source} does not exist, expected it as in"
            " training. Restore it, pass the data in Python as data=load(..., add=...), or train again."
        )
    return load(record.source, size=options.size, on_bad=options.on_bad, add=options.add)
