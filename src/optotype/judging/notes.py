"""What a careful reader must know beside the numbers, in sentences."""

from typing import Final

from optotype.judging.judgement import Score

FEW: Final = 100
"""Images below which a score is said to be of few."""
FEW_OF_A_CLASS: Final = 30
_LISTED: Final = 5


def notes_on(score: Score) -> list[str]:
    """Say where there are too few images for much to be known.

    Args:
        score: The one that the verdict is about.
    """
    notes = []
    if score.n < FEW:
        width = 100 * (score.accuracy.high - score.accuracy.low)
        notes.append(
            f"{score.n} images are few: the interval of the accuracy is {width:.0f} points wide, and those of F1, kappa"
            " and loss are narrower than they should be."
        )
    missing = [each.name for each in score.classes if each.n == 0]
    if missing:
        notes.append(f"No image shows {_list(missing)}: nothing is known of {_them(missing)}.")
    few = sorted((each.n, each.name) for each in score.classes if 0 < each.n < FEW_OF_A_CLASS)
    if few:
        told = _list([f"{name} ({n})" for n, name in few])
        notes.append(
            f"Fewer than {FEW_OF_A_CLASS} images show {told}: little is known of {_them(few)} alone."
        )
    return notes


def _them(classes: list[str] | list[tuple[int, str]]) -> str:
    return "this class" if len(classes) == 1 else "these classes"


def _list(names: list[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
