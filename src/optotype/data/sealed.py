"""Opening of the sealed test split: every opening is logged and counted before the images are returned."""

from dataclasses import dataclass, field
from pathlib import Path

from optotype.data.dataset import Dataset, Images, Labels, fingerprint
from optotype.data.openings import Opening, record_opening
from optotype.errors import DataError


@dataclass(frozen=True, eq=False, repr=False)
class OpenedTest:
    """An opened test split.

    Attributes:
        images: uint8 of shape (n, height, width, channels); read-only.
        labels: int64 of shape (n,); read-only.
        openings: Every opening of this test set that is logged in the folder, this one last.
        fingerprint: Fingerprint of the images and labels.
    """

    images: Images = field(repr=False)
    labels: Labels = field(repr=False)
    openings: tuple[Opening, ...]
    fingerprint: str

    @property
    def opening(self) -> int:
        """The number of openings of this test set, this one included."""
        return len(self.openings)

    def __repr__(self) -> str:
        short = self.fingerprint.removeprefix("sha256:")[:6]
        return f"opening {self.opening} of test set {short}…, n = {len(self.labels):,}"


def open_test(data: Dataset, runs_root: Path | str = "runs", by: str = "python") -> OpenedTest:
    """Open the test split of a data set, and log the opening.

    Args:
        data: The data set.
        runs_root: The folder of the runs, which contains the log; it is created if missing.
        by: The program or command that opens it, for the log.

    Returns:
        The test images and labels, and all openings of this test set.

    Raises:
        DataError: If the files of the test split changed after the data set was loaded.
        RunError: If the opening cannot be logged; the split stays sealed.
    """
    expected = data.test.fingerprint
    images, labels = data.test._read()  # noqa: SLF001 - the only function that may read it
    actual = fingerprint(images, labels)
    if actual != expected:
        raise DataError(
            f"The test split of {data.source} has the fingerprint {actual}; expected {expected}, as when it was loaded."
            " Load the data set again (image files with --rehash, or rehash=True in Python)."
        )
    return OpenedTest(images, labels, record_opening(actual, runs_root, by), actual)
