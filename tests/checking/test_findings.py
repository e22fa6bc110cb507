"""Findings: the verdict and the JSON."""

import pytest

from optotype.checking.findings import KINDS, Finding, Findings, Kind


def _findings(*kinds: Kind, tests: int = 0) -> Findings:
    findings = tuple(Finding(kind, "A fault.", 1.0) for kind in kinds)
    return Findings("some", "sha256:0", 1200, tests, None, None, findings, (), 1.0)


@pytest.mark.parametrize(
    ("kinds", "verdict"),
    [
        ((), "No faults found in 1,200 training images."),
        (
            ("duplicate", "label_error", "label_error"),
            (
                "Worth a look in 1,200 training images: 1 group of exact duplicates, 2 likely label errors. None of"
                " these prevents training."
            ),
        ),
        (
            ("leak", "leak", "imbalance"),
            (
                "Fix first in 1,200 training images: 2 images leaked across splits."
                " Worth a look: 1 imbalanced class."
            ),
        ),
    ],
)
def test_the_verdict_counts_the_findings_of_each_kind(kinds: tuple[Kind, ...], verdict: str) -> None:
    """The verdict has the number of images and of findings of each kind, with severe kinds first."""
    assert _findings(*kinds).verdict == str(_findings(*kinds)) == verdict


def test_json_has_every_kind() -> None:
    """The JSON has each kind, with an empty list if there are no findings, so that programs need no guard."""
    findings = _findings("leak").to_json()["findings"]
    assert isinstance(findings, dict)
    assert list(findings) == list(KINDS)
    assert findings["leak"] == [{"message": "A fault.", "score": 1.0, "pictures": []}]
