"""The model card: a Markdown file with the YAML head that model hubs read.

The head has the fields of Hugging Face's model cards. Its strings are written as JSON, which is also YAML. Text from
outside is escaped, so that it cannot become Markdown or HTML.
"""

from typing import TYPE_CHECKING, Final

from optotype.data.named.catalogue import CATALOGUE
from optotype.recipes.recipe import Recipe
from optotype.reporting.facts import format_value, layers, settings
from optotype.reporting.rendering import render_template
from optotype.reporting.words import verdict_sentences

if TYPE_CHECKING:
    from optotype.judging.judgement import ClassScore, Judgement
    from optotype.metrics import Estimate
    from optotype.models.model import Model

HUB_IDS: Final = {
    "mnist": "ylecun/mnist",
    "fashion-mnist": "zalando-datasets/fashion_mnist",
    "cifar10": "uoft-cs/cifar10",
    "cifar100": "uoft-cs/cifar100",
}
"""Names on the hub of the data sets that optotype knows by name."""

_ENVIRONMENT: Final = {
    "optotype": "Version of optotype",
    "precision": "Precision",
    "isa": "Instruction set",
    "processor": "Processor",
}
_MAX_CLASSES: Final = 50
_MAX_WEAKEST: Final = 5


def render_card(judgement: "Judgement", model: "Model") -> str:
    """Return the model card: Markdown with a YAML head.

    Args:
        judgement: The judgement of the model.
        model: The judged model.
    """
    data = model.provenance.data
    hub_id = HUB_IDS.get(data.source) if data else None
    return render_template(
        "model_card.md",
        {
            "judgement": judgement,
            "model": model,
            "score": judgement.score,
            "sentences": verdict_sentences(judgement),
            "data": data,
            "catalogued": CATALOGUE.get(data.source) if data else None,
            "hub_id": hub_id,
            "judged_hub_id": hub_id if judgement.on == "test" else None,
            "max_classes": _MAX_CLASSES,
            "training": _training(model),
            "weakest": _weakest(judgement),
            "caveats": _caveats(judgement),
        },
    )


def _training(model: "Model") -> list[tuple[str, str]]:
    recipe, rows = model.recipe, layers(model)
    epoch, environment = model.provenance.epoch, model.provenance.environment
    network = ", ".join(row.description for row in rows)
    values = [
        ("Recipe", f"{recipe.name}, seed {recipe.seed}"),
        ("Source of the recipe", recipe.source),
        ("Network", f"{network}; {sum(row.parameters for row in rows):,} parameters"),
        ("Optimizer", f"{recipe.optimizer.type}, learning rate {recipe.optimizer.learning_rate:g}"),
        ("Batch size", f"{recipe.batch_size:,}"),
        (
            "Epochs",
            f"at most {recipe.epochs:,}; the weights are from epoch {'unknown' if epoch is None else epoch}",
        ),
        ("Augmentation", _augmentation(recipe)),
    ]
    values += [(name, format_value(getattr(environment, key, None))) for key, name in _ENVIRONMENT.items()]
    return [(name, value) for name, value in values if value]


def _augmentation(recipe: Recipe) -> str:
    changes = [
        f"{key.partition('.')[2]} {value}" for key, value in settings(recipe) if key.startswith("augment.")
    ]
    return ", ".join(changes) or "none"


def _weakest(judgement: "Judgement") -> "list[tuple[ClassScore, Estimate]]":
    """Return the classes with the lowest recall, and their recall."""
    recalls = [(each, each.recall) for each in judgement.score.classes if each.recall]
    return sorted(recalls, key=lambda pair: pair[1].value)[:_MAX_WEAKEST]


def _caveats(judgement: "Judgement") -> list[str]:
    caveats = [*judgement.notes]
    if judgement.opening > 1:
        caveats.append(f"The test set was opened before: this was opening {judgement.opening}.")
    return [*caveats, *(f"{diagnosis.message} {diagnosis.evidence}" for diagnosis in judgement.diagnoses)]
