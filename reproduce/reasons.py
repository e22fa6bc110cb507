"""results/explanations.json: whether explanations mean anything, a record for each data set; and the tables of it."""

from pathlib import Path
from typing import Final

from pydantic import Field

from optotype.metrics import Estimate
from reproduce.results import FOLDER, Frozen

FILE: Final = "explanations.json"
_MEANING: Final = """Whether `ot.occlusion` and `ot.Neighbours` say anything of the model: measured with `mnist-quick`
trained on each set, on validation images, by `.venv/bin/python -m reproduce.explanations --cifar FOLDER`; no test
split is opened.

**Deletion** and **insertion** (Petsiuk, Das, Saenko, RISE, BMVC 2018): the pixels of an image are taken away in some
order, or given back in it, in 28 steps, and the probability of the class that the model said is averaged over the
steps. A good order takes it down soon (a small number) and brings it back soon (a large one). What takes the place of
a pixel decides much, so each number is the mean over five ways: black, grey, the image's mean colour, the blurred
image, and another training image. In brackets are 95 % bootstrap intervals over the images.

CIFAR-10 is a copy as JPEG files: **these accuracies do not compare with published ones of CIFAR-10.**"""
_FILLS: Final = """The same for maps whose patches show something else, each half its side from the next; those of
optotype have the image's mean colour."""
_SCALES: Final = """**Hidden** is the share of the images for which no patch lowers the probability by as much as a
hundredth, so that a map of probabilities would show next to nothing; the log-odds fall by **(median)** under the
patch that matters most."""
_SANITY: Final = """A map that stays when the weights are replaced explains the image and not the model (Adebayo and
others, Sanity checks for saliency maps, NeurIPS 2018). Spearman's rank correlation of an image's map with that of the
same class by another model:"""
_NEIGHBOURS: Final = """The share of the six nearest training images that have an image's own label, over all
validation images:"""


class Mean(Frozen):
    """A mean over images with its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, estimate: Estimate) -> "Mean":
        """Round an estimate."""
        return cls(**{name: round(getattr(estimate, name), 4) for name in ("value", "low", "high")})

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


class Areas(Frozen):
    """How soon the probability falls and comes back when pixels go and come in one order."""

    deletion: Mean
    insertion: Mean


class Subject(Frozen):
    """What was measured on one data set.

    Attributes:
        data: Its name.
        accuracy: Of the model on all validation images.
        n: How many images were explained.
        orders: Areas by the order of the pixels.
        fills: Areas of maps by what patches show.
        hidden: Share of the images for which no patch lowers the probability by a hundredth.
        fall: Median over the images of the largest fall of the log-odds.
        agreement: Rank correlation of the map with that of another model, by which.
        neighbours: Share of nearest images with the image's own label, by what is compared.
    """

    data: str
    accuracy: float
    n: int
    orders: dict[str, Areas]
    fills: dict[str, Areas]
    hidden: float
    fall: float
    agreement: dict[str, Mean]
    neighbours: dict[str, Mean]


class Explanations(Frozen):
    """What results/explanations.json holds.

    Attributes:
        subjects: One for each data set.
        versions: Of what did the work.
    """

    subjects: tuple[Subject, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)


def read(folder: Path = FOLDER) -> Explanations:
    """Read what was measured so far."""
    file = folder / FILE
    return (
        Explanations.model_validate_json(file.read_text(encoding="utf-8"))
        if file.exists()
        else Explanations()
    )


def reasons_section(folder: Path = FOLDER) -> list[str]:
    """Write what RESULTS.md says of it.

    Args:
        folder: Of the results.

    Returns:
        Paragraphs of Markdown; one that says how to get the others where there is no result yet.
    """
    subjects = read(folder).subjects
    if not subjects:
        return ["None yet: `.venv/bin/python -m reproduce.explanations`."]
    return [
        _MEANING,
        _areas_table("order of the pixels", {each.data: each.orders for each in subjects}),
        _FILLS,
        _areas_table("patches show", {each.data: each.fills for each in subjects}),
        _SCALES,
        _table(
            ["data", "accuracy", "images", "hidden", "largest fall of the log-odds (median)"],
            [
                [each.data, f"{each.accuracy:.4f}", str(each.n), f"{each.hidden:.3f}", f"{each.fall:.1f}"]
                for each in subjects
            ],
        ),
        _SANITY,
        _means_table("maps of", {each.data: each.agreement for each in subjects}),
        _NEIGHBOURS,
        _means_table("compared by", {each.data: each.neighbours for each in subjects}),
    ]


def _areas_table(what: str, areas: dict[str, dict[str, Areas]]) -> str:
    names = list(dict.fromkeys(name for each in areas.values() for name in each))
    head = [what, *(f"{data}: {kind}" for data in areas for kind in ("deletion", "insertion"))]
    rows = [
        [name, *(str(of) for each in areas.values() for of in (each[name].deletion, each[name].insertion))]
        for name in names
    ]
    return _table(head, rows)


def _means_table(what: str, means: dict[str, dict[str, Mean]]) -> str:
    names = list(dict.fromkeys(name for each in means.values() for name in each))
    return _table([what, *means], [[name, *(str(each[name]) for each in means.values())] for name in names])


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
