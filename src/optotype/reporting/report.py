"""The report's page: what its template needs to know.

All that is shown is anybody's text: it is escaped, and the page allows itself no script and no address but its own.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from optotype.judging.judgement import ClassScore, Judgement
from optotype.models.model import Model
from optotype.reporting import facts, figures
from optotype.reporting.confusion import most_confused, most_frequent, neighbours
from optotype.reporting.curves import Quantity, inline_curve
from optotype.reporting.first_layer import MOST as MOST_WEIGHTS
from optotype.reporting.first_layer import first_weights
from optotype.reporting.gallery import Gallery
from optotype.reporting.words import images, percent, points, spread, verdict
from optotype.runs.epoch import Epoch
from optotype.runs.run import Run

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_LOSSES: Final = 24
MOST_MISTAKES: Final = 12
MOST_SAMPLED: Final = 40
MOST_STRANGE: Final = 12
MOST_CONFUSIONS: Final = 12
MOST_COLUMNS: Final = 30
"""Classes of a confusion matrix that is a table."""
MOST_ROWS: Final = 200
"""Rows of the tables of classes, epochs and openings."""


def render_page(judgement: Judgement, model: Model, run: Run | None, card: str) -> str:
    """Write the page.

    Args:
        judgement: What it reports; without its evidence there are no images.
        model: What was judged.
        run: The run that trained it; None where there is none.
        card: The text of the model card.

    Returns:
        HTML that needs no other file.

    Raises:
        RunError: The run's files are damaged.
    """
    told = {
        "judgement": judgement,
        "score": judgement.score,
        "verdict": verdict(judgement),
        "undiagnosed": _undiagnosed(judgement, run),
        "images": images(judgement),
        "model": model,
        "card": card,
        "layers": facts.layers(model),
        "settings": facts.settings(model.recipe),
        "provenance": facts.provenance(judgement, model, run),
        "no_calibration": model.provenance.no_calibration,
        "no_familiarity": model.provenance.no_novelty,
        "weights": first_weights(model),
        "most_weights": MOST_WEIGHTS,
        "most_rows": MOST_ROWS,
    }
    told |= _training(model, run) | _confusion(judgement) | _classes(judgement) | _trust(judgement)
    told |= _gallery(judgement, model)
    return _environment().get_template("report.html").render(told)


def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - loaded only to write a page

    made = Environment(
        loader=PackageLoader("optotype.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"percent": percent, "points": points, "spread": spread}
    return made


def _undiagnosed(judgement: Judgement, run: Run | None) -> str:
    """Say what it means that there is no diagnosis."""
    if judgement.on == "new":
        return "New images are scored, not diagnosed: the report of the run itself has a diagnosis."
    if run is None:
        return "Nothing was diagnosed: for that it takes the run folder, and only the model was given."
    return "Nothing was found to be wrong."


def _training(model: Model, run: Run | None) -> dict[str, object]:
    epochs = run.epochs if run else ()
    best = model.provenance.epoch if model.recipe.early_stopping else None
    quantities: tuple[Quantity, ...] = ("loss", "accuracy") if epochs else ()
    return {
        "curves": [inline_curve(epochs, each, each, best) for each in quantities],
        "epochs": len(epochs),
        "epoch_rows": _thinned(epochs),
    }


def _thinned(epochs: Sequence[Epoch]) -> list[Epoch]:
    """Choose rows for a table: all epochs, or as many as fit, evenly, with the first and the last."""
    if len(epochs) <= MOST_ROWS:
        return list(epochs)
    return [epochs[int(place)] for place in np.linspace(0, len(epochs) - 1, MOST_ROWS).round()]


def _confusion(judgement: Judgement) -> dict[str, object]:
    score = judgement.score
    counts, names = score.confusion, [each.name for each in score.classes]
    order = neighbours(counts)
    shown = [int(place) for place in order]
    if len(order) > MOST_COLUMNS:
        chosen = set(most_confused(counts, MOST_COLUMNS).tolist())
        shown = [place for place in shown if place in chosen]
    return {
        "confusion_figure": figures.confusion_matrix(counts, names, order),
        "confusion_names": names,
        "confusion_shown": shown,
        "confusions": most_frequent(counts, MOST_CONFUSIONS),
    }


def _classes(judgement: Judgement) -> dict[str, object]:
    classes = judgement.score.classes
    held = [each for each in classes if each.recall]
    weakest = sorted(held, key=_recall)[: figures.MOST_RECALLS]
    rows = classes if len(classes) <= MOST_ROWS else sorted(held, key=_recall)[:MOST_ROWS]
    return {
        "class_rows": rows,
        "recall_figure": figures.recalls(weakest) if weakest else "",
        "recall_shown": len(weakest),
        "without_images": [each.name for each in classes if not each.n],
    }


def _recall(each: ClassScore) -> float:
    return each.recall.value if each.recall else 0.0


def _trust(judgement: Judgement) -> dict[str, object]:
    check, others = judgement.calibration, judgement.baselines
    return {
        "reliability_figure": figures.reliability(check) if check else "",
        "baseline_figure": figures.baselines(judgement.score.accuracy, "this model", others)
        if others
        else "",
        "robustness_figures": [
            (curve, figures.robustness(curve, f"robustness-{place}"))
            for place, curve in enumerate(judgement.robustness)
        ],
    }


def _gallery(judgement: Judgement, model: Model) -> dict[str, object]:
    if judgement.evidence is None:
        return {"losses": [], "mistakes": [], "sampled": [], "strangest": [], "has_images": False}
    gallery = Gallery(judgement, model)
    return {
        "losses": gallery.top_losses(MOST_LOSSES),
        "mistakes": gallery.surest_mistakes(MOST_MISTAKES),
        "sampled": gallery.sample(MOST_SAMPLED),
        "strangest": gallery.strangest(MOST_STRANGE),
        "has_images": True,
    }
