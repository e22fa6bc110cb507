"""The report of a judgement: the values of its template.

Class, file and run names can contain any text: everything is escaped, and the page allows no script and no address
outside itself.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from optotype.reporting import facts, figures
from optotype.reporting.confusion import cluster_order, most_confused, most_frequent
from optotype.reporting.curves import Quantity, inline_curve
from optotype.reporting.first_layer import first_weights
from optotype.reporting.gallery import Gallery
from optotype.reporting.rendering import render_template
from optotype.reporting.words import describe_images, verdict_sentences

if TYPE_CHECKING:
    from optotype.judging.judgement import ClassScore, Judgement
    from optotype.models.model import Model
    from optotype.runs.epoch import Epoch
    from optotype.runs.run import Run

MAX_LOSSES: Final = 24
MAX_ERRORS: Final = 12
MAX_SAMPLE: Final = 40
MAX_NOVEL: Final = 12
MAX_CONFUSIONS: Final = 12
MAX_COLUMNS: Final = 30
"""Classes of the confusion matrix as a table."""
MAX_ROWS: Final = 200
"""Rows of the tables of classes, epochs and openings."""


def render_report(judgement: "Judgement", model: "Model", run: "Run | None", card: str) -> str:
    """Return the report as HTML that needs no other file.

    Args:
        judgement: The judgement to report; without its evidence there are no images.
        model: The judged model.
        run: The run that trained it; None if there is none.
        card: Text of the model card.

    Raises:
        RunError: If the files of the run are damaged.
    """
    values = {
        "judgement": judgement,
        "score": judgement.score,
        "sentences": verdict_sentences(judgement),
        "no_diagnosis": _no_diagnosis(judgement, run),
        "images": describe_images(judgement),
        "model": model,
        "card": card,
        "layers": facts.layers(model),
        "settings": facts.settings(model.recipe),
        "provenance": facts.provenance(judgement, model, run),
        "no_calibration": model.provenance.no_calibration,
        "no_novelty": model.provenance.no_novelty,
        "weights": first_weights(model),
        "max_rows": MAX_ROWS,
    }
    values |= _training(model, run) | _confusion(judgement) | _classes(judgement) | _uncertainty(judgement)
    values |= _gallery(judgement, model)
    return render_template("report.html", values)


def _no_diagnosis(judgement: "Judgement", run: "Run | None") -> str:
    """Return the sentence for a judgement without a diagnosis."""
    if judgement.on == "new":
        return "New images are scored, not diagnosed. The diagnosis is in the report of the run."
    if run is None:
        return "No diagnosis was made: it needs the run folder, and only the model was given."
    return "No problem was found."


def _training(model: "Model", run: "Run | None") -> dict[str, object]:
    epochs = run.epochs if run else ()
    best = model.provenance.epoch if model.recipe.early_stopping else None
    quantities: tuple[Quantity, ...] = ("loss", "accuracy") if epochs else ()
    return {
        "curves": [inline_curve(epochs, quantity, quantity, best) for quantity in quantities],
        "epochs": len(epochs),
        "epoch_rows": _thin_out(epochs),
    }


def _thin_out(epochs: "Sequence[Epoch]") -> "list[Epoch]":
    """Return all epochs, or MAX_ROWS of them, evenly spaced, including the first and the last."""
    if len(epochs) <= MAX_ROWS:
        return list(epochs)
    return [epochs[int(index)] for index in np.linspace(0, len(epochs) - 1, MAX_ROWS).round()]


def _confusion(judgement: "Judgement") -> dict[str, object]:
    score = judgement.score
    counts, names = score.confusion, [each.name for each in score.classes]
    order = cluster_order(counts)
    shown = [int(label) for label in order]
    if len(order) > MAX_COLUMNS:
        chosen = set(most_confused(counts, MAX_COLUMNS).tolist())
        shown = [label for label in shown if label in chosen]
    return {
        "confusion_figure": figures.confusion_matrix(counts, names, order),
        "confusion_names": names,
        "confusion_shown": shown,
        "confusions": most_frequent(counts, MAX_CONFUSIONS),
    }


def _classes(judgement: "Judgement") -> dict[str, object]:
    classes = judgement.score.classes
    ranked = sorted((each for each in classes if each.recall), key=_recall)
    weakest = ranked[: figures.MAX_RECALLS]
    return {
        "class_rows": classes if len(classes) <= MAX_ROWS else ranked[:MAX_ROWS],
        "recall_figure": figures.recalls(weakest) if weakest else "",
        "recall_shown": len(weakest),
        "without_images": [each.name for each in classes if not each.n],
    }


def _recall(each: "ClassScore") -> float:
    return each.recall.value if each.recall else 0.0


def _uncertainty(judgement: "Judgement") -> dict[str, object]:
    check, baselines = judgement.calibration, judgement.baselines
    return {
        "reliability_figure": figures.reliability(check) if check else "",
        "baseline_figure": figures.baselines(judgement.score.accuracy, "this model", baselines)
        if baselines
        else "",
        "robustness_figures": [
            (curve, figures.robustness(curve, f"robustness-{number}"))
            for number, curve in enumerate(judgement.robustness)
        ],
    }


def _gallery(judgement: "Judgement", model: "Model") -> dict[str, object]:
    if judgement.evidence is None:
        return {"losses": [], "errors": [], "sample": [], "most_novel": [], "has_images": False}
    gallery = Gallery(judgement, model)
    return {
        "losses": gallery.top_losses(MAX_LOSSES),
        "errors": gallery.most_confident_errors(MAX_ERRORS),
        "sample": gallery.random_sample(MAX_SAMPLE),
        "most_novel": gallery.most_novel(MAX_NOVEL),
        "has_images": True,
    }
