"""The files in benchmarks/results/: one per line, read as typed records."""

from pathlib import Path
from statistics import median
from typing import Final

from pydantic import Field

from reproduce.machine import Machine
from reproduce.results import ROOT, Frozen, write

FOLDER: Final = ROOT / "benchmarks" / "results"
# Git ignores build/, which holds the images and weights of the benchmark.
CACHE: Final = ROOT / "build" / "benchmarks"


class Measured(Frozen):
    """The measurements of one line.

    Attributes:
        line: The name of the line in the registry.
        date: The day, in UTC.
        machine: The machine.
        versions: The versions of Python and of the packages.
        unit: The unit of `values` and `tried`.
        values: Per side or quantity, one value per round.
        tried: Short timings of the peers' settings on fewer images, which selected the ones in `values`.
        failed: Settings that failed, with their error.
        checks: Per side, a number that proves that it did the work; its meaning depends on the line.
        peaks: Per side of ours, GFLOP/s of a plain matrix product with its instruction set and precision; one per
            round.
        flop: Floating-point operations in the time of one value; 0 if not counted.
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
        """Return the median of a side's or quantity's values."""
        return median(self.values[name])

    @property
    def ours(self) -> str:
        """The side of optotype with default settings: the first of its sides."""
        return next(name for name in self.values if name.startswith("optotype"))

    def fastest(self, library: str = "") -> str:
        """Return the peer with the smallest median, among all or those of one library."""
        peers = [name for name in self.values if name.startswith(library) and not name.startswith("optotype")]
        return min(peers, key=self.median)

    def times(self, library: str = "") -> float:
        """Return the speed ratio of optotype to the fastest peer, of all or of one library."""
        return self.median(self.fastest(library)) / self.median(self.ours)

    def share(self, side: str) -> float:
        """Return the share of its peak that a side of ours reached, in 0..1."""
        return self.flop / self.median(side) / 1e9 / median(self.peaks[side])


def read(line: str, folder: Path = FOLDER) -> Measured | None:
    """Read the measurements of a line; None if there are none yet."""
    file = folder / f"{line}.json"
    return Measured.model_validate_json(file.read_text(encoding="utf-8")) if file.exists() else None


def save(measured: Measured, folder: Path = FOLDER) -> None:
    """Write a line's file atomically."""
    write(measured, folder / f"{measured.line}.json")
