"""The verdict."""

import pytest

from optotype.checking.findings import KINDS, Finding, Findings, Kind


def _findings(*kinds: Kind, tests: int = 0) -> Findings:
    found = tuple(Finding(kind, "So it is.", 1.0) for kind in kinds)
    return Findings("some", "sha256:0", 1200, tests, None, None, found, (), 1.0)


@pytest.mark.parametrize(
    ("kinds", "verdict"),
    [
        ((), "Nothing was found in 1,200 training images."),
        (
            ("duplicate", "label_error", "label_error"),
            (
                "Worth a look, in 1,200 training images: 1 group of exact duplicates, 2 likely label errors. None of it"
                " stands in the way of a training."
            ),
        ),
        (
            ("leak", "leak", "imbalance"),
            (
                "To be mended first, in 1,200 training images: 2 images leaked across splits."
                " Worth a look: 1 imbalance between classes."
            ),
        ),
    ],
)
def test_the_verdict_counts_what_was_found(kinds: tuple[Kind, ...], verdict: str) -> None:
    """The verdict says what was looked at, and the number of each kind, the grave ones apart."""
    assert _findings(*kinds).verdict == str(_findings(*kinds)) == verdict


def test_json_names_every_kind() -> None:
    """The JSON has each kind, empty where nothing was found, so that a program needs no guard."""
    told = _findings("leak").to_json()["findings"]
    assert isinstance(told, dict)
    assert list(told) == list(KINDS)
    assert told["leak"] == [{"said": "So it is.", "badness": 1.0, "pictures": []}]
