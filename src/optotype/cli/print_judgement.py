"""Print a judgement: one row per split, one fact per line, and the verdict at the end."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from optotype.cli.terminal import new_table, print_fact, print_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from optotype.judging.judgement import Judgement, RobustnessCurve, Score
    from optotype.metrics import Estimate

_WEAKEST_CLASSES: Final = 3


def print_judgement(console: "Console", judgement: "Judgement") -> None:
    """Print a judgement."""
    console.print(_table(judgement))
    for name, fact in _facts(judgement):
        print_fact(console, name, fact)
    images = "test" if judgement.on == "test" else "new images:"
    print_text(console, f"{images} {judgement}", bold=True)


def _table(judgement: "Judgement") -> "Table":
    table = new_table()
    table.add_column("split")
    for heading in ("images", "loss", "accuracy", "95 % interval", "macro F1", "top 3"):
        table.add_column(heading, justify="right")
    for name, score in judgement.splits.items():
        if score is None:
            table.add_row(name, "0", "-", "-", "-", "-", "-")
            continue
        interval = f"[{score.accuracy.low:.4f}, {score.accuracy.high:.4f}]"
        estimates = (score.log_loss, score.accuracy, score.f1, score.top3)
        loss, accuracy, f1, top3 = (
            "-" if estimate is None else f"{estimate.value:.4f}" for estimate in estimates
        )
        table.add_row(name, f"{score.n:,}", loss, accuracy, interval, f1, top3)
    return table


def _facts(judgement: "Judgement") -> Iterator[tuple[str, str]]:
    if weakest := _weakest_classes(judgement.score):
        yield "weakest", weakest
    yield from _uncertainty(judgement)
    for baseline in judgement.baselines:
        evaluated = f", evaluated on {baseline.n:,}" if baseline.n < judgement.score.n else ""
        training = f"trained on {baseline.trained_on:,} images{evaluated}"
        yield "baseline", f"{baseline.name}: {baseline.accuracy} ({training})"
    for curve in judgement.robustness:
        yield "robustness", _format_curve(curve)
    for diagnosis in judgement.diagnoses:
        yield "diagnosis", f"{diagnosis.message} {diagnosis.advice}"
    for note in judgement.notes:
        yield "note", note


def _weakest_classes(score: "Score") -> str:
    """List the classes with the lowest recall."""
    recalls = [(row.name, row.recall) for row in score.classes if row.recall is not None]
    lowest = sorted(recalls, key=lambda row: row[1].value)[:_WEAKEST_CLASSES]
    return "; ".join(f"{name}: recall {recall}" for name, recall in lowest)


def _uncertainty(judgement: "Judgement") -> Iterator[tuple[str, str]]:
    """Describe how reliable the model's uncertainty is: calibration, label sets and novelty."""
    if (check := judgement.calibration) is not None:
        before, after = check.before.ece, check.after.ece
        yield "calibration", f"error (ECE) {after}, {before} before; temperature {check.temperature:.3f}"
    if (sets := judgement.label_sets) is not None:
        share, interval = _format_share(sets.coverage)
        target = f"target {100 * sets.target_coverage:.3g} %"
        coverage = f"contain the true class for {share} of images {interval} ({target})"
        yield "label sets", f"{coverage}; {sets.mean_size:.2f} classes on average, at most {sets.max_size}"
    if (novelty := judgement.novelty) is not None:
        share, interval = _format_share(novelty.rate)
        target = f"{100 * novelty.target_rate:.1f} % of the validation images"
        yield "novelty", f"{share} {interval} of the images are flagged as novel; {target}"


def _format_curve(curve: "RobustnessCurve") -> str:
    points = zip(curve.levels, curve.accuracy, strict=True)
    accuracies = ", ".join(f"{accuracy.value:.3f} at {level:g}" for level, accuracy in points)
    return f"{curve.change} ({curve.unit}): {accuracies}; n = {curve.n:,}"


def _format_share(share: "Estimate") -> tuple[str, str]:
    """Return a share and its interval in percent."""
    return f"{100 * share.value:.1f} %", f"[{100 * share.low:.1f}, {100 * share.high:.1f}]"
