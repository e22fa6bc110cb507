"""The line of measured accuracy above each built-in recipe; rewritten whenever RESULTS.md is."""

from pathlib import Path
from statistics import fmean
from typing import Final

from reproduce.lessons import LESSONS
from reproduce.results import FOLDER, ROOT, Results, read, write_text

RECIPES: Final = ROOT / "src" / "optotype" / "recipes" / "builtin"
_START: Final = "# Measured: "


def measured(results: Results) -> str:
    """Return the comment line for a recipe's results on the test split."""
    accuracies = [training.test.accuracy for training in results.trainings]
    return (
        f"{_START}mean {fmean(accuracies):.4f}, range {min(accuracies):.4f} to {max(accuracies):.4f} over"
        f" {len(accuracies)} seeds (test accuracy, fp32); make reproduce."
    )


def with_line(text: str, line: str) -> str:
    """Return a recipe's text with the line at the end of its first comment, replacing an older one."""
    lines = [existing for existing in text.splitlines() if not existing.startswith(_START)]
    end = next((index for index, existing in enumerate(lines) if not existing.startswith("#")), len(lines))
    return "\n".join([*lines[:end], line, *lines[end:]]) + "\n"


def write_headers(folder: Path = FOLDER, recipes: Path = RECIPES) -> None:
    """Rewrite the line above every built-in recipe that has results."""
    for name in LESSONS:
        results = read(name, "optotype-fp32", folder)
        file = recipes / f"{name}.toml"
        if results is None:
            continue
        text = file.read_text(encoding="utf-8")
        updated = with_line(text, measured(results))
        if text != updated:
            write_text(updated, file)
