"""The tables that compare training in bf16 with training in fp32: the same recipes, seeds and images."""

from pathlib import Path
from statistics import fmean
from typing import Final

from reproduce.accuracy import SplitName, accuracies, spread, verdict
from reproduce.lessons import LESSONS
from reproduce.results import Results, read

MEANING: Final = """The same recipes trained by optotype in fp32 and with bfloat16 operands, which `precision = "auto"`
takes on a processor with AMX. The difference is of mean test accuracies, bf16 minus fp32, with its interval as above;
**holds** says whether the interval's lower end lies above the margin: -0.1 for networks that reach 99 % in fp32, -0.3
for the others."""


def precision_table(split: SplitName, folder: Path) -> str:
    """Render a table with one row per recipe that was trained in both precisions and has the split."""
    rows = [_row(*pair, split) for pair in _pairs(folder) if accuracies(pair[0], split)]
    if not rows:
        return "Not measured yet."
    head = [
        "| recipe | fp32 (range) | n | bf16 (range) | n | difference, pp | 95 % interval | margin | holds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def margin(single: Results) -> float:
    """Return the margin for the lower end of the interval, in percentage points, from the results in fp32."""
    return -0.1 if fmean(accuracies(single, "test")) >= 0.99 else -0.3


def _pairs(folder: Path) -> list[tuple[Results, Results]]:
    both = [(read(name, "optotype-fp32", folder), read(name, "optotype-bf16", folder)) for name in LESSONS]
    return [(single, half) for single, half in both if single and half]


def _row(single: Results, half: Results, split: SplitName) -> str:
    before, after = accuracies(single, split), accuracies(half, split)
    minimum = margin(single)
    difference, interval, holds = verdict(after, before, minimum)
    cells = [
        single.recipe,
        *(spread(before), str(len(before))),
        *(spread(after), str(len(after))),
        *(difference, interval, f"{minimum:+.1f}", holds),
    ]
    return f"| {' | '.join(cells)} |"
