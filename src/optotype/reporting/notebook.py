"""How runs and judgements are displayed in a notebook."""

import re
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from pydantic import JsonValue

from optotype.errors import OptotypeError
from optotype.metrics import Estimate
from optotype.reporting.curves import inline_curve
from optotype.reporting.words import verdict_sentences

if TYPE_CHECKING:
    from optotype.judging.judgement import Judgement
    from optotype.runs.run import Run


def display_judgement(judgement: "Judgement") -> str:
    """Return a judgement as HTML: the verdict, and accuracy and macro F1 of each split.

    Args:
        judgement: Any judgement, with its evidence or without.
    """
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in verdict_sentences(judgement))
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{score.n:,}</td><td>{score.accuracy}</td><td>{score.f1}</td></tr>"
        for name, score in judgement.splits.items()
        if score is not None
    )
    head = "".join(f"<th>{heading}</th>" for heading in ("split", "images", "accuracy", "macro F1"))
    title = f"<p><strong>{escape(judgement.target)} on {escape(judgement.data)}</strong></p>"
    return f"{title}<ul>{sentences}</ul><table><tr>{head}</tr>{rows}</table>"


def display_run(run: "Run") -> str:
    """Return a run as HTML: its recipe, data, status, accuracies, and the accuracy over the epochs.

    Args:
        run: A run in any state. If its files are damaged, the HTML contains the error message.
    """
    title = f"<p><strong>{escape(repr(run))}</strong></p>"
    try:
        rows = _run_rows(run)
        curve = inline_curve(run.epochs, "accuracy", _identifier(run.name)) if run.epochs else ""
    except OptotypeError as error:
        return f"{title}<p>{escape(str(error))}</p>"
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"{title}<table>{cells}</table>{curve}"


def _run_rows(run: "Run") -> list[tuple[str, str]]:
    recipe, epochs = run.recipe, run.epochs
    added = f", including {run.data.added:,} additional from {run.data.options.add}" if run.data.added else ""
    rows = [
        ("recipe", f"{recipe.name}, seed {recipe.seed}"),
        ("data", f"{run.data.name}, {run.data.images:,} training images{added}"),
        ("status", f"{run.status}{f' ({run.reason})' if run.reason else ''}"),
        ("epochs", f"{len(epochs):,} of {recipe.epochs:,}, {sum(epoch.seconds for epoch in epochs):.1f} s"),
    ]
    if epochs:
        rows.append(("training accuracy", f"{epochs[-1].accuracy:.4f}, measured during the last epoch"))
        if epochs[-1].val_accuracy is not None:
            rows.append(("validation accuracy", f"{epochs[-1].val_accuracy:.4f}, after the last epoch"))
    rows.append(("test accuracy", _test_accuracy(run.judgement)))
    return rows


def _test_accuracy(judgement: Mapping[str, JsonValue] | None) -> str:
    match judgement:
        case None:
            return "not judged yet"
        case {
            "splits": {"test": {"accuracy": {"value": float(value), "low": float(low), "high": float(high)}}}
        }:
            return str(Estimate(value, low, high))
    return "see judgement.json"


def _identifier(name: str) -> str:
    return f"run-{re.sub(r'[^A-Za-z0-9]', '-', name)}"
