"""A judgement as people read it on a terminal: a row for each split, a fact a line, and the verdict last."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from optotype.cli.terminal import prose

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from optotype.judging.judgement import Judgement, RobustnessCurve, Score
    from optotype.metrics import Estimate

_WEAKEST: Final = 3


def print_judgement(screen: "Console", judgement: "Judgement") -> None:
    """Print a judgement."""
    screen.print(_table(judgement))
    for name, fact in _facts(judgement):
        prose(screen, f"{name:<12} {fact}")
    of = "test" if judgement.on == "test" else "new images:"
    screen.print(f"{of} {judgement}", style="bold", soft_wrap=not screen.is_terminal)


def _table(judgement: "Judgement") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("split")
    for heading in ("images", "loss", "accuracy", "95 % interval", "macro F1", "top 3"):
        table.add_column(heading, justify="right")
    for name, score in judgement.splits.items():
        if score is None:
            table.add_row(name, "0", "-", "-", "-", "-", "-")
            continue
        interval = f"[{score.accuracy.low:.4f}, {score.accuracy.high:.4f}]"
        numbers = (score.log_loss, score.accuracy, score.f1, score.top3)
        loss, accuracy, f1, top3 = ("-" if each is None else f"{each.value:.4f}" for each in numbers)
        table.add_row(name, f"{score.n:,}", loss, accuracy, interval, f1, top3)
    return table


def _facts(judgement: "Judgement") -> Iterator[tuple[str, str]]:
    if weakest := _weakest(judgement.score):
        yield "weakest", weakest
    yield from _trust(judgement)
    for baseline in judgement.baselines:
        asked = f", asked about {baseline.n:,}" if baseline.n < judgement.score.n else ""
        yield (
            "baseline",
            f"{baseline.name}: {baseline.accuracy} (trained on {baseline.trained_on:,} images{asked})",
        )
    for curve in judgement.robustness:
        yield "robustness", _curve(curve)
    for diagnosis in judgement.diagnoses:
        yield "diagnosis", f"{diagnosis.message} {diagnosis.advice}"
    for note in judgement.notes:
        yield "note", note


def _weakest(score: "Score") -> str:
    """Name the classes that were recognized worst."""
    known = [(each.recall.value, each.name, each.recall) for each in score.classes if each.recall is not None]
    worst = sorted(known, key=lambda each: each[0])[:_WEAKEST]
    return "; ".join(f"{name}: recall {recall}" for _, name, recall in worst)


def _trust(judgement: "Judgement") -> Iterator[tuple[str, str]]:
    """Say what the model's own doubts are worth."""
    if (check := judgement.calibration) is not None:
        before, after = check.before.ece, check.after.ece
        yield (
            "calibration",
            f"expected error {before}; with temperature {check.temperature:.3f}: {after}",
        )
    if (sets := judgement.label_sets) is not None:
        held = f"they hold the class of {_range(sets.coverage)}, asked for {_percent(sets.target_coverage)}"
        yield "label sets", f"{held}; {sets.mean_size:.2f} classes on average, at most {sets.max_size}"
    if (novelty := judgement.novelty) is not None:
        known = f"of the validation images it was {_percent(novelty.target_rate)}"
        yield "unfamiliar", f"{_range(novelty.rate)} of the images; {known}"


def _curve(curve: "RobustnessCurve") -> str:
    steps = zip(curve.levels, curve.accuracy, strict=True)
    shares = ", ".join(f"{share.value:.3f} at {level:g}" for level, share in steps)
    return f"{curve.change} ({curve.unit}): {shares}; n = {curve.n:,}"


def _range(share: "Estimate") -> str:
    return f"{_percent(share.value)} [{100 * share.low:.1f}, {100 * share.high:.1f}]"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
