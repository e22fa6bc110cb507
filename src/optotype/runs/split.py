"""split.json: which training images were kept for validation, of which data, sealed by a hash."""

from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from optotype.data.splits import Split, split_fingerprint
from optotype.runs.files import damaged, read_model, write_json
from optotype.runs.manifest import DataRecord

FORMAT: Final = 1
"""Version of split.json; a higher one is refused."""

Index = Annotated[int, Field(ge=0, le=2**31, strict=True)]


class SplitFile(BaseModel):
    """What split.json holds.

    Attributes:
        format: Version of the file.
        images: Images in the training split, those for validation included.
        split_seed: What chose them.
        fingerprint: Of the number of the source's own images and the validation indices.
        data_fingerprint: Of the training images, labels and class names.
        test_fingerprint: Of the sealed test split.
        validation: Indices of the validation images, ascending.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = FORMAT
    images: Index
    split_seed: Annotated[int, Field(ge=0, strict=True)]
    fingerprint: str
    data_fingerprint: str
    test_fingerprint: str
    validation: tuple[Index, ...]


def write_split(path: Path, split: Split, split_seed: int, data: DataRecord) -> None:
    """Write split.json; RunError where that is impossible."""
    record = SplitFile(
        images=data.images,
        split_seed=split_seed,
        fingerprint=split.fingerprint,
        data_fingerprint=data.fingerprint,
        test_fingerprint=data.test_fingerprint,
        validation=tuple(split.validation.tolist()),
    )
    write_json(path, record.model_dump(), indent=None)


def read_split(path: Path, data: DataRecord) -> Split:
    """Read split.json and hold it against its hash and the data it is of.

    Args:
        path: The file.
        data: What run.json says of the data.

    Raises:
        RunError: The file cannot be read, or is not the one that was written with this run.
    """
    record = read_model(path, SplitFile, FORMAT)
    written = (record.images, record.data_fingerprint, record.test_fingerprint)
    if written != (data.images, data.fingerprint, data.test_fingerprint):
        raise damaged(path, "is of other data than its run")
    validation = np.array(record.validation, np.int64)
    if split_fingerprint(data.own_images, validation) != record.fingerprint:
        raise damaged(path, "lists validation images that do not match its fingerprint")
    held = np.zeros(record.images, np.bool_)
    if len(validation) and validation.max() >= data.own_images:
        raise damaged(path, f"lists image {validation.max()} of {data.own_images}")
    held[validation] = True
    return Split(np.flatnonzero(~held), validation, record.fingerprint)
