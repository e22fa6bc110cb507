"""The model card: a text file that says what a model is, in Markdown below the YAML that model hubs read.

Its head has the fields of Hugging Face's model cards. Strings in it are written as JSON, which is YAML too; texts from
outside are kept from becoming Markdown or HTML.
"""

import json
import re
from typing import Final

from optotype.data.named.catalogue import CATALOGUE
from optotype.judging.judgement import Judgement
from optotype.metrics import Estimate
from optotype.models.model import Model
from optotype.recipes.recipe import Recipe
from optotype.reporting.facts import layers, settings, trained_on
from optotype.reporting.words import percent, spread, verdict
from optotype.runs.run import MODEL_FILE

HUB_IDS: Final = {
    "mnist": "ylecun/mnist",
    "fashion-mnist": "zalando-datasets/fashion_mnist",
    "cifar10": "uoft-cs/cifar10",
    "cifar100": "uoft-cs/cifar100",
}
"""What data sets known by name are called on the hub."""

_MARKUP: Final = re.compile(r"([\\`*_\[\]<>#|~&$]|^[-+]|(?<=^\d)[.)])")
_ENVIRONMENT: Final = {
    "optotype": "Version of optotype",
    "precision": "Precision",
    "isa": "Instruction set",
    "processor": "Processor",
}
_MOST_CLASSES: Final = 50
_WEAKEST: Final = 5


def render_card(judgement: Judgement, model: Model) -> str:
    """Write the model card.

    Args:
        judgement: What is said of the model.
        model: What was judged.

    Returns:
        Markdown with a YAML head.
    """
    parts = [
        _about(judgement, model),
        _use(model),
        _data(model),
        _training(model),
        _evaluation(judgement),
        _doubt(judgement),
        _caveats(judgement),
        _code(),
    ]
    return "\n".join([*_head(judgement, model), "", "\n\n".join("\n".join(part) for part in parts), ""])


def _head(judgement: Judgement, model: Model) -> list[str]:
    data = trained_on(model)
    trained = HUB_IDS.get(data.source) if data else None
    judged = trained if judgement.on == "test" else None
    score = judgement.score
    lines = [
        "---",
        "# Under which licence the model may be used is for whoever publishes it to say.",
        "license: unknown",
        "library_name: optotype",
        "pipeline_tag: image-classification",
        "tags:",
        "- image-classification",
        "- optotype",
        *(["datasets:", f"- {trained}"] if trained else []),
        "metrics:",
        "- accuracy",
        "- f1",
        "model-index:",
        f"- name: {_quoted(judgement.target)}",
        "  results:",
        "  - task:",
        "      type: image-classification",
        "      name: Image Classification",
        "    dataset:",
        f"      type: {_quoted(judged or judgement.data)}",
        f"      name: {_quoted(judgement.data)}",
        *(["      split: test"] if judgement.on == "test" else []),
        "    metrics:",
    ]
    for kind, words, found in (("accuracy", "Accuracy", score.accuracy), ("f1", "Macro F1", score.f1)):
        name = f"{words} (95 % interval {found.low:.4f} to {found.high:.4f})"
        lines += [f"    - type: {kind}", f"      value: {found.value:.4f}", f"      name: {_quoted(name)}"]
    return [*lines, "---"]


def _about(judgement: Judgement, model: Model) -> list[str]:
    height, width, channels = model.input_shape
    names = [_text(name) for name in model.class_names[:_MOST_CLASSES]]
    left = len(model.class_names) - len(names)
    about = (
        f"A classifier of {'grey' if channels == 1 else 'colour'} images of {height} x {width} pixels, trained and"
        f" judged by optotype. Its {len(model.class_names)} classes: {', '.join(names)}"
        f"{f', and {left} more' if left else ''}."
    )
    return [
        f"# {_text(judgement.target)}",
        "",
        about,
        "",
        *(f"- {_text(said)}" for said in verdict(judgement)),
    ]


def _use(model: Model) -> list[str]:
    limits = (
        f"It answers every image with one of its {len(model.class_names)} classes. The numbers below hold for images"
        " like those that it was judged on; for images that were made in another way they need not: judge it on"
        " labelled ones first (`optotype judge TARGET --data SOURCE`). Whether its errors fall on some groups of people"
        " more than on others was not examined."
    )
    return ["## Intended use and limits", "", limits]


def _data(model: Model) -> list[str]:
    lines = ["## Training data", ""]
    data = trained_on(model)
    if data is None:
        return [*lines, "The model does not say what it was trained on."]
    named = CATALOGUE.get(data.source)
    added = f" and {data.added:,} that were added to train only" if data.added else ""
    return [
        *lines,
        f"{_text(data.name)}: {data.images:,} images, those for validation included{added} ({data.fingerprint}).",
        "",
        f"- Licence: {_text(named.licence) if named else 'not stated'}",
        f"- Citation: {_text(named.citation) if named else 'not stated'}",
    ]


