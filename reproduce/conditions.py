"""results/diagnoses.json: what was said of runs in which a condition was planted; and its tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from reproduce.machine import Machine
from reproduce.results import Frozen

FILE: Final = "diagnoses.json"
_CLEARLY: Final = 0.01

EXPECTED: Final = {
    "noise 10 %": "label_noise",
    "noise 20 %": "label_noise",
    "rare class": "imbalance",
    "few training images": "overfitting",
    "leak": "leak",
    "few test images": "too_few_images",
    "deep sigmoid": "vanishing_gradients",
}
"""What a planted condition should be found as; rates are counted by what other rates come to."""


class Trial(Frozen):
    """One training.

    Attributes:
        condition: What was planted; "rate" where only the learning rate is another, "healthy" where nothing.
        data: Of which set.
        net: Name of the built-in recipe.
        factor: What its learning rate is multiplied by.
        train: Accuracy on training images, as are the next two; None where the training diverged.
        validation: On validation; None where there is none.
        test: On the test images.
        first: On training images in the first epoch, while the weights moved.
        kinds: Of the diagnoses; "diverged" where there is nothing to judge.
        evidence: Theirs.
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
    """All of them, and what made them."""

    machine: Machine
    versions: dict[str, str]
    trials: tuple[Trial, ...]


def diagnoses_section(folder: Path) -> list[str]:
    """Write what RESULTS.md says of diagnoses; a line that says how to get them where there are none yet."""
    file = folder / FILE
    if not file.exists():
        return ["None yet: `.venv/bin/python -m reproduce.diagnoses`."]
    trials = Trials.model_validate_json(file.read_text(encoding="utf-8")).trials
    return [_MEANING, _rates(trials), _planted(trials), _healthy(trials), _sigmoid(trials)]


_MEANING: Final = """Diagnoses of runs in which something is wrong and known, on 10,000 images of MNIST and
Fashion-MNIST; by `.venv/bin/python -m reproduce.diagnoses`. A learning rate counts as too low where ten times as much,
and as too high where a tenth of it, gives at least one point more on validation."""


def worse_than(trials: Sequence[Trial], trial: Trial, factor: float) -> bool | None:
    """Say whether the same training at another rate is clearly better; None where there is no such training."""
    wanted = trial.factor * factor
    for other in trials:
        if (other.condition, other.data, other.net) == ("rate", trial.data, trial.net) and (
            abs(other.factor / wanted - 1) < 1e-6
        ):
            return (other.validation or 0.0) - (trial.validation or 0.0) >= _CLEARLY
    return None


def _rates(trials: Sequence[Trial]) -> str:
    rows = ["| condition | runs | found | found where it is not so |", "|---|---|---|---|"]
    rated = [each for each in trials if each.condition == "rate" and each.train is not None]
    for kind, factor in (("learning_rate_too_low", 10.0), ("learning_rate_too_high", 0.1)):
        true = [each for each in rated if worse_than(trials, each, factor)]
        false = [each for each in rated if worse_than(trials, each, factor) is False]
        rows.append(
            f"| {_words(kind)} | {len(true)} | {_with(true, kind)} | {_with(false, kind)} of {len(false)} |"
        )
    return "\n".join(rows)


def _planted(trials: Sequence[Trial]) -> str:
    rows = ["| planted | found as | runs | found | what else was said |", "|---|---|---|---|---|"]
    for condition, kind in EXPECTED.items():
        some = [each for each in trials if each.condition == condition]
        rows.append(
            f"| {condition} | {_words(kind)} | {len(some)} | {_with(some, kind)} | {_others(some, kind)} |"
        )
    return "\n".join(rows)


def _healthy(trials: Sequence[Trial]) -> str:
    head = [
        "Built-in recipes on the whole sets, in which nothing was planted:",
        "",
        "| set | recipe | training | test | said |",
        "|---|---|---|---|---|",
    ]
    rows = [
        f"| {each.data} | {each.net} | {each.train:.4f} | {each.test:.4f} |"
        f" {', '.join(map(_words, each.kinds)) or 'nothing'} |"
        for each in trials
        if each.condition == "healthy"
    ]
    return "\n".join([*head, *rows])


def _sigmoid(trials: Sequence[Trial]) -> str:
    some = [each for each in trials if each.condition.startswith("deep sigmoid") and each.data == "mnist"]
    rows = [f"| {each.condition} | {each.first:.4f} | {each.test:.4f} |" for each in some]
    return "\n".join(
        [
            "The lesson's deep net of sigmoids on MNIST, and what its diagnosis advises, three epochs each:",
            "",
            "| net | accuracy in the first epoch | on test images |",
            "|---|---|---|",
            *rows,
        ]
    )


def _with(trials: Sequence[Trial], kind: str) -> int:
    return sum(kind in each.kinds for each in trials)


def _others(trials: Sequence[Trial], kind: str) -> str:
    kinds = [other for each in trials for other in each.kinds if other != kind]
    return ", ".join(f"{_words(other)} {kinds.count(other)}" for other in dict.fromkeys(kinds)) or "nothing"


def _words(kind: str) -> str:
    return kind.replace("_", " ")
