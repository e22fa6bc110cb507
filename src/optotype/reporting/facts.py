"""Facts about a model and its training as rows of a table: layers, recipe settings, provenance."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from optotype.data.dataset import Options
from optotype.engine.layers import describe, one_line
from optotype.recipes.recipe import Recipe

if TYPE_CHECKING:
    from optotype.judging.judgement import Judgement
    from optotype.models.model import Model
    from optotype.runs.run import Run

Rows = list[tuple[str, str]]
_Count = Annotated[int, Field(ge=1, strict=True)]

_ENVIRONMENT: Final = {
    "optotype": "optotype",
    "python": "Python",
    "numpy": "NumPy",
    "system": "system",
    "processor": "processor",
    "cores": "cores",
    "isa": "instruction set",
    "threads": "threads",
    "precision": "precision of training",
}


@dataclass(frozen=True)
class LayerFacts:
    """One row of the table of layers.

    Attributes:
        description: The layer in a few words.
        output_shape: The shape of its output, such as "28 x 28 x 1".
        parameters: Number of its parameters.
    """

    description: str
    output_shape: str
    parameters: int


class TrainingData(BaseModel):
    """The training data that a model's provenance names.

    Attributes:
        name: Name of the data set.
        source: Argument of ``load`` for it.
        options: Other arguments of ``load``.
        images: Training images, including validation images and additional images.
        shape: Shape of an image, (height, width, channels).
        fingerprint: Hash of training images, labels and class names.
        added: Number of additional images among ``images``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    source: str
    options: Options = Options()
    images: _Count
    shape: tuple[_Count, _Count, _Count]
    fingerprint: str
    added: Annotated[int, Field(ge=0, strict=True)] = 0

    @model_validator(mode="after")
    def _check_added(self) -> Self:
        if self.added >= self.images:
            raise ValueError("additional images need images of the data set itself")
        return self


def layers(model: "Model") -> list[LayerFacts]:
    """Return the layers of a model, including its head."""
    return [
        LayerFacts(one_line(row.layer), " x ".join(map(str, row.output_shape)), row.size)
        for row in describe(model.layers, model.input_shape)
    ]


def settings(recipe: Recipe) -> Rows:
    """Return the settings of a recipe except its layers, by the keys that `--set` takes."""
    return list(_flatten(recipe.model_dump(mode="json", exclude={"layers"})))


def _flatten(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", "none" if value is None else str(value)


def training_data(model: "Model") -> TrainingData | None:
    """Return the data that a model was trained on; None if its provenance does not name them."""
    try:
        return TrainingData.model_validate(model.provenance.get("data"))
    except ValidationError:
        return None


def provenance(judgement: "Judgement", model: "Model", run: "Run | None") -> Rows:
    """Return what a judgement rests on, as far as it is known: data, split, versions, machine, times.

    Args:
        judgement: The judgement.
        model: The judged model.
        run: The run that trained it, if there is one.
    """
    record = model.provenance
    rows = [("run", _text(record.get("run"))), ("started", _text(record.get("created")))]
    if run is not None:
        rows.append(("training time", f"{sum(epoch.seconds for epoch in run.epochs):.1f} s"))
    rows += [("epoch of the weights", _text(record.get("epoch"))), ("seed", str(model.recipe.seed))]
    rows += _data_rows(model)
    rows += [("judged on", judgement.data), ("test set fingerprint", judgement.test_fingerprint)]
    environment = record.get("environment")
    if isinstance(environment, dict):
        rows += [(name, _text(environment.get(key))) for key, name in _ENVIRONMENT.items()]
    if judgement.openings:
        rows.append(("judged at", judgement.openings[-1].time))
    return [(name, value) for name, value in rows if value]


def _data_rows(model: "Model") -> Rows:
    data = training_data(model)
    if data is None:
        return []
    shape = " x ".join(map(str, data.shape))
    return [
        ("training data", f"{data.name} ({data.source})"),
        ("training images", f"{data.images:,}, including validation images, {shape}"),
        ("additional images", f"{data.added:,} of these, from {data.options.add}" if data.added else ""),
        ("training data fingerprint", data.fingerprint),
        ("training/validation split", _text(model.provenance.get("split"))),
    ]


def _text(value: JsonValue) -> str:
    return str(value) if isinstance(value, str | int | float) else ""