def _training(model: Model) -> list[str]:
    recipe, rows, epoch = model.recipe, layers(model), model.provenance.epoch
    environment = {} if model.provenance.environment is None else model.provenance.environment.model_dump()
    network = ", ".join(row.words for row in rows)
    said = {
        "Recipe": f"{recipe.name}, seed {recipe.seed}",
        "Its source": recipe.source,
        "Network": f"{network}; {sum(row.parameters for row in rows):,} parameters",
        "Optimizer": f"{recipe.optimizer.type}, learning rate {recipe.optimizer.learning_rate:g}",
        "Batch size": f"{recipe.batch_size:,}",
        "Epochs": f"at most {recipe.epochs:,}; the weights are of epoch {'unknown' if epoch is None else epoch}",
        "Augmentation": _augmentation(recipe),
    }
    said |= {
        words: str(environment[key])
        for key, words in _ENVIRONMENT.items()
        if environment.get(key) is not None
    }
    return ["## Training", "", *(f"- {what}: {_text(text)}" for what, text in said.items() if text)]


def _augmentation(recipe: Recipe) -> str:
    changes = [
        f"{key.partition('.')[2]} {value}" for key, value in settings(recipe) if key.startswith("augment.")
    ]
    return ", ".join(changes) or "none"


def _evaluation(judgement: Judgement) -> list[str]:
    lines = ["## Evaluation", "", "With 95 % intervals.", ""]
    lines += ["| split | images | accuracy | macro F1 | log loss |", "|---|--:|--:|--:|--:|"]
    for name, score in judgement.splits.items():
        if score is not None:
            told = " | ".join(_cell(each) for each in (score.accuracy, score.f1, score.log_loss))
            lines.append(f"| {name} | {score.n:,} | {told} |")
    if judgement.baselines:
        lines += ["", "| simple classifier | test images | accuracy |", "|---|--:|--:|"]
        lines += [
            f"| {_text(each.name)} | {each.n:,} | {_cell(each.accuracy)} |" for each in judgement.baselines
        ]
    held = [(each, each.recall) for each in judgement.score.classes if each.recall]
    lines += ["", "Classes that are recognised least often (recall):", ""]
    lines += [
        f"- {_text(each.name)}: {percent(recall.value)} of {each.n:,} ({spread(recall)})"
        for each, recall in sorted(held, key=lambda pair: pair[1].value)[:_WEAKEST]
    ]
    return lines


def _doubt(judgement: Judgement) -> list[str]:
    said = []
    if (check := judgement.calibration) is not None:
        said.append(
            f"- Probabilities are calibrated with a temperature of {check.temperature:.3f}, fitted on"
            f" {check.n:,} validation images; expected calibration error {check.before.ece} before, {check.after.ece}"
            " after."
        )
    if (sets := judgement.label_sets) is not None:
        said.append(
            f"- Label sets that were to hold the right class for {percent(sets.target_coverage)} of images held it for"
            f" {percent(sets.coverage.value)} ({spread(sets.coverage)}), with {sets.mean_size:.2f} classes on average."
        )
    if (unlike := judgement.novelty) is not None:
        said.append(
            "- Images unlike the training images are told apart by a threshold that rejects"
            f" {percent(unlike.target_rate)} of validation images;"
            f" it rejected {percent(unlike.rate.value)} of the judged ones."
        )
    return [
        "## What it says when it does not know",
        "",
        *(said or ["This was not checked."]),
    ]


def _caveats(judgement: Judgement) -> list[str]:
    said = [*judgement.notes]
    if judgement.opening > 1:
        said.append(f"The test set was looked at before: this was opening {judgement.opening}.")
    said += [f"{each.message} {each.evidence}" for each in judgement.diagnoses]
    return ["## Caveats", "", *(f"- {_text(each)}" for each in said or ["None was found."])]


def _code() -> list[str]:
    return [
        "## How to use",
        "",
        "```python",
        "import optotype as ot",
        f'model = ot.Model.load("{MODEL_FILE}")',
        'print(model.predict("picture.png"))',
        "```",
    ]


def _cell(found: Estimate) -> str:
    return f"{found.value:.4f} ({found.low:.4f} to {found.high:.4f})"


def _text(text: str) -> str:
    """Keep a text from being read as Markdown or HTML; it becomes one line."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _quoted(text: str) -> str:
    """Write a string for YAML; what YAML does not allow as it is becomes a replacement character."""
    kept = "".join(
        each if each == " " or each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text
    )
    return json.dumps(kept, ensure_ascii=False)
