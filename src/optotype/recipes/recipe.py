"""A Recipe: all settings that determine the result of a training, in one frozen and validated value.

Settings that only affect speed or location (threads, output folder) are not in it. Recipes are written in TOML or
Python and stored as JSON in every run. One setting depends on the machine unless the recipe sets it: the precision,
which every run and model records. Every invalid recipe raises a RecipeError of one sentence, from TOML, Python and the
command line.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.dataclasses import dataclass

from optotype.engine.augmentation import Augment
from optotype.engine.layers import Dense, Initializer, Layer
from optotype.engine.optimizers import Adam, Optimizer
from optotype.engine.schedules import Constant, Schedule
from optotype.errors import RecipeError
from optotype.recipes import overrides
from optotype.recipes.messages import explain
from optotype.recipes.reading import parse_json

Seed = Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)]
Amount = Annotated[int, Field(ge=1, le=100_000, strict=True)]
Share = Annotated[float, Field(ge=0, lt=1, strict=True)]

_CONFIG = ConfigDict(extra="forbid")
# Names are printed to terminals and pages, where a control character could do harm.
_PRINTABLE = r"^\P{Cc}*$"


@dataclass(frozen=True, config=_CONFIG)
class Head:
    """The last layer, Dense with softmax and one unit per class; the data determine the number of classes.

    Attributes:
        kernel_initializer: As for Dense.
    """

    kernel_initializer: Initializer = "glorot_uniform"


@dataclass(frozen=True, config=_CONFIG)
class EarlyStopping:
    """Early stopping when the monitored value has not improved for some epochs, as in Keras's EarlyStopping.

    Attributes:
        monitor: "val_loss" (smaller is better) or "val_accuracy" (larger is better).
        patience: Epochs without improvement before stopping, at least 0.
        restore_best_weights: Whether the model has the weights of the best epoch instead of the last.
    """

    monitor: Literal["val_loss", "val_accuracy"] = "val_loss"
    patience: Annotated[int, Field(ge=0, le=100_000, strict=True)] = 2
    restore_best_weights: Annotated[bool, Field(strict=True)] = field(default=True)


class Recipe(BaseModel):
    """One experiment: network, optimizer, schedule, split and seeds.

    Attributes:
        name: Name of the recipe, and part of the run's name.
        source: Origin of the recipe, for readers.
        pixels: "unit" scales pixels to 0..1 for the network, "raw" to 0..255.
        layers: The network before the head; none may use softmax.
        head: The last layer.
        optimizer: SGD, RMSprop or Adam with their settings.
        schedule: Course of the learning rate during training.
        batch_size: Images per step, 1 .. 100,000.
        epochs: Passes over the training images, 1 .. 100,000.
        validation: Number (int) or share (float in [0, 1)) of training images set aside for validation; 0 for none.
        split_seed: Seed of the choice of validation images, 0 .. 2^63 - 1.
        seed: Seed of initial weights, order, dropout and augmentation, 0 .. 2^63 - 1.
        precision: Precision of the operands of products in training: "fp32", "bf16" (bfloat16, with sums and weights in
            fp32), which needs a processor with AMX, or "auto": bf16 with AMX, fp32 without.
        early_stopping: Rule for stopping before the last epoch; None for never.
        augment: Random changes of training images in every epoch; None for none; "auto" for the strongest changes that
            a probe network tolerates, which are then recorded in the run's recipe.

    Raises:
        RecipeError: If a key is unknown, a value is not valid, or two values contradict each other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=_PRINTABLE)] = "custom"
    source: Annotated[str, Field(max_length=2000, pattern=_PRINTABLE)] = ""
    pixels: Literal["unit", "raw"] = "unit"
    layers: Annotated[tuple[Layer, ...], Field(max_length=1000)]
    head: Head = Head()
    optimizer: Optimizer = Adam()
    schedule: Schedule = Constant()
    batch_size: Amount = 128
    epochs: Amount = 10
    validation: Annotated[int, Field(ge=0, strict=True)] | Share = 0.1
    split_seed: Seed = 0
    seed: Seed = 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    early_stopping: EarlyStopping | None = None
    augment: Augment | Literal["auto"] | None = None

    @field_validator("early_stopping", "augment", mode="before")
    @classmethod
    def _parse_none(cls, value: object) -> object:
        # TOML has no null, and an override must be able to remove these settings.
        return None if value == "none" else value

    @model_validator(mode="wrap")
    @classmethod
    def _explain_errors(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            recipe = handler(data)
        except ValidationError as error:
            raise RecipeError(explain(error, data, cls)) from None
        _check_agreement(recipe)
        return recipe

    @property
    def scale(self) -> float:
        """Factor of uint8 pixels: 1/255 for "unit", 1 for "raw"."""
        return 1 / 255 if self.pixels == "unit" else 1.0

    def network_layers(self, classes: int) -> tuple[Layer, ...]:
        """Return the layers of the whole network, with the head.

        Args:
            classes: Number of units of the head, at least 1.
        """
        return *self.layers, Dense(classes, "softmax", self.head.kernel_initializer)

    def override(self, changes: Mapping[str, object]) -> "Recipe":
        """Return a recipe with settings changed by key, as ``--set`` does.

        Args:
            changes: Values by key ("epochs", "optimizer.learning_rate"). A string is parsed as a TOML value
                ("0.03", "true", "{type = 'SGD'}"); if it is not valid TOML ("raw"), it is used as it is. A table's type
                resets the table's other settings; "early_stopping" and "augment" accept "none". Layers cannot be
                changed.

        Returns:
            A new recipe.

        Raises:
            RecipeError: If a key is unknown or a layer, or a value is not valid.
        """
        return Recipe.model_validate(overrides.apply(self.model_dump(), changes))

    def to_json(self) -> str:
        """Return the recipe as JSON, with every setting."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        """Parse a recipe that ``to_json`` wrote; RecipeError if it is not valid."""
        return cls.from_saved(parse_json(text))

    @classmethod
    def from_saved(cls, data: object) -> "Recipe":
        """Return the recipe in the JSON of a run or a model, where every setting is written out.

        A recipe without a precision was saved before the setting existed, when every training was in fp32.

        Raises:
            RecipeError: If it is not a valid recipe.
        """
        return cls.model_validate({"precision": "fp32", **data} if isinstance(data, Mapping) else data)


def _check_agreement(recipe: Recipe) -> None:
    if recipe.early_stopping and not recipe.validation:
        raise RecipeError(
            "The recipe has early_stopping but validation = 0, expected validation images to monitor."
            " Set validation = 0.1, or remove early_stopping."
        )
    for index, layer in enumerate(recipe.layers):
        if isinstance(layer, Dense) and layer.activation == "softmax":
            raise RecipeError(
                f"'layers.{index}.activation' is 'softmax', expected linear, relu, tanh or sigmoid: the layer"
                " with softmax is the head, which is added automatically. Remove this activation or layer."
            )
