"""Does it learn, and is the learning rate to blame if not? Told by experiments: short trainings at other rates."""

from itertools import pairwise, takewhile
from typing import Final

from optotype.diagnosis.advice import edit_recipe, examine_data, train_again
from optotype.diagnosis.case import Case
from optotype.diagnosis.probes import (
    end_of,
    images_of_a_trial,
    loss_after,
    loss_of,
    reach,
    spread,
    start_of,
    steps_of_a_trial,
)
from optotype.judging.judgement import Diagnosis

_CLEARLY: Final = 0.95
_FAR: Final = 0.9
_RISE: Final = 1.1
_LEFT: Final = 0.02
_REACH: Final = 0.03
_FEWEST: Final = 30  # steps of a trial that says anything
_SPREAD: Final = 0.1
_FACTORS: Final = tuple(10.0**power for power in range(1, 7))


def not_learning(case: Case) -> Diagnosis | None:
    """Training images are classified hardly better than by naming the most frequent class."""
    if case.learnt(case.train.accuracy.high):
        return None
    return Diagnosis(
        "not_learning",
        "The model has not learnt to tell the classes apart: even on the images that it was trained on it is hardly"
        " better than always naming the most frequent class.",
        f"Right on {case.train.accuracy.value:.1%} of {case.train.n:,} training images; naming the most frequent class"
        f" is right on {case.chance:.1%}.",
        "Follow what else is said here of the learning rate or the layers, if anything; else look whether the labels"
        f" fit the images: {examine_data(case.run)}",
        severe=True,
    )


def rate_too_high(case: Case) -> Diagnosis | None:
    """Training images are not learnt, or the loss jumped; and from the same start a tenth of the rate gets further."""
    sign = _sign_of_too_high(case)
    if (not sign and case.train_error < _LEFT) or steps_of_a_trial(case) < _FEWEST:
        return None
    here, tenth = loss_after(case, "start", 1.0), loss_after(case, "start", 0.1)
    # What hardly moves is not better for that: the lower rate must itself get somewhere.
    if not (tenth < _FAR * here and tenth < loss_of(start_of(case), case)):
        return None
    lower, factor = tenth, 0.1
    while (still := loss_after(case, "start", factor / 10)) < lower and factor > 1e-5:
        lower, factor = still, factor / 10
    return Diagnosis(
        "learning_rate_too_high",
        "The learning rate is too high: steps overshoot, and undo what was learnt before.",
        f"{sign}Tried again from the same start with {_trial(case)}: at the rate of {_rate(case)} the loss comes to"
        f" {here:.3f}, at {_rate(case, factor)} to {lower:.3f}.",
        f"Try a lower rate: {train_again(case.run, {'optimizer.learning_rate': _scaled(case, factor)})}",
    )


def _sign_of_too_high(case: Case) -> str:
    """Say what in the epochs makes a too high rate likely; empty where nothing does."""
    first = case.epochs[0].loss
    if first > case.chance_loss:
        return (
            f"In the first epoch the loss was {first:.3f} on average, above the {case.chance_loss:.3f} of guessing by"
            " the frequencies of the classes. "
        )
    for before, after in pairwise(case.epochs):
        if after.loss > _RISE * before.loss and case.train_error >= _LEFT:
            return (
                f"In epoch {after.epoch} the training loss rose from {before.loss:.3f} to {after.loss:.3f}. "
            )
    return ""


def rate_too_low(case: Case) -> Diagnosis | None:
    """The training images are not yet learnt, and from where the training ended a far higher rate gets further."""
    if case.train_error < _LEFT or case.gap > case.train_error or steps_of_a_trial(case) < _FEWEST:
        return None
    here = best = loss_after(case, "end", 1.0)
    chosen = 1.0
    for factor in _FACTORS:
        there = loss_after(case, "end", factor)
        if there >= best:
            break
        best, chosen = there, factor
    if best >= _CLEARLY * here:
        return None
    now = loss_of(end_of(case), case)
    return Diagnosis(
        "learning_rate_too_low",
        "The learning rate is too low: the training ended long before the network had learnt what it can.",
        f"Continued from the end with {_trial(case)}: at the rate of {_rate(case)} the loss goes from {now:.3f} to"
        f" {here:.3f}, at {_rate(case, chosen)} to {best:.3f}.",
        f"Try a higher rate: {train_again(case.run, {'optimizer.learning_rate': _scaled(case, chosen)})}",
    )


def vanishing_gradients(case: Case) -> Diagnosis | None:
    """The first epochs were wasted, and at the start hardly any gradient reached the first layer."""
    idle = list(takewhile(lambda epoch: not case.learnt(epoch.accuracy), case.epochs))
    if not idle:
        return None
    start = start_of(case)
    reaching, spreading = reach(start, case), spread(start, case)
    if reaching >= _REACH:
        return None
    alike = (
        f" Nor could the last layer make anything of the images: what it was given of them differed by {spreading:.1%}"
        " of its size, so they all looked alike."
        if spreading < _SPREAD
        else ""
    )
    return Diagnosis(
        "vanishing_gradients",
        f"The gradient vanishes on its way to the first layers, so in {_first(len(idle))} the network hardly learnt"
        " anything.",
        f"Accuracy on training images in epoch {len(idle)}: {idle[-1].accuracy:.1%}, where always naming the most"
        f" frequent class makes {case.chance:.1%}. At the start a step of gradient descent moved the first"
        f" layer, relative to its weights, {_times(reaching)} than the last; at the end"
        f" {_times(reach(end_of(case), case))}.{alike}",
        f"Let the gradient through: {edit_recipe(case.run, _shallower(case))}; or let every weight move alike:"
        f" {train_again(case.run, {'optimizer.type': 'Adam'})}",
    )


def _first(epochs: int) -> str:
    return "the first epoch" if epochs == 1 else f"the first {epochs} epochs"


def _times(reaching: float) -> str:
    if reaching == 0:
        return "infinitely less"
    return f"{1 / reaching:,.1f} times less" if reaching < 1 else f"{reaching:,.1f} times more"


def _shallower(case: Case) -> str:
    """Say how the layers could let the gradient through."""
    squashing = sorted(
        {getattr(layer, "activation", "") for layer in case.recipe.layers} & {"sigmoid", "tanh"}
    )
    return f"replace {' and '.join(squashing)} by relu" if squashing else "use fewer layers"


def _trial(case: Case) -> str:
    return f"{images_of_a_trial(case):,} training images"


def _scaled(case: Case, factor: float) -> float:
    return float(f"{case.recipe.optimizer.learning_rate * factor:.3g}")


def _rate(case: Case, factor: float = 1.0) -> str:
    return f"{_scaled(case, factor):g}"
