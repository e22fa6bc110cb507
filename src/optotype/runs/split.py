"""split.json: the indices of the validation images and the fingerprint of the data, sealed by a hash."""

from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from optotype.data.splits import Split, split_fingerprint
from optotype.models.provenance import DataRecord
from optotype.runs.files import damaged_file_error, read_versioned, write_json

FORMAT: Final = 1
"""Version of split.json; a higher one is refused."""

Index = Annotated[int, Field(ge=0, le=2**31, strict=True)]


class SplitFile(BaseModel):
    """The content of split.json.

    Attributes:
        format: Version of the file.
        images: Number of training images, validation images included.
        split_seed: Seed that chose the validation images.
        fingerprint: Fingerprint of the number of the source's own images and the validation indices.
        data_fingerprint: Fingerprint of the training images, labels and class names.
        test_fingerprint: Fingerprint of the sealed test split.
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
    """Write split.json; RunError if that fails."""
    content = SplitFile(
        images=data.images,
        split_seed=split_seed,
        fingerprint=split.fingerprint,
        data_fingerprint=data.fingerprint,
        test_fingerprint=data.test_fingerprint,
        validation=tuple(split.validation.tolist()),
    )
    write_json(path, content.model_dump(), indent=None)


def read_split(path: Path, data: DataRecord) -> Split:
    """Read split.json and compare it with its hash and the run's data.

    Args:
        path: The file.
        data: The data in run.json.

    Raises:
        RunError: If the file cannot be read, or was not written with this run.
    """
    content = read_versioned(path, SplitFile, FORMAT)
    fingerprints = (content.images, content.data_fingerprint, content.test_fingerprint)
    if fingerprints != (data.images, data.fingerprint, data.test_fingerprint):
        raise damaged_file_error(path, "belongs to other data than its run")
    validation = np.array(content.validation, np.int64)
    if split_fingerprint(data.own_images, validation) != content.fingerprint:
        raise damaged_file_error(path, "has validation indices that do not match its fingerprint")
    if len(validation) and validation.max() >= data.own_images:
        raise damaged_file_error(path, f"has index {validation.max()} of {data.own_images} images")
    is_validation = np.zeros(content.images, np.bool_)
    is_validation[validation] = True
    return Split(np.flatnonzero(~is_validation), validation, content.fingerprint)
