"""Class imbalance."""

import numpy as np

from optotype.checking.imbalance import imbalance
from tests.checking.samples import textured


def test_a_tenth_of_the_largest_class_is_reported() -> None:
    """A class with a tenth of the images of the largest is reported with both numbers; one with more is not."""
    labels = np.repeat([0, 1, 2], [200, 20, 21])
    (finding,) = imbalance(textured(241, labels=labels))
    for part in ("'flat'", "20", "241", "'round'", "200"):
        assert part in finding.message
    assert finding.score == 10
