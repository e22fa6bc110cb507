"""Small artificial measurements and benchmark sides."""

import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.children import Side
from benchmarks.environments import Environment
from benchmarks.results import Measured
from reproduce.machine import Machine

HERE: Final = Environment(str(Path(sys.executable).parents[1]))


def fake(name: str, **settings: Any) -> Side:
    """Create a side that computes nothing."""
    return Side(name, "tests.benchmarks.fake_side", HERE, {"name": name, **settings}, {"MOOD": "fine"})


def measured(line: str, values: dict[str, tuple[float, ...]], **fields: Any) -> Measured:
    """Create a record; if it has peaks, its arithmetic is 10 GFLOP."""
    return Measured(
        line=line,
        date="2026-11-22",
        machine=Machine(processor="one", cores=2, system="Linux"),
        versions={"python": "3.11"},
        unit="s",
        values=values,
        flop=1e10 if "peaks" in fields else 0.0,
        **fields,
    )
