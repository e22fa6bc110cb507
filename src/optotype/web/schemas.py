"""Response bodies of the HTTP interface, as OpenAPI describes them."""

from typing import Literal

from pydantic import BaseModel, Field


class ClassProbability(BaseModel):
    """A class and its probability."""

    label: str
    probability: float = Field(ge=0, le=1)


class PredictionOut(BaseModel):
    """The prediction for one image."""

    label: str = Field(description="The most probable class.")
    probability: float = Field(
        ge=0, le=1, description="Its probability, calibrated if the model has a calibration."
    )
    top: list[ClassProbability] = Field(description="The most probable classes, most probable first.")
    label_set: list[str] | None = Field(
        description="The classes that contain the true one with the target probability; null if the model has no"
        " calibration."
    )
    unknown: bool | None = Field(
        description="Whether the image is unlike the training images; null if the model has no novelty detector."
    )
    input_image: str | None = Field(
        default=None, description="The image at the model's input size: a PNG in a data URI."
    )


class Predictions(BaseModel):
    """The predictions for all images of a request, in the same order, by one model."""

    model: str = Field(description="Fingerprint of the model that predicted.")
    predictions: list[PredictionOut]


class OcclusionOut(BaseModel):
    """Which parts of an image are evidence for a class."""

    label: str
    attribution: list[list[float]] = Field(
        description="For each pixel, how much the log-odds of the class drop when a patch over it is covered."
    )
    patch: int = Field(description="Side of the patch in pixels.")


class NeighbourOut(BaseModel):
    """A training image that is similar to the request's image."""

    image: str = Field(description="A PNG in a data URI.")
    label: str
    distance: float = Field(
        description="Distance between the features of both images, each scaled to unit length: 0 if equal, at most 2."
    )
    file: str | None = Field(description="Its file name relative to the source of the data.")


class NeighboursOut(BaseModel):
    """The training images most similar to an image, nearest first."""

    images: list[NeighbourOut]
    note: str | None = Field(description="Why there are none, or what is left out.")


class Explanation(BaseModel):
    """The explanation of a prediction."""

    model: str = Field(description="Fingerprint of the model that predicted.")
    prediction: PredictionOut
    occlusion: OcclusionOut
    neighbours: NeighboursOut


class Correction(BaseModel):
    """An image that was saved under its true label."""

    file: str = Field(description="Its name in the folder.")
    folder: str
    count: int = Field(description="Number of corrections in the folder.")


class AccuracyOut(BaseModel):
    """The model's accuracy with its 95 % interval."""

    split: Literal["test", "validation"]
    value: float
    low: float
    high: float
    n: int = Field(description="Number of images.")


class LimitsOut(BaseModel):
    """Limits of a request."""

    body_bytes: int = Field(description="Bytes of a request body.")
    images: int = Field(description="Images in a request.")
    pixels: int = Field(description="Pixels of one image file.")


class ModelOut(BaseModel):
    """The served model."""

    name: str = Field(description="Name of its recipe.")
    run: str | None = Field(description="Name of its run; null for a model file alone.")
    fingerprint: str
    class_names: list[str]
    input_shape: tuple[int, int, int] = Field(description="Height, width and channels of an input image.")
    parameters: int
    data: str | None = Field(description="Name of the data set that it was trained on.")
    source: str | None = Field(
        description="SOURCE with which `optotype train` loads that data set; null if corrections are not accepted, or"
        " if the data set was in memory only."
    )
    has_label_sets: bool = Field(description="Whether predictions contain label sets.")
    detects_novelty: bool = Field(
        description="Whether the model detects images that are unlike the training images."
    )
    accuracy: AccuracyOut | None
    fits: list[str] = Field(description="Values of the parameter `fit` that the model supports.")
    drawing_fit: str = Field(description="The best value of `fit` for drawings.")
    corrections_folder: str | None = Field(
        description="The folder where corrections are saved; null if corrections are not accepted."
    )
    neighbours: Literal["ready", "preparing", "unavailable"] = Field(
        description="Whether explanations contain similar training images."
    )
    neighbours_note: str | None = Field(description="Why there are none, or what is left out.")
    limits: LimitsOut


class Health(BaseModel):
    """State of the server."""

    status: Literal["live", "ready"]


class ProblemOut(BaseModel):
    """An error response (RFC 9457)."""

    title: str
    status: int
    detail: str = Field(description="What happened, what was expected, what to do next.")
