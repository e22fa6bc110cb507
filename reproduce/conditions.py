"""results/diagnoses.json: the diagnoses of runs with a planted fault; and its tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from reproduce.machine import Machine
from reproduce.results import Frozen

FILE: Final = "diagnoses.json"
_MIN_GAIN: Final = 0.01

EXPECTED: Final = {
    "noise 10 %": "label_noise",
    "noise 20 %": "label_noise",
    "rare class": "imbalance",
    "few training images": "overfitting",
    "leak": "leak",
    "few test images": "too_few_images",
    "deep sigmoid": "vanishing_gradients",
}
"""The expected diagnosis of each planted fault. Learning rates are scored by the results of other rates."""


class Trial(Frozen):
    """One training with its diagnoses.

    Attributes:
        condition: The planted fault; "rate" if only the learning rate differs, "healthy" if nothing does.
        data: Name of the data set.
        net: Name of the built-in recipe.
        factor: Factor of its learning rate.
        train: Accuracy on training images; None, like the next two, if the training diverged.
        validation: Accuracy on validation images; None if there are none.
        test: Accuracy on test images.
        first: Accuracy on training images during the first epoch.
        kinds: The kinds of the diagnoses; "diverged" if there is no run to judge.
        evidence: The evidence of each diagnosis.
    """

    condition: str
    data: str
    net: str
    factor: float
    train: float | None
    validation: float | None
    test: float | None
    first: float | None = None
    kinds: tuple[str, ...]
    evidence: tuple[str, ...] = ()


class Trials(Frozen):
    """All trials, with the machine and versions that ran them."""

    machine: Machine
    versions: dict[str, str]
    trials: tuple[Trial, ...]


def diagnoses_section(folder: Path) -> list[str]:
    """Render the section of RESULTS.md on diagnoses; without results, one line with the command that computes them."""
    file = folder / FILE
    if not file.exists():
        return ["None yet: `.venv/bin/python -m reproduce.diagnoses`."]
    trials = Trials.model_validate_json(file.read_text(encoding="utf-8")).trials
    return [
        _INTRODUCTION,
        _rate_table(trials),
        _fault_table(trials),
        _healthy_table(trials),
        _sigmoid_table(trials),
    ]


_INTRODUCTION: Final = """Diagnoses of runs with a known fault, on 10,000 images of MNIST and Fashion-MNIST. Command:
`.venv/bin/python -m reproduce.diagnoses`. A learning rate counts as too low if ten times the rate gives at least one
point more on validation, and as too high if a tenth of it does."""


def is_worse_than(trials: Sequence[Trial], trial: Trial, factor: float) -> bool | None:
    """Return whether the same training at a factor of the rate is clearly better; None if there is no such training."""
    target_factor = trial.factor * factor
    for candidate in trials:
        if (candidate.condition, candidate.data, candidate.net) == ("rate", trial.data, trial.net) and (
            abs(candidate.factor / target_factor - 1) < 1e-6
        ):
            return (candidate.validation or 0.0) - (trial.validation or 0.0) >= _MIN_GAIN
    return None


def _rate_table(trials: Sequence[Trial]) -> str:
    rows = ["| fault | runs | found | false alarms |", "|---|---|---|---|"]
    rate_trials = [trial for trial in trials if trial.condition == "rate" and trial.train is not None]
    for kind, factor in (("learning_rate_too_low", 10.0), ("learning_rate_too_high", 0.1)):
        faulty = [trial for trial in rate_trials if is_worse_than(trials, trial, factor)]
        healthy = [trial for trial in rate_trials if is_worse_than(trials, trial, factor) is False]
        rows.append(
            f"| {_format_kind(kind)} | {len(faulty)} | {_count_kind(faulty, kind)} |"
            f" {_count_kind(healthy, kind)} of {len(healthy)} |"
        )
    return "\n".join(rows)


def _fault_table(trials: Sequence[Trial]) -> str:
    rows = ["| planted fault | diagnosis | runs | found | other diagnoses |", "|---|---|---|---|---|"]
    for condition, kind in EXPECTED.items():
        matching = [trial for trial in trials if trial.condition == condition]
        rows.append(
            f"| {condition} | {_format_kind(kind)} | {len(matching)} | {_count_kind(matching, kind)} |"
            f" {_other_kinds(matching, kind)} |"
        )
    return "\n".join(rows)


def _healthy_table(trials: Sequence[Trial]) -> str:
    head = [
        "Built-in recipes on the whole data sets, without a planted fault:",
        "",
        "| data set | recipe | training accuracy | test accuracy | diagnoses |",
        "|---|---|---|---|---|",
    ]
    rows = [
        f"| {trial.data} | {trial.net} | {trial.train:.4f} | {trial.test:.4f} |"
        f" {', '.join(map(_format_kind, trial.kinds)) or 'none'} |"
        for trial in trials
        if trial.condition == "healthy"
    ]
    return "\n".join([*head, *rows])


def _sigmoid_table(trials: Sequence[Trial]) -> str:
    matching = [
        trial for trial in trials if trial.condition.startswith("deep sigmoid") and trial.data == "mnist"
    ]
    rows = [f"| {trial.condition} | {trial.first:.4f} | {trial.test:.4f} |" for trial in matching]
    return "\n".join(
        [
            "The lesson's deep sigmoid network on MNIST, and the changes that its diagnosis advises, 3 epochs each:",
            "",
            "| network | accuracy in the first epoch | test accuracy |",
            "|---|---|---|",
            *rows,
        ]
    )


def _count_kind(trials: Sequence[Trial], kind: str) -> int:
    return sum(kind in trial.kinds for trial in trials)


def _other_kinds(trials: Sequence[Trial], kind: str) -> str:
    kinds = [other_kind for trial in trials for other_kind in trial.kinds if other_kind != kind]
    return (
        ", ".join(
            f"{_format_kind(other_kind)} {kinds.count(other_kind)}" for other_kind in dict.fromkeys(kinds)
        )
        or "none"
    )


def _format_kind(kind: str) -> str:
    return kind.replace("_", " ")
