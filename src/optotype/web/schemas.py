"""The answers of the interface, as OpenAPI shows them."""

from typing import Literal

from pydantic import BaseModel, Field


class Ranked(BaseModel):
    """A class and its probability."""

    label: str
    probability: float = Field(ge=0, le=1)


class PredictionOut(BaseModel):
    """What the model says of one image."""

    label: str = Field(description="The most probable class.")
    probability: float = Field(
        ge=0, le=1, description="Its probability, calibrated where the model has a calibration."
    )
    top: list[Ranked] = Field(description="The most probable classes, the most probable first.")
    label_set: list[str] | None = Field(
        description="The classes that it may be; null where the model has no calibration."
    )
    unknown: bool | None = Field(
        description="Whether the image is unlike the training images; null where the model cannot tell."
    )
    seen: str | None = Field(default=None, description="The image as the model saw it: a PNG in a data URI.")


class Predictions(BaseModel):
    """What one model says of all images of a request, in their order."""

    model: str = Field(description="Fingerprint of the model that answered.")
    predictions: list[PredictionOut]


class OcclusionOut(BaseModel):
    """Which parts of an image speak for a class."""

    label: str
    drops: list[list[float]] = Field(
        description="For each pixel, by how much the log-odds of the class fall when a patch over it is covered."
    )
    patch: int = Field(description="Side of the patch in pixels.")


class SimilarImage(BaseModel):
    """A training image that is like the one asked about."""

    picture: str = Field(description="A PNG in a data URI.")
    label: str
    distance: float = Field(
        description="Between what the model's last layer reads of both, each at unit length: 0 for the same, at most 2."
    )
    file: str | None = Field(description="Its name relative to the source of the data.")


class Similar(BaseModel):
    """The training images most like an image, the nearest first."""

    images: list[SimilarImage]
    note: str | None = Field(description="Why there are none, or what is left out.")


class Explanation(BaseModel):
    """Why a model says what it says of an image."""

    model: str
    prediction: PredictionOut
    occlusion: OcclusionOut
    similar: Similar


class Correction(BaseModel):
    """A picture that was kept under another label."""

    file: str = Field(description="Its name in the folder.")
    folder: str
    count: int = Field(description="How many corrections are kept there.")


class AccuracyOut(BaseModel):
    """How often the model was right, with its 95 % interval."""

    split: Literal["test", "validation"]
    value: float
    low: float
    high: float
    n: int


class LimitsOut(BaseModel):
    """What a request may hold."""

    body_bytes: int
    images: int
    pixels: int = Field(description="Of one picture.")


class ModelOut(BaseModel):
    """The model that is served."""

    name: str = Field(description="Its recipe's name.")
    run: str | None
    fingerprint: str
    class_names: list[str]
    input_shape: tuple[int, int, int] = Field(description="Height, width and channels of an image.")
    parameters: int
    data: str | None = Field(description="Name of the data set that it was trained on.")
    source: str | None = Field(
        description="What `optotype train` takes to get that data set again; null where corrections are not taken, or"
        " it was in memory only."
    )
    label_sets: bool = Field(description="Whether it can say which classes an image may be of.")
    rejects: bool = Field(description="Whether it can say that an image is unlike the training images.")
    accuracy: AccuracyOut | None
    fits: list[str] = Field(description="How pictures can be brought to its shape.")
    drawing_fit: str = Field(description="How drawings are best brought to it.")
    collect: str | None = Field(
        description="The folder where corrections are kept; null where they are not taken."
    )
    similar: Literal["ready", "preparing", "absent"] = Field(
        description="Whether similar training images are known."
    )
    similar_note: str | None
    limits: LimitsOut


class Health(BaseModel):
    """How the server is."""

    status: Literal["live", "ready"]


class ProblemOut(BaseModel):
    """Why a request was not answered (RFC 9457)."""

    title: str
    status: int
    detail: str = Field(description="What happened, what was expected, what to do.")
