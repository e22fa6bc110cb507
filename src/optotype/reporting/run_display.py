"""How a run shows itself in a notebook: what it is, how it went, and its accuracy over the epochs."""

import re
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from pydantic import JsonValue

from optotype.errors import OptotypeError
from optotype.metrics import Estimate
from optotype.reporting.curves import inline_curve

if TYPE_CHECKING:
    from optotype.runs.run import Run


def display(run: "Run") -> str:
    """Give a run as HTML; whatever is wrong with its files is said in it.

    Args:
        run: In whatever state.
    """
    title = f"<p><strong>{escape(repr(run))}</strong></p>"
    try:
        rows = _rows(run)
        curve = inline_curve(run.epochs, "accuracy", _identifier(run.name)) if run.epochs else ""
    except OptotypeError as error:
        return f"{title}<p>{escape(str(error))}</p>"
    cells = "".join(f"<tr><th>{escape(what)}</th><td>{escape(said)}</td></tr>" for what, said in rows)
    return f"{title}<table>{cells}</table>{curve}"


def _rows(run: "Run") -> list[tuple[str, str]]:
    recipe, epochs = run.recipe, run.epochs
    added = f", {run.data.added:,} of them added from {run.data.options.add}" if run.data.added else ""
    rows = [
        ("recipe", f"{recipe.name}, seed {recipe.seed}"),
        ("data", f"{run.data.name}, {run.data.images:,} training images{added}"),
        ("status", f"{run.status}{f' ({run.reason})' if run.reason else ''}"),
        ("epochs", f"{len(epochs):,} of {recipe.epochs:,}, {sum(epoch.seconds for epoch in epochs):.1f} s"),
    ]
    if epochs:
        rows.append(("training accuracy", f"{epochs[-1].accuracy:.4f}, while learning"))
        if epochs[-1].val_accuracy is not None:
            rows.append(("validation accuracy", f"{epochs[-1].val_accuracy:.4f}, after the last epoch"))
    rows.append(("test accuracy", _tested(run.judgement)))
    return rows


def _tested(kept: Mapping[str, JsonValue] | None) -> str:
    match kept:
        case None:
            return "not judged yet"
        case {
            "splits": {"test": {"accuracy": {"value": float(value), "low": float(low), "high": float(high)}}}
        }:
            return str(Estimate(value, low, high))
    return "see judgement.json"


def _identifier(name: str) -> str:
    return f"run-{re.sub(r'[^A-Za-z0-9]', '-', name)}"
