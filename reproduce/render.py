"""RESULTS.md, a pure function of the files in results/: the same files give the same page."""

from pathlib import Path
from typing import Final

from reproduce.accuracy import Pair, accuracy_table, early_table, first_epoch_line
from reproduce.cifar import cifar_section
from reproduce.conditions import diagnoses_section
from reproduce.coverage import coverage_section
from reproduce.examination import faults_section
from reproduce.explanation_results import explanations_section
from reproduce.lessons import LESSONS
from reproduce.precision import MEANING, precision_table
from reproduce.results import FOLDER, ROOT, Results, read, with_common_seeds, write_text
from reproduce.seconds import backends_table, seconds_table, whole_line
from reproduce.uncertainty_results import uncertainty_section

PAGE: Final = ROOT / "RESULTS.md"
_HEADING: Final = """# Results

Rendered by `make reproduce` from the files in `results/`, never edited by hand.

Every built-in recipe on MNIST: the accuracy that its lesson prints, Keras 3 today, and optotype. Both libraries
train the same recipe on the same images, with the same validation images and the same number of seeds (n).
Accuracies are means over the seeds, with the range from the lowest to the highest. The difference is of the means,
optotype minus Keras, in percentage points (pp), with its 95 % interval (Welch's t); **holds** says whether the
interval's lower end lies above -0.3. Here both libraries compute in fp32, which every machine supports; bf16 has a
section of its own."""
_VALIDATION: Final = (*(name for name, lesson in LESSONS.items() if lesson.validation), "mlp-300-300-early")


def write_page(folder: Path = FOLDER, page: Path = PAGE) -> None:
    """Render the page and write it atomically."""
    write_text(render(folder), page)


def render(folder: Path = FOLDER) -> str:
    """Render the page.

    Args:
        folder: The folder of the results; missing results are shown as a dash.

    Returns:
        Markdown.
    """
    pairs = [_read_pair(name, folder) for name in LESSONS]
    halves = [read(name, "optotype-bf16", folder) for name in LESSONS]
    validated = [pair for pair in pairs if pair.recipe in _VALIDATION]
    sections = {
        "Test accuracy": [accuracy_table(pairs, "test"), first_epoch_line(_pair(pairs, "dnn-sigmoid"))],
        "Validation accuracy": [
            "Of the recipes whose lesson prints validation accuracy, on 5,000 images kept out of training.",
            accuracy_table(validated, "validation"),
        ],
        "CIFAR-10 as JPEG files": [cifar_section(folder)],
        "Early stopping": [
            "`mlp-300-300-early`: in the lesson early stopping never fired. Given the validation images, it stops:",
            early_table(_pair(pairs, "mlp-300-300-early")),
        ],
        "bf16 compared with fp32": [
            MEANING,
            precision_table("test", folder),
            "The same on validation images, of the recipes that keep some out of training:",
            precision_table("validation", folder),
        ],
        "Seconds per epoch": [seconds_table(folder), whole_line(folder)],
        "Keras's backends": [backends_table(folder)],
        "The data doctor": faults_section(folder),
        "Intervals": coverage_section(folder),
        "Uncertainty": uncertainty_section(folder),
        "Diagnoses": diagnoses_section(folder),
        "Explanations": explanations_section(folder),
        "Commands": [_commands()],
        "Versions": [_versions([side for pair in pairs for side in (pair.keras, pair.optotype)] + halves)],
    }
    body = [
        f"## {title}\n\n" + "\n\n".join(part for part in parts if part) for title, parts in sections.items()
    ]
    return "\n\n".join([_HEADING, *body]) + "\n"


def _read_pair(recipe: str, folder: Path) -> Pair:
    keras = read(recipe, "keras", folder)
    return Pair(recipe, keras, with_common_seeds(read(recipe, "optotype-fp32", folder), keras))


def _pair(pairs: list[Pair], recipe: str) -> Pair:
    return next(pair for pair in pairs if pair.recipe == recipe)


def _commands() -> str:
    both, single = (
        ".venv/bin/python -m reproduce --recipes",
        ".venv/bin/optotype train mnist --judge --recipe",
    )
    rows = [f"| {name} | `{both} {name}` | `{single} {name}` |" for name in LESSONS]
    head = [
        "`make reproduce` does all of it; what is in `results/` is not done again.",
        "",
        "| recipe | both sides, every seed, timed | one training with optotype |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def _versions(sides: list[Results | None]) -> str:
    """Render the versions used, one line per combination."""
    recipes_by_versions: dict[str, list[str]] = {}
    for results in sides:
        if results is not None:
            words = ", ".join(f"{name} {version}" for name, version in results.versions.items())
            recipes_by_versions.setdefault(f"{words} ({results.backend})", []).append(results.recipe)
    return (
        "\n".join(f"- {words}: {', '.join(recipes)}" for words, recipes in recipes_by_versions.items())
        or "None yet."
    )
