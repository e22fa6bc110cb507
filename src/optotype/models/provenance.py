"""The provenance of a model: data, split, run and environment that it was trained with, as typed values."""

from dataclasses import replace
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from optotype.data.dataset import Options
from optotype.errors import ModelError

Count = Annotated[int, Field(ge=1, strict=True)]
Number = Annotated[int, Field(ge=0, strict=True)]


class DataRecord(BaseModel):
    """The data set that a run was trained on.

    Attributes:
        name: The data set's name.
        source: The SOURCE that ``load`` takes to load the data set again; "arrays" if it was only in memory.
        options: The other arguments of ``load``; records of older runs have none.
        images: Number of training images, validation images included.
        shape: Shape of an image, (height, width, channels).
        fingerprint: Fingerprint of training images, labels and class names.
        test_images: Number of images in the sealed test split.
        test_fingerprint: Fingerprint of the sealed test split.
        added: Number of additional images; they are the last ones.
        source_fingerprint: Fingerprint without the additional images; None if there are none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str
    options: Options = Options()
    images: Count
    shape: tuple[Count, Count, Count]
    fingerprint: str
    test_images: Number
    test_fingerprint: str
    added: Number = 0
    source_fingerprint: str | None = None

    @model_validator(mode="after")
    def _check_added(self) -> Self:
        if self.added >= self.images or (self.added > 0) != (self.source_fingerprint is not None):
            raise ValueError("additional images need images of the source and the source's own fingerprint")
        return self

    @property
    def own_images(self) -> int:
        """Number of images that belong to the source itself, without additional images."""
        return self.images - self.added

    @property
    def own_fingerprint(self) -> str:
        """Fingerprint without the additional images."""
        return self.source_fingerprint or self.fingerprint

    def without_added(self) -> "DataRecord":
        """Return the record of the source alone, without additional images."""
        return self.model_copy(
            update={
                "options": replace(self.options, add=None),
                "images": self.own_images,
                "fingerprint": self.own_fingerprint,
                "added": 0,
                "source_fingerprint": None,
            }
        )


class Environment(BaseModel):
    """The software and hardware that a run was computed with; None for a value that an older run did not record.

    Attributes:
        optotype: Version of optotype.
        python: Version of Python.
        numpy: Version of NumPy.
        system: Operating system.
        processor: Model name of the processor.
        cores: Number of logical cores.
        isa: Instruction set that the engine used.
        threads: Number of threads that the engine used.
        precision: Precision of training, "fp32" or "bf16".
        started: Start of the run, UTC in ISO 8601.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    optotype: str | None = None
    python: str | None = None
    numpy: str | None = None
    system: str | None = None
    processor: str | None = None
    cores: Number | None = None
    isa: str | None = None
    threads: Number | None = None
    precision: str | None = None
    started: str | None = None


class TransferStart(BaseModel):
    """The model that a training started from.

    Attributes:
        fingerprint: Fingerprint of the model's weights, image shape, pixel scale and class names.
        run: Name of the run that trained it.
        data: The data set that it was trained on.
        recipe: Name of its recipe.
        class_names: Its classes.
        shared_layers: Number of first layers that were taken from it, without the head.
        freeze: Whether the shared layers were frozen.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    fingerprint: str
    run: str | None = None
    data: DataRecord | None = None
    recipe: str
    class_names: tuple[str, ...]
    shared_layers: Number
    freeze: Annotated[bool, Field(strict=True)]


class Provenance(BaseModel):
    """The origin of a model. Every value is None if it is not known; keys of other programs are kept as they are.

    Attributes:
        run: Name of the run that trained the model.
        created: Start of that run, UTC in ISO 8601.
        status: Status of that run when it ended: "finished", "interrupted" or "diverged".
        epoch: Number of the epoch whose weights the model has, from 1; 0 if no epoch ended.
        data: The data set that it was trained on.
        split: Fingerprint of the split into training and validation images.
        validation_images: Number of validation images that ``val_loss`` and ``val_accuracy`` were computed on.
        environment: Software and hardware of the training.
        transfer: The model that the training started from; None for a training from random weights.
        no_calibration: Reason why the model has no calibration.
        no_novelty: Reason why the model has no novelty detector.
        no_golden: Reason why the model has no golden images.
        imported_from: Name of the file of another program that the model was read from.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)

    run: str | None = None
    created: str | None = None
    status: str | None = None
    epoch: Number | None = None
    data: DataRecord | None = None
    split: str | None = None
    validation_images: Number | None = None
    environment: Environment | None = None
    transfer: TransferStart | None = None
    no_calibration: str | None = None
    no_novelty: str | None = None
    no_golden: str | None = None
    imported_from: str | None = None

    @classmethod
    def from_json(cls, values: object) -> "Provenance":
        """Return the provenance in a JSON object.

        Raises:
            ModelError: If it is not an object, or a value has another type or range.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(map(str, first["loc"])) or "provenance"
            raise ModelError(
                f"The provenance has a wrong value for {key!r} ({first['msg']}), expected the values that optotype"
                " writes. Train the model again."
            ) from None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the known values as a JSON object."""
        return {key: value for key, value in self.model_dump().items() if value is not None}

    def updated(self, **changes: object) -> "Provenance":
        """Return a copy with other values."""
        return Provenance.from_json({**self.to_json(), **changes})
