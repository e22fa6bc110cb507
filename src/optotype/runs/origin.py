"""Where a model comes from: which data, which split; and getting both again, exactly, or not at all."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from optotype.data.arrays.in_memory import ARRAYS
from optotype.data.dataset import Dataset
from optotype.data.load import load
from optotype.data.splits import Split, split_of
from optotype.errors import DataError, ModelError, RunError
from optotype.models.model import Model
from optotype.recipes.recipe import Recipe
from optotype.runs.manifest import DataRecord
from optotype.runs.run import MODEL_FILE, Run, find_target


@dataclass(frozen=True)
class Origin:
    """What a model was trained on.

    Attributes:
        data: The data's source and fingerprints.
        split: Fingerprint of the split into training and validation images.
        name: Name of the run.
    """

    data: DataRecord
    split: str
    name: str


def find(target: object) -> Run | Model:
    """Open a run folder or a model file; the model file of a run stands for its run. Runs and models are found already.

    Raises:
        RunError: There is nothing there, a folder that is no run, or the target is of another type.
        ModelError: The file is no model.
    """
    if isinstance(target, Run | Model):
        return target
    if not isinstance(target, str | Path):
        raise RunError(
            f"A target is of type {type(target).__name__}, expected a run, a model or the path of either."
            " Give the folder of a run."
        )
    found = find_target(target)
    if isinstance(found, Model) and Path(target).name == MODEL_FILE:
        with suppress(RunError):
            return Run.open(Path(target).parent)
    return found


def require_dataset(data: object) -> None:
    """Refuse what is given as data and is no data set, such as the path of one.

    Raises:
        DataError: It is neither a data set nor None.
    """
    if data is not None and not isinstance(data, Dataset):
        raise DataError(
            f"The data are of type {type(data).__name__}, expected a data set. Load it: data=optotype.load(...)."
        )


def origin_of(model: Model) -> Origin:
    """Read from a model where it comes from.

    Raises:
        ModelError: The model does not say.
        RunError: Its training did not end well.
    """
    told = model.provenance
    try:
        origin = Origin(DataRecord.model_validate(told.get("data")), str(told["split"]), str(told["run"]))
    except (ValidationError, KeyError):
        raise ModelError(
            "The model does not say which data and split it was trained on, expected one that optotype trained."
            " Use the run that made it."
        ) from None
    status = told.get("status")
    if status != "finished":
        raise RunError(
            f"The model comes from the run {origin.name}, which is marked {status!r}, expected a finished one."
            " Train again to the end."
        )
    return origin


def reload(
    origin: Origin, recipe: Recipe, data: Dataset | None = None, *, with_added: bool = True
) -> tuple[Dataset, Split]:
    """Load the data and carve the split again, as they were for training.

    Args:
        origin: Where from, and the fingerprints that must come out.
        recipe: How much was set aside, and by which seed.
        data: The data, where the caller has them; None to load them from where they came.
        with_added: Whether the pictures that were added to the source are wanted too; where they are not, they are
            neither loaded nor missed, nor do they matter where they are in what the caller has.

    Raises:
        DataError: The data are gone, or are no longer the same.
        RunError: The split is no longer the same.
    """
    require_dataset(data)
    record = origin.data if with_added else origin.data.of_source()
    if data is None:
        data = _load(record)
    for what, now, then in (
        ("training images, labels or class names", data.own_fingerprint, record.own_fingerprint),
        ("test split", data.test.fingerprint, record.test_fingerprint),
    ):
        if now != then:
            raise DataError(
                f"The {what} of {record.source} changed since training: {now}, expected {then}."
                " Restore the data, or train again on what is there now."
            )
    if with_added and data.fingerprint != record.fingerprint:
        raise _other_pictures(data, record)
    split = split_of(data, recipe.validation, recipe.split_seed)
    if split.fingerprint != origin.split:
        raise RunError(
            f"The split of {origin.data.source} comes out as {split.fingerprint}, expected {origin.split} as in"
            " training. Use the version of optotype that trained the model, or train again."
        )
    return data, split


def _other_pictures(data: Dataset, record: DataRecord) -> DataError:
    """Say that other pictures are added to a source than in training."""
    then = f"the {record.added:,} that were in {record.options.add}" if record.added else "none"
    return DataError(
        f"The pictures added to {record.source} are not those of the training:"
        f" {len(data.labels) - data.own_images:,} now, expected {then}. Train again with what is there now; to be able"
        " to judge a run while more corrections are collected, train with a copy of their folder."
    )


def _load(record: DataRecord) -> Dataset:
    if record.source == ARRAYS:
        raise DataError(
            f"The model was trained on arrays in memory ({record.images} images of shape {record.shape}), which are"
            " nowhere to be loaded from. Give them again in Python, as data=load(...)."
        )
    options = record.options
    if options.add is not None and not Path(options.add).is_dir():
        raise DataError(
            f"The folder {options.add} is gone, whose pictures were added to {record.source} for training, expected it"
            " as it was. Put it back, give the data in Python as data=load(..., add=...), or train again."
        )
    return load(record.source, size=options.size, on_bad=options.on_bad, add=options.add)
