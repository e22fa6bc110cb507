"""results/explanations.json: scores of explanations for each data set, and their tables."""

from pathlib import Path
from typing import Final

from pydantic import Field

from optotype.metrics import Estimate
from reproduce.results import FOLDER, Frozen

FILE: Final = "explanations.json"
_DESCRIPTION: Final = """How much `ot.occlusion` and `ot.Neighbours` depend on the model, measured with `mnist-quick`
trained on each data set, on validation images, by `.venv/bin/python -m reproduce.explanations --cifar FOLDER`; no test
split is opened.

**Deletion** and **insertion** (Petsiuk, Das, Saenko, RISE, BMVC 2018): the pixels of an image are removed in an order,
or restored in it, in 28 steps, and the probability of the predicted class is averaged over the steps. A good order
lowers it fast (a small number) and restores it fast (a large number). The result depends on the replacement of removed
pixels, so each number is the mean over five replacements: black, grey, the image's mean colour, the blurred image, and
another training image. In brackets are 95 % bootstrap intervals over the images.

CIFAR-10 is a copy as JPEG files: **these accuracies cannot be compared with published accuracies on CIFAR-10.**"""
_FILL_DESCRIPTION: Final = """The same for maps whose patches have another content, with a stride of half a patch. The
maps of optotype use the image's mean colour."""
_DROP_DESCRIPTION: Final = """**No effect** is the share of the images for which no patch lowers the probability by 0.01
or more, so that a map of probabilities would be almost empty. **Largest drop** is the drop of the log-odds under the
patch that matters most (median over the images)."""
_SANITY_DESCRIPTION: Final = """A map that does not change when the weights are replaced explains the image and not the
model (Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018). Spearman's rank correlation of an image's map
with the map of the same class by another model:"""
_NEIGHBOUR_DESCRIPTION: Final = """The share of the six nearest training images that have the image's own label, over
all validation images:"""


class Mean(Frozen):
    """A mean over images with its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, estimate: Estimate) -> "Mean":
        """Return an estimate, rounded to four decimals."""
        return cls(**{name: round(getattr(estimate, name), 4) for name in ("value", "low", "high")})

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


class Areas(Frozen):
    """The areas of deletion and insertion for one order of the pixels."""

    deletion: Mean
    insertion: Mean


class Subject(Frozen):
    """The scores on one data set.

    Attributes:
        data: Name of the data set.
        accuracy: Accuracy of the model on all validation images.
        n: Number of explained images.
        orders: Areas by the order of the pixels.
        fills: Areas of maps by the content of the patches.
        no_effect: Share of the images for which no patch lowers the probability by 0.01 or more.
        max_drop: Median over the images of the largest drop of the log-odds.
        agreement: Rank correlation of the map with that of another model, by model.
        neighbours: Share of the nearest images with the image's own label, by what is compared.
    """

    data: str
    accuracy: float
    n: int
    orders: dict[str, Areas]
    fills: dict[str, Areas]
    no_effect: float
    max_drop: float
    agreement: dict[str, Mean]
    neighbours: dict[str, Mean]


class Explanations(Frozen):
    """The content of results/explanations.json.

    Attributes:
        subjects: One for each data set.
        versions: Versions of the software that was used.
    """

    subjects: tuple[Subject, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)


def read(folder: Path = FOLDER) -> Explanations:
    """Read the saved results."""
    file = folder / FILE
    if not file.exists():
        return Explanations()
    return Explanations.model_validate_json(file.read_text(encoding="utf-8"))


def explanations_section(folder: Path = FOLDER) -> list[str]:
    """Return the section of RESULTS.md on explanations.

    Args:
        folder: The folder of the results.

    Returns:
        Paragraphs of Markdown; one with the command to run if there are no results.
    """
    subjects = read(folder).subjects
    if not subjects:
        return ["None yet: `.venv/bin/python -m reproduce.explanations`."]
    return [
        _DESCRIPTION,
        _areas_table("order of the pixels", {subject.data: subject.orders for subject in subjects}),
        _FILL_DESCRIPTION,
        _areas_table("content of the patches", {subject.data: subject.fills for subject in subjects}),
        _DROP_DESCRIPTION,
        _drops_table(subjects),
        _SANITY_DESCRIPTION,
        _means_table("map of", {subject.data: subject.agreement for subject in subjects}),
        _NEIGHBOUR_DESCRIPTION,
        _means_table("compared by", {subject.data: subject.neighbours for subject in subjects}),
    ]


def _drops_table(subjects: tuple[Subject, ...]) -> str:
    head = ["data", "accuracy", "images", "no effect", "largest drop of the log-odds (median)"]
    rows = [
        [
            subject.data,
            f"{subject.accuracy:.4f}",
            str(subject.n),
            f"{subject.no_effect:.3f}",
            f"{subject.max_drop:.1f}",
        ]
        for subject in subjects
    ]
    return _table(head, rows)


def _areas_table(heading: str, areas: dict[str, dict[str, Areas]]) -> str:
    names = list(dict.fromkeys(name for by_name in areas.values() for name in by_name))
    head = [heading, *(f"{data}: {kind}" for data in areas for kind in ("deletion", "insertion"))]
    rows = []
    for name in names:
        pairs = [by_name[name] for by_name in areas.values()]
        rows.append([name, *(str(mean) for pair in pairs for mean in (pair.deletion, pair.insertion))])
    return _table(head, rows)


def _means_table(heading: str, means: dict[str, dict[str, Mean]]) -> str:
    names = list(dict.fromkeys(name for by_name in means.values() for name in by_name))
    rows = [[name, *(str(by_name[name]) for by_name in means.values())] for name in names]
    return _table([heading, *means], rows)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
