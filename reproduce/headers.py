"""The line of measured accuracy above each built-in recipe; rewritten whenever RESULTS.md is."""

from pathlib import Path
from statistics import fmean
from typing import Final

from reproduce.lessons import LESSONS
from reproduce.results import FOLDER, ROOT, Results, read, write_text

RECIPES: Final = ROOT / "src" / "optotype" / "recipes" / "builtin"
_START: Final = "# Measured: "


def measured(found: Results) -> str:
    """Return the comment line for a recipe's results on the test split."""
    reached = [training.test.accuracy for training in found.trainings]
    return (
        f"{_START}mean {fmean(reached):.4f}, range {min(reached):.4f} to {max(reached):.4f} over {len(reached)} seeds"
        " (test accuracy, fp32); make reproduce."
    )


def with_line(text: str, line: str) -> str:
    """Return a recipe's text with the line at the end of its first comment, replacing an older one."""
    lines = [each for each in text.splitlines() if not each.startswith(_START)]
    end = next((place for place, each in enumerate(lines) if not each.startswith("#")), len(lines))
    return "\n".join([*lines[:end], line, *lines[end:]]) + "\n"


def write_headers(folder: Path = FOLDER, recipes: Path = RECIPES) -> None:
    """Rewrite the line above every built-in recipe that has results."""
    for name in LESSONS:
        found = read(name, "optotype-fp32", folder)
        file = recipes / f"{name}.toml"
        if found is None:
            continue
        text = file.read_text(encoding="utf-8")
        wanted = with_line(text, measured(found))
        if text != wanted:
            write_text(wanted, file)
