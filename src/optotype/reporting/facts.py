"""What a model is and where it comes from, as rows of two cells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from optotype.engine.layers import describe, one_line
from optotype.judging.judgement import Judgement
from optotype.models.model import Model
from optotype.models.provenance import DataRecord
from optotype.recipes.recipe import Recipe
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
    """A row of the table of layers.

    Attributes:
        words: The layer in a few words.
        shape: Of what it gives, for people.
        parameters: How many numbers it keeps.
    """

    words: str
    shape: str
    parameters: int


def layers(model: Model) -> list[LayerFacts]:
    """List the layers of a model, its head included."""
    return [
        LayerFacts(one_line(row.layer), " x ".join(map(str, row.output_shape)), row.size)
        for row in describe(model.layers, model.input_shape)
    ]


def settings(recipe: Recipe) -> Rows:
    """List the settings of a recipe by their keys, as `--set` takes them, but for the layers."""
    return list(_flat(recipe.model_dump(mode="json", exclude={"layers"})))


def _flat(table: Mapping[str, object], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", "none" if value is None else str(value)


def trained_on(model: Model) -> DataRecord | None:
    """Say which data a model was trained on; None where it does not say."""
    return model.provenance.data


def provenance(judgement: Judgement, model: Model, run: Run | None) -> Rows:
    """List what a judgement rests on, as far as it is known: data, split, versions, machine, times.

    Args:
        judgement: The judgement.
        model: What was judged.
        run: The run that trained it, where there is one.
    """
    told = model.provenance
    rows = [("run", _text(told.run)), ("began", _text(told.created))]
    if run is not None:
        rows.append(("time for training", f"{sum(epoch.seconds for epoch in run.epochs):.1f} s"))
    rows += [("epoch of the weights", _text(told.epoch)), ("seed", str(model.recipe.seed))]
    data = trained_on(model)
    if data is not None:
        rows += [
            ("training data", f"{data.name} ({data.source})"),
            ("its images", f"{data.images:,}, validation included, {' x '.join(map(str, data.shape))}"),
            ("of these, added", f"{data.added:,}, from {data.options.add}" if data.added else ""),
            ("its fingerprint", data.fingerprint),
            ("split into training and validation", _text(told.split)),
        ]
    rows += [("judged on", judgement.data), ("fingerprint of the test set", judgement.test_fingerprint)]
    if told.environment is not None:
        rows += [(words, _text(getattr(told.environment, key))) for key, words in _ENVIRONMENT.items()]
    if judgement.openings:
        rows.append(("judged", judgement.openings[-1].time))
    return [(what, said) for what, said in rows if said]


def _text(value: JsonValue) -> str:
    return str(value) if isinstance(value, str | int | float) else ""
