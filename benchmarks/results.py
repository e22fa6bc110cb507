"""The files in benchmarks/results/: one for each line, written when it has been measured, read back typed."""

from pathlib import Path
from statistics import median
from typing import Final

from pydantic import Field

from reproduce.machine import Machine
from reproduce.results import ROOT, Frozen, write

FOLDER: Final = ROOT / "benchmarks" / "results"
# Git ignores build/: what is measured on goes there.
CACHE: Final = ROOT / "build" / "benchmarks"


class Measured(Frozen):
    """What was measured on one line.

    Attributes:
        line: Its name in the registry.
        date: On which day, in UTC.
        machine: On what.
        versions: Of Python and the packages that did the work.
        unit: Of values and tried.
        values: For each side or quantity every value, one a round.
        tried: The peers' settings, briefly and on fewer images, by which those in `values` were chosen.
        failed: What could not be tried, with what it said.
        checks: For each side a number that shows that it did the work; what it is depends on the line.
        peaks: For each of our sides GFLOP/s of a plain matrix product on its instruction set, in its precision; one a
            round.
        flop: Of what a value of `values` is the time of; 0 where that is not counted.
    """

    line: str
    date: str
    machine: Machine
    versions: dict[str, str]
    unit: str
    values: dict[str, tuple[float, ...]]
    tried: dict[str, float] = Field(default_factory=dict)
    failed: dict[str, str] = Field(default_factory=dict)
    checks: dict[str, float] = Field(default_factory=dict)
    peaks: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    flop: float = 0.0

    def median(self, name: str) -> float:
        """The median of a side's or quantity's values."""
        return median(self.values[name])

    @property
    def ours(self) -> str:
        """The side that is optotype as it is by default: the first of its sides."""
        return next(name for name in self.values if name.startswith("optotype"))

    def fastest(self, library: str = "") -> str:
        """The peer whose median is smallest, among all or those of one library."""
        peers = [name for name in self.values if name.startswith(library) and not name.startswith("optotype")]
        return min(peers, key=self.median)

    def times(self, library: str = "") -> float:
        """How many times as fast optotype is as the fastest peer, of all or of one library."""
        return self.median(self.fastest(library)) / self.median(self.ours)

    def share(self, side: str) -> float:
        """Which share of its peak a side of ours reached, in 0..1."""
        return self.flop / self.median(side) / 1e9 / median(self.peaks[side])


def read(line: str, folder: Path = FOLDER) -> Measured | None:
    """Read what was measured on a line; None where nothing was yet."""
    file = folder / f"{line}.json"
    return Measured.model_validate_json(file.read_text(encoding="utf-8")) if file.exists() else None


def keep(measured: Measured, folder: Path = FOLDER) -> None:
    """Write a line's file, whole or not at all."""
    write(measured, folder / f"{measured.line}.json")
