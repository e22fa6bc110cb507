"""Facts about a model and its training as rows of a table: layers, recipe settings, provenance."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from optotype.engine.layers import describe, one_line
from optotype.recipes.recipe import Recipe

if TYPE_CHECKING:
    from optotype.judging.judgement import Judgement
    from optotype.models.model import Model
    from optotype.runs.run import Run

Rows = list[tuple[str, str]]

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


def provenance(judgement: "Judgement", model: "Model", run: "Run | None") -> Rows:
    """Return what a judgement rests on, as far as it is known: data, split, versions, machine, times.

    Args:
        judgement: The judgement.
        model: The judged model.
        run: The run that trained it, if there is one.
    """
    record = model.provenance
    rows = [("run", format_value(record.run)), ("started", format_value(record.created))]
    if run is not None:
        rows.append(("training time", f"{sum(epoch.seconds for epoch in run.epochs):.1f} s"))
    rows += [("epoch of the weights", format_value(record.epoch)), ("seed", str(model.recipe.seed))]
    rows += _data_rows(model)
    rows += [("judged on", judgement.data), ("test set fingerprint", judgement.test_fingerprint)]
    rows += [
        (name, format_value(getattr(record.environment, key, None))) for key, name in _ENVIRONMENT.items()
    ]
    if judgement.openings:
        rows.append(("judged at", judgement.openings[-1].time))
    return [(name, value) for name, value in rows if value]


def _data_rows(model: "Model") -> Rows:
    data = model.provenance.data
    if data is None:
        return []
    shape = " x ".join(map(str, data.shape))
    return [
        ("training data", f"{data.name} ({data.source})"),
        ("training images", f"{data.images:,}, including validation images, {shape}"),
        ("additional images", f"{data.added:,} of these, from {data.options.add}" if data.added else ""),
        ("training data fingerprint", data.fingerprint),
        ("training/validation split", format_value(model.provenance.split)),
    ]


def format_value(value: str | int | None) -> str:
    """Return a value as text; "" for an unknown one."""
    return "" if value is None else str(value)
