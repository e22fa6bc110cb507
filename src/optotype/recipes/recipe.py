"""A Recipe: everything that decides what a training computes, in one frozen and validated value.

What only decides how fast or where (threads, output folder) is not in it. It is written in TOML or Python and
kept as JSON beside every run. One thing is left to the machine unless the recipe says it: the precision, which every
run and model records. Whatever is wrong with one is a RecipeError of one sentence, from whichever door it
came.
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
# Names reach terminals and pages: a control character could do harm there.
_PRINTABLE = r"^\P{Cc}*$"


@dataclass(frozen=True, config=_CONFIG)
class Head:
    """The last layer, Dense with softmax and one unit per class, which is added from the data.

    Attributes:
        kernel_initializer: As for Dense.
    """

    kernel_initializer: Initializer = "glorot_uniform"


@dataclass(frozen=True, config=_CONFIG)
class EarlyStopping:
    """Stop when the monitored number has not improved for some epochs, as Keras's EarlyStopping does.

    Attributes:
        monitor: "val_loss" (smaller is better) or "val_accuracy" (larger is better).
        patience: Epochs without improvement before stopping, at least 0.
        restore_best_weights: Whether the model is that of the best epoch rather than the last.
    """

    monitor: Literal["val_loss", "val_accuracy"] = "val_loss"
    patience: Annotated[int, Field(ge=0, le=100_000, strict=True)] = 2
    restore_best_weights: Annotated[bool, Field(strict=True)] = field(default=True)


class Recipe(BaseModel):
    """One experiment: network, optimizer, schedule, split and seeds.

    Attributes:
        name: What the run is called.
        source: Where the recipe comes from, for people.
        pixels: "unit" feeds pixels in 0..1 to the network, "raw" in 0..255.
        layers: The network before the head; none may use softmax.
        head: The last layer.
        optimizer: SGD, RMSprop or Adam with their settings.
        schedule: How the learning rate moves through the training.
        batch_size: Images a step, 1 .. 100,000.
        epochs: Passes over the training images, 1 .. 100,000.
        validation: Images (int) or share (float in [0, 1)) of the training split kept for validation; 0 for none.
        split_seed: Chooses the validation images, 0 .. 2^63 - 1.
        seed: Chooses initial weights, order, dropout and augmentation, 0 .. 2^63 - 1.
        precision: Of the operands of products in training: "fp32", "bf16" (bfloat16, with sums and weights in fp32),
            which needs a processor with AMX, or "auto": bf16 with AMX, fp32 without.
        early_stopping: When to stop before the last epoch; None for never.
        augment: How training images are changed at random, in every epoch anew; None for not at all; "auto" for what a
            quick net is measured to tolerate, which the run's recipe then says.

    Raises:
        RecipeError: A key is unknown, a value is not accepted, or two of them contradict each other.
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
    def _none_in_words(cls, value: object) -> object:
        # TOML has no null, and an override must be able to take these away.
        return None if value == "none" else value

    @model_validator(mode="wrap")
    @classmethod
    def _in_one_sentence(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            recipe = handler(data)
        except ValidationError as error:
            raise RecipeError(explain(error, data, cls)) from None
        _check_agreement(recipe)
        return recipe

    @property
    def scale(self) -> float:
        """What uint8 pixels are multiplied by: 1/255 for "unit", 1 for "raw"."""
        return 1 / 255 if self.pixels == "unit" else 1.0

    def network_layers(self, classes: int) -> tuple[Layer, ...]:
        """List the whole network: the layers and the head.

        Args:
            classes: Units of the head, at least 1.
        """
        return *self.layers, Dense(classes, "softmax", self.head.kernel_initializer)

    def override(self, changes: Mapping[str, object]) -> "Recipe":
        """Change settings by their key, as ``--set`` does.

        Args:
            changes: From a key ("epochs", "optimizer.learning_rate") to a value. A string is read as a TOML
                value ("0.03", "true", "{type = 'SGD'}"), or as itself where it is none ("raw"). A table's type
                resets the table's other settings; "early_stopping" and "augment" take "none". Layers stay as they are.

        Returns:
            A new recipe.

        Raises:
            RecipeError: A key is unknown, a value is not accepted, or the layers are to be changed.
        """
        return Recipe.model_validate(overrides.apply(self.model_dump(), changes))

    def to_json(self) -> str:
        """Write the recipe as JSON, every setting included."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        """Read what ``to_json`` wrote; RecipeError where that is impossible."""
        return cls.from_saved(parse_json(text))

    @classmethod
    def from_saved(cls, data: object) -> "Recipe":
        """Take a recipe from the JSON that a run or a model kept, where every setting is written out.

        One without a precision is from before there was a choice, when every training was in fp32.

        Raises:
            RecipeError: It is no recipe.
        """
        return cls.model_validate({"precision": "fp32", **data} if isinstance(data, Mapping) else data)


def _check_agreement(recipe: Recipe) -> None:
    if recipe.early_stopping and not recipe.validation:
        raise RecipeError(
            "The recipe has early_stopping but validation = 0, expected validation images to watch."
            " Set validation = 0.1, or take early_stopping away."
        )
    for place, layer in enumerate(recipe.layers):
        if isinstance(layer, Dense) and layer.activation == "softmax":
            raise RecipeError(
                f"'layers.{place}.activation' is 'softmax', expected linear, relu, tanh or sigmoid: the layer"
                " with softmax is the head, which is added from the classes of the data. Remove this one."
            )
